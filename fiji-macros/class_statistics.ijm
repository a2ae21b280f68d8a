// Pixels, calibrated area and fraction of each class, slice by slice, of a label image.
run("TDS Apply...", "output=labels");
run("TDS Class Statistics", "");
