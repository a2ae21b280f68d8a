// Segments the active image into classes of similar pixels, without any label.
// method: clusters (classes), attention (maps and objects), foreground (objects).
run("TDS Segment Without Labels...", "method=clusters clusters=3 features=hybrid seed=0");
