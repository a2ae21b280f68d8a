// Segments the active image with the current classifier; results are new images.
// output: labels, probabilities, both, or overlay (labels over a copy of the image).
title = getTitle();
run("TDS Apply...", "output=labels");
selectImage(title);
run("TDS Apply...", "output=probabilities");
