// Names the classes. Class k has ROI group k, label value k and the colour of that group.
// Classes belong to the session, not to an image; ImageJ's group names follow.
run("TDS Set Classes...", "classes=[background,object]");
