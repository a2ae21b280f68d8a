// Trains one classifier on several open images, one after the other with append=true, then applies
// it to all of them. Every open image with an overlay takes part.
titles = getList("image.titles");
append = "false";
for (i = 0; i < titles.length; i++) {
    selectImage(titles[i]);
    if (Overlay.size > 0) {
        run("TDS Train...", "features=classical labels=overlay append=" + append + " seed=0");
        append = "true";
    }
}
for (i = 0; i < titles.length; i++) {
    selectImage(titles[i]);
    run("TDS Apply...", "output=labels");
}
