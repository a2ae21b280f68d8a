// A case study: six cells labelled, thirty to go. Make the images first, in a terminal:
//     tdseg samples cells --output-folder cells
// The folder holds labelled/ (strokes in the overlays), unseen/ and truth/ (label images).
// For images of your own without truth leave out the key truth.
folder = getArgument();
if (folder == "") folder = getDirectory("The folder that 'tdseg samples cells' made");
if (!endsWith(folder, "/") && !endsWith(folder, File.separator)) folder = folder + "/";
run("TDS Set Classes...", "classes=[nucleus,cytoplasm,background]");
File.makeDirectory(folder + "results");

kinds = newArray("classical", "deep", "hybrid");
refinements = newArray("none", "crf", "auto");
for (i = 0; i < kinds.length; i++) {
    // Held-out figures hold whole cells out: compare them with the report on the unseen ones.
    run("TDS Train from Folder...", "input=[" + folder + "labelled] labels=overlay features=" + kinds[i] + " classifier=auto refine=auto seed=0");
    run("TDS Save Classifier...", "path=[" + folder + "results/" + kinds[i] + ".tdseg] existing=overwrite");
    for (k = 0; k < refinements.length; k++) {
        // report.csv has a row a cell, report-classes.csv one a class; a contact sheet shows all.
        results = folder + "results/" + kinds[i] + "-" + refinements[k];
        run("TDS Apply to Folder...", "input=[" + folder + "unseen] output_folder=[" + results + "] truth=[" + folder + "truth] refine=" + refinements[k] + " existing=update");
    }
}
print("Done: " + folder + "results");
