// Trains on the labelled images of a folder: TIFFs that were saved with their overlays.
// Labels may also be RoiSets (labels=file) or label images (labels=image) beside the images.
// Held-out figures hold whole images out: they say what to expect of images that were not labelled.
images = getArgument();
if (images == "") images = getDirectory("The folder of the labelled images");
run("TDS Train from Folder...", "input=[" + images + "] labels=overlay features=hybrid classifier=random_forest trees=200 seed=0");
