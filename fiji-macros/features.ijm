// Shows what the classifier sees: one slice a feature, or their first principal components.
title = getTitle();
run("TDS Features...", "features=classical");
print(nSlices + " classical features");
selectImage(title);
run("TDS Features...", "features=hybrid components=3");
