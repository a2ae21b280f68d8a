// The whole job: an image with labelled ROIs in its overlay, three kinds of features,
// results on that image and on an unseen one, and the saved classifier.
//
// The folder holds sample.tif (with ROIs in its overlay; ROI group = class) and unseen.tif.
// From the command line:   tdseg run whole_workflow.ijm /path/to/folder/
folder = getArgument();
if (folder == "") folder = getDirectory("Folder with sample.tif and unseen.tif");
if (!endsWith(folder, "/") && !endsWith(folder, File.separator)) folder = folder + "/";
setBatchMode(true);

// Class k has ROI group k, label value k, and the colour of that group.
run("TDS Set Classes...", "classes=[brick,grass,gravel]");

kinds = newArray("classical", "deep", "hybrid");
for (i = 0; i < kinds.length; i++) {
    // Train on the ROIs of the labelled image.
    open(folder + "sample.tif");
    run("TDS Train...", "features=" + kinds[i] + " classifier=random_forest labels=overlay trees=200 seed=0");

    // Results are new images; the image itself is never changed.
    selectImage("sample.tif");
    run("TDS Apply...", "output=labels");
    saveAs("Tiff", folder + "sample-" + kinds[i] + "-labels.tif");
    close();
    if (kinds[i] == "hybrid") {
        selectImage("sample.tif");
        run("TDS Apply...", "output=probabilities");
        saveAs("Tiff", folder + "sample-probabilities.tif");
        close();
        selectImage("sample.tif");
        run("TDS Features...", "features=hybrid components=16");
        saveAs("Tiff", folder + "sample-features.tif");
        close();
        run("TDS Save Classifier...", "path=[" + folder + "textures.tdseg] existing=overwrite");
    }
    close("sample.tif");

    // The same classifier on an image that it has not seen.
    open(folder + "unseen.tif");
    run("TDS Apply...", "output=labels");
    saveAs("Tiff", folder + "unseen-" + kinds[i] + "-labels.tif");
    close();
    close("unseen.tif");
}
print("Done: " + folder);
