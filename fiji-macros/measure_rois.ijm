// One row for each ROI of the active image, with its mean features: for classifying or clustering
// objects elsewhere. components=8 gives the first principal components of the features.
run("TDS Measure ROIs...", "features=hybrid components=2");
