// From clusters to a classifier: clusters give a first set of ROI labels in the overlay of the
// active image, to be corrected by hand; then a classifier is trained on them.
// Each class is shrunk before it becomes a ROI, for clusters are least sure at their borders.
image = getTitle();
run("TDS Segment Without Labels...", "method=clusters clusters=2 features=hybrid seed=0 adopt=false");
clusters = getTitle();
getStatistics(area, mean, min, highest);
run("TDS Set Classes...", "classes=[class-a,class-b]");
names = newArray("class-a", "class-b");
selectImage(image);
run("Remove Overlay");
for (k = 1; k <= highest; k++) {
    selectImage(clusters);
    setThreshold(k, k);
    run("Create Selection");
    if (selectionType() >= 0) {
        run("Enlarge...", "enlarge=-2 pixel");
        if (selectionType() >= 0) {
            selectImage(image);
            run("Restore Selection");
            run("TDS Add Label...", "class=" + names[k - 1]);
            run("Select None");
        }
    }
}
selectImage(image);
// Here is the place to correct the labels by hand: waitForUser("Correct the labels, then press OK");
print(Overlay.size + " labels");
if (Overlay.size > 1) run("TDS Train...", "features=hybrid classifier=random_forest trees=200 seed=0");
