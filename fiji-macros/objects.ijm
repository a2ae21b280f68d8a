// Outlines of the objects to the overlay, one ROI each, and a table of their areas.
run("TDS Objects...", "classes=object min_size=20 smoothing=1 where=overlay");
