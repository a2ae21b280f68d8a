# fmt: off
#@ ImagePlus imp
#@ String (label = "Options of TDS Train", value = "features=hybrid") options
#@output ImagePlus result
# fmt: on

# For the script editor of a Fiji in Python mode (Edit > Options > Python...): Fiji and tdseg are
# one process there. Trains on the labels of the active image, and shows where the classifier is
# sure.

import scyjava

import tdseg

tdseg.imagej.install()  # adds the TDS commands to this Fiji; once is enough, again does no harm
IJ = scyjava.jimport("ij.IJ")
IJ.run(imp, "TDS Train...", options)

# From here on Python has all of it: the classifier, the image as an array.
from tdseg.imagej.images import from_imageplus, to_imageplus

model = tdseg.imagej.session().model
found = tdseg.apply(model, from_imageplus(imp), probabilities=True)
result = to_imageplus(found.probabilities.max(axis=2)[0, 0], title="certainty")
