// Refines the active probability stack (TDS Apply... with output=probabilities) with a dense CRF:
// labels follow the edges of the image. crf_min_fraction protects small phases.
run("TDS Refine...", "output=labels crf_iterations=10 crf_min_fraction=0.5");
