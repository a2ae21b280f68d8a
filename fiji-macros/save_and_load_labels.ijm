// Saves the labels of the active image as a RoiSet and loads them again.
// Loading adds to the overlay; replace=true replaces it.
path = getArgument();
if (path == "") path = getDirectory("Where to save the labels") + "RoiSet.zip";
run("TDS Save Labels...", "path=[" + path + "] existing=overwrite");
run("TDS Load Labels...", "path=[" + path + "] replace=true");
print(Overlay.size + " labels");
