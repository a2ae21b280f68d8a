// Adds selections of the active image to its overlay as labels of a class.
// The label keeps the slice it was drawn on; the pixels of the image are not changed.
run("TDS Set Classes...", "classes=[background,object]");
makeRectangle(2, 2, 12, 8);
run("TDS Add Label...", "class=background");
makeOval(24, 24, 10, 10);
run("TDS Add Label...", "class=object");
run("Select None");
print(Overlay.size + " labels");
