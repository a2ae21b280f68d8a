"""The Java classes that the bridge uses, looked up on first use, in one place.

``from .java import jc`` and then ``jc.ImagePlus``, ``jc.IJ``, ... Nothing is loaded before the
first attribute access, so importing the package starts no Java and ``LegacyInjector.preinit()``
can run before any ``ij.*`` class is loaded.
"""

from __future__ import annotations

from typing import Any

import jpype
import jpype.nio
import numpy as np

from tdseg.errors import TdsegError

_PACKAGES = {
    "ij": (
        "CommandListener CompositeImage Executer IJ ImageJ ImageListener ImagePlus ImageStack "
        "LookUpTable Macro Menus Prefs VirtualStack WindowManager"
    ),
    "ij.gui": (
        "Arrow EllipseRoi FreehandRoi GenericDialog ImageRoi Line NewImage OvalRoi Overlay "
        "MultiLineLabel PointRoi PolygonRoi Roi RoiListener RotatedRectRoi ShapeRoi TextRoi Toolbar"
    ),
    "ij.io": "FileInfo FileSaver LogStream OpenDialog Opener RoiDecoder RoiEncoder SaveDialog",
    "ij.macro": "ExtensionDescriptor Functions Interpreter MacroExtension",
    "ij.measure": "Calibration Measurements ResultsTable",
    "ij.plugin": "LutLoader RoiEnlarger",
    "ij.plugin.filter": "ThresholdToSelection",
    "ij.plugin.frame": "Recorder RoiManager",
    "ij.process": "ByteProcessor ColorProcessor FloatProcessor ImageProcessor LUT ShortProcessor",
    "ij.util": "ThreadUtil",
    "java.awt": (
        "Color Container Dialog Frame GraphicsEnvironment Label Menu MenuItem Rectangle Window"
    ),
    "java.awt.geom": "GeneralPath",
    "java.awt.event": "KeyEvent WindowEvent",
    "java.io": "PrintStream",
    "java.lang": "Object Runtime Runnable String System Thread",
    "java.util": "ArrayList",
    "java.nio": "ByteBuffer ByteOrder",
    "java.nio.channels": "Channels WritableByteChannel",
    "net.imagej.patcher": "LegacyInjector",
    "tdseg.fiji.dialogs": "Ask",
}
_NAMES = {
    name: f"{package}.{name}" for package, names in _PACKAGES.items() for name in names.split()
}


class JavaClasses:
    """Attribute access to Java classes by their short names."""

    def __getattr__(self, name: str) -> Any:
        """Return the Java class of this short name, loading it on first use."""
        full = _NAMES.get(name)
        if full is None:
            raise AttributeError(f"no Java class is known as '{name}'; add it to {__name__}")
        if not jpype.isJVMStarted():
            raise TdsegError("ImageJ is not running; call tdseg.imagej.start() first.")
        loaded = jpype.JClass(full)
        setattr(self, name, loaded)  # found by normal lookup from now on
        return loaded


jc: Any = JavaClasses()

_VIEWS = {np.dtype(np.int8): np.uint8, np.dtype(np.int16): np.uint16}
_TO_JAVA = {
    np.dtype(np.uint8): (jpype.JByte, ""),
    np.dtype(np.uint16): (jpype.JShort, "asShortBuffer"),
    np.dtype(np.int32): (jpype.JInt, "asIntBuffer"),
    np.dtype(np.float32): (jpype.JFloat, "asFloatBuffer"),
    np.dtype(np.float64): (jpype.JDouble, "asDoubleBuffer"),
}


def to_numpy(java_array: Any) -> np.ndarray:
    """Copy a primitive Java array to numpy; bytes and shorts come unsigned, as ImageJ means them.

    Parameters
    ----------
    java_array
        ``byte[]``, ``short[]``, ``int[]``, ``float[]`` or ``double[]`` of any length.

    Returns
    -------
    numpy.ndarray
        A copy that Python owns, shape (n,).
    """
    if len(java_array) == 0:
        return np.zeros(0, np.uint8)
    view = np.asarray(memoryview(java_array))
    unsigned = _VIEWS.get(view.dtype)
    return np.array(view if unsigned is None else view.view(unsigned))


def to_java(array: np.ndarray) -> Any:
    """Copy numbers to a primitive Java array, flattened.

    uint8 becomes ``byte[]``, uint16 ``short[]``, int32 ``int[]``, float32 ``float[]`` and
    float64 ``double[]``.
    """
    flat = np.ascontiguousarray(array).ravel()
    if flat.dtype not in _TO_JAVA:
        flat = flat.astype(flat.dtype.newbyteorder("="))
    java_type, view = _TO_JAVA[flat.dtype]
    out = jpype.JArray(java_type)(flat.size)
    if flat.size:
        # Through a direct buffer: several times faster than element-wise conversion.
        raw = flat.view(np.uint8) if flat.flags.writeable else flat.view(np.uint8).copy()
        buffer = jpype.nio.convertToDirectBuffer(raw).order(jc.ByteOrder.nativeOrder())
        (getattr(buffer, view)() if view else buffer).get(out)
    return out
