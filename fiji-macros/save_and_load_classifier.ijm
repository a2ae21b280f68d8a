// Saves the current classifier and loads it again. Loading runs no code, and works on another
// machine and with other versions. The argument is the path; without one, a dialog asks.
path = getArgument();
if (path == "") path = getDirectory("Where to save the classifier") + "classifier.tdseg";
run("TDS Save Classifier...", "path=[" + path + "] existing=overwrite");
run("TDS Load Classifier...", "path=[" + path + "]");
