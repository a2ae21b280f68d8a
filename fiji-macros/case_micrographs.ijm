// A case study: one way of working for micrographs of different kinds. Make the images first:
//     tdseg samples micrographs --output-folder micrographs
// Each kind has a folder with labelled/ (strokes in the overlays), unseen/, truth/ if it is known,
// and classes.txt (their names). Add folders of your own.
folder = getArgument();
if (folder == "") folder = getDirectory("The folder that 'tdseg samples micrographs' made");
if (!endsWith(folder, "/") && !endsWith(folder, File.separator)) folder = folder + "/";

kinds = getFileList(folder);
for (i = 0; i < kinds.length; i++) {
    place = folder + replace(kinds[i], "/", "");
    if (!File.isDirectory(place + "/labelled")) continue;
    print(replace(kinds[i], "/", ""));
    if (File.exists(place + "/classes.txt")) {
        names = String.trim(File.openAsString(place + "/classes.txt"));
        run("TDS Set Classes...", "classes=[" + names + "]");
    }
    run("TDS Train from Folder...", "input=[" + place + "/labelled] labels=overlay features=hybrid classifier=auto refine=auto seed=0");
    run("TDS Save Classifier...", "path=[" + place + "/classifier.tdseg] existing=overwrite");
    truth = "";
    if (File.isDirectory(place + "/truth")) truth = " truth=[" + place + "/truth]";
    run("TDS Apply to Folder...", "input=[" + place + "/unseen] output_folder=[" + place + "/results]" + truth + " existing=update");
}
print("Done: " + folder);
