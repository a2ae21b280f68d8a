// Trains one classifier on all open images that have labels in their overlays, then applies it to
// every open image.
titles = getList("image.titles");
labelled = newArray(0);
for (i = 0; i < titles.length; i++) {
    selectImage(titles[i]);
    if (Overlay.size > 0) labelled = Array.concat(labelled, titles[i]);
}
if (labelled.length == 0) exit("Draw labels on an image first: Draw, then TDS Add Label...");
options = "features=classical labels=overlay seed=0";
if (labelled.length > 1) {
    others = Array.slice(labelled, 1);
    options += " images=[" + String.join(others) + "]";
}
selectImage(labelled[0]);
run("TDS Train...", options);
for (i = 0; i < titles.length; i++) {
    selectImage(titles[i]);
    run("TDS Apply...", "output=labels");
}
