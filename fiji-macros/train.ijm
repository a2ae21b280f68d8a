// Trains a classifier on the ROIs in the overlay of the active image.
// ROI group = class. Draw them with TDS Add Label..., or set groups in the ROI Manager.
//   features    hybrid (classical + deep), deep, classical
//   classifier  auto (what the labels speak for), random_forest, logistic_regression, linear_regression
run("TDS Train...", "features=hybrid classifier=random_forest labels=overlay trees=200 seed=0");
