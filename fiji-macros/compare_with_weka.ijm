// Compares our classical features with a feature stack saved by your own Trainable Weka Segmentation.
// 1. In TWS: choose features and sigmas, "Create result" is not needed; "Save feature stack" as TIFF.
// 2. Run this macro with the arguments "image path|stack path", or choose the files.
// Slices are compared by name; the largest difference of each family goes to the Log.
argument = getArgument();
if (argument == "") {
    imagePath = File.openDialog("The image");
    stackPath = File.openDialog("TWS's feature stack of that image");
} else {
    parts = split(argument, "|");
    imagePath = parts[0];
    stackPath = parts[1];
}
setBatchMode(true);
open(imagePath);
run("32-bit");
run("TDS Features...", "features=classical classical=all rgb=tws");
ours = getImageID();
open(stackPath);
theirs = getImageID();
families = newArray(0);
largest = newArray(0);
compared = 0;
for (i = 1; i <= nSlices; i++) {
    selectImage(theirs);
    setSlice(i);
    name = getInfo("slice.label");
    selectImage(ours);
    found = 0;
    for (j = 1; j <= nSlices && found == 0; j++) {
        setSlice(j);
        if (getInfo("slice.label") == name) found = j;
    }
    if (found > 0) {
        compared++;
        difference = maximumDifference(ours, found, theirs, i);
        family = replace(name, "_[0-9].*", "");
        at = -1;
        for (k = 0; k < families.length; k++) if (families[k] == family) at = k;
        if (at < 0) {
            families = Array.concat(families, family);
            largest = Array.concat(largest, difference);
        } else if (difference > largest[at]) {
            largest[at] = difference;
        }
    }
    selectImage(theirs);
}
print(compared + " slices compared by name; largest difference relative to the slice's maximum:");
for (k = 0; k < families.length; k++) print(families[k] + "  " + largest[k]);

function maximumDifference(a, sliceA, b, sliceB) {
    selectImage(b);
    setSlice(sliceB);
    run("Duplicate...", "title=theirs_slice");
    getStatistics(area, mean, low, high);
    scale = maxOf(abs(low), abs(high));
    selectImage(a);
    setSlice(sliceA);
    run("Duplicate...", "title=ours_slice");
    imageCalculator("Subtract create 32-bit", "ours_slice", "theirs_slice");
    getStatistics(area, mean, low, high);
    close();
    close("ours_slice");
    close("theirs_slice");
    if (scale == 0) scale = 1;
    return maxOf(abs(low), abs(high)) / scale;
}
