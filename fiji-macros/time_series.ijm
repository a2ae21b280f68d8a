// Trains on labels drawn in a few frames of the active time series, segments all frames, and
// plots nothing: the table says how large each class is in each frame.
// Each label belongs to the frame it was drawn on (TDS Add Label... keeps the position).
series = getTitle();
run("TDS Train...", "features=classical classifier=random_forest seed=0");
selectImage(series);
run("TDS Apply...", "output=labels slices=all");
run("TDS Class Statistics", "");
