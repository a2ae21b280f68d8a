// What runs: device, backbone and its weights, classifier, cached images, versions.
run("TDS Status", "");
