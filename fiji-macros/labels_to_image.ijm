// Shows the labels of the active image as a label image: 0 is unlabelled, other values are classes.
run("TDS Labels to Image", "");
