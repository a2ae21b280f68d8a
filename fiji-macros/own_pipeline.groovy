#@ ImagePlus imp
#@ File (label = "Python with tdseg") python

// Python code of your own, on the active image, from a Fiji that has the plugin: here the first
// principal component of the features. Appose starts Python and shares the pixels with it.
// plugins/tdseg-python.txt names the Python that serves this Fiji.

import ij.ImagePlus
import ij.process.FloatProcessor
import org.apposed.appose.Appose
import org.apposed.appose.NDArray

def code = '''
import tdseg

image = tdseg.Image.from_array(pixels.ndarray().copy(), "YX")
settings = tdseg.Settings(features="classical", sigma_max=4)
pixels.ndarray()[:] = tdseg.compute_features(image, settings, components=1).array[0]
'''

def width = imp.width, height = imp.height
def shape = new NDArray.Shape(NDArray.Shape.Order.C_ORDER, height, width)
def pixels = new NDArray(NDArray.DType.FLOAT32, shape)
// numpy first: on Windows it can't be imported once Python listens.
def service = Appose.custom().binPaths(python.parent).build().python().init("import numpy").start()
try {
    def floats = pixels.buffer().order(java.nio.ByteOrder.nativeOrder()).asFloatBuffer()
    floats.put((float[]) imp.getProcessor().convertToFloatProcessor().pixels)
    service.task(code, [pixels: pixels]).waitFor()
    def values = new float[width * height]
    floats.rewind()
    floats.get(values)
    def found = new ImagePlus(imp.title + "-component", new FloatProcessor(width, height, values))
    found.calibration = imp.calibration.copy()
    found.resetDisplayRange()
    found.show()
} finally {
    pixels.close() // whoever made shared memory gives it back
    service.close()
}
