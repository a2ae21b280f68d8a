"""Results as new images, the way Fiji's own tools show theirs.

The active image is never changed.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tdseg.commands.reply import ImageResult
from tdseg.imagej.group_colours import colours_of, group_colours, group_lut
from tdseg.imagej.images import (
    calibration_of,
    from_imageplus,
    java_lut,
    set_calibration,
    to_imageplus,
)
from tdseg.imagej.java import jc, to_java
from tdseg.imagej.rois import add_to_overlay, decoded
from tdseg.images.image import Calibration

OVERLAY_OPACITY = 0.4
_SOURCE = "tdseg.source"
_THIS_IMAGEJ = uuid.uuid4().hex[:12]


def imageplus_of(result: ImageResult, imp: Any) -> Any:
    """Make the ImagePlus of a result, made from `imp`."""
    array, title, info = result.array, result.title, result.info
    if result.kind == "probabilities":
        made = probabilities_imageplus(array, imp, title, result.names, info)
        if len(result.colours) > 1:
            made = _composite(made, result.colours)
    elif result.kind == "uncertainty":
        made = uncertainty_imageplus(array[:, :, 0], imp, title, info)
    elif result.kind == "features":
        made = features_imageplus(array, imp, title, result.names, info)
    elif result.kind == "overlay":
        made = overlay_imageplus(array[:, :, 0], imp, title, info, result.planes)
    else:
        made = labels_imageplus(array[:, :, 0], imp, title, info, result.names)
    if result.rois:
        add_to_overlay(made, [_in_colour(decoded(data, name)) for name, data in result.rois])
    # A property that duplicates have too, and files: there the ID is one of an ImageJ that is gone.
    made.setProp(_SOURCE, f"{_THIS_IMAGEJ} {int(imp.getID())}")
    return made


def _in_colour(roi: Any) -> Any:
    """Give a legend's square the colour that its class has in this ImageJ."""
    words = str(roi.getName() or "").split()
    if words[:2] == ["legend", "colour"]:
        roi.setFillColor(colours_of([int(words[2])])[0])
    return roi


def _composite(probabilities: Any, values: Sequence[int]) -> Any:
    """Show all channels at once, each in the colour of its class."""
    made = jc.CompositeImage(probabilities, jc.CompositeImage.COMPOSITE)
    luts = [jc.LUT.createLutFromColor(colour) for colour in colours_of(values)]
    for lut in luts:
        lut.min, lut.max = 0.0, 1.0
    made.setLuts(luts)
    made.setOpenAsHyperStack(True)
    made.setProperty("Info", probabilities.getProperty("Info"))
    return made


def source_of(imp: Any) -> str:
    """Return the ID of the image that a result, or its duplicate, was made from; else ""."""
    here, _, number = str(imp.getProp(_SOURCE) or "").partition(" ")
    return number if here == _THIS_IMAGEJ else ""


def labels_imageplus(
    labels: np.ndarray,
    imp: Any,
    title: str,
    info: Mapping[str, Any] | None = None,
    names: Sequence[str] = (),
) -> Any:
    """Make a label image.

    Parameters
    ----------
    labels
        (T, Z, Y, X) uint8 or uint16, 0 is unlabelled.
    imp
        The image that was segmented, for its calibration.
    title
        Of the new image.
    info
        Settings, for the image's info.
    names
        Label the slices, "" for none; or none at all.

    Returns
    -------
    ij.ImagePlus
        8-bit (16-bit above 255), in the colours of the ROI groups.
    """
    t, z, height, width = labels.shape
    stack = jc.ImageStack(width, height)
    for i, k in np.ndindex(t, z):
        name = names[i * z + k] if names else ""
        stack.addSlice(name or None, to_java(labels[i, k]))
    result = _result(title, stack, (1, z, t), calibration_of(imp), info)
    _colour(result, labels.dtype == np.uint16)
    return result


def probabilities_imageplus(
    probabilities: np.ndarray,
    imp: Any,
    title: str,
    class_names: Sequence[str],
    info: Mapping[str, Any] | None = None,
) -> Any:
    """Make a hyperstack of probabilities.

    Parameters
    ----------
    probabilities
        (T, Z, C, Y, X) float32.
    imp
        The ImagePlus that the result is of: gives calibration and dimensions.
    title
        Of the new image.
    class_names
        One per channel; they label the slices.
    info
        Goes to the image's info, one line ``key: value`` each.

    Returns
    -------
    ij.ImagePlus
        32-bit, channel = class, display range 0 to 1.
    """
    result = _channels(probabilities, imp, title, class_names, info)
    result.setOpenAsHyperStack(True)
    result.setDisplayRange(0, 1)
    return result


def uncertainty_imageplus(
    uncertainty: np.ndarray,
    imp: Any,
    title: str,
    info: Mapping[str, Any] | None = None,
) -> Any:
    """Make an image of the uncertainty.

    Parameters
    ----------
    uncertainty
        (T, Z, Y, X) float32.
    imp
        The ImagePlus that the result is of: gives calibration and dimensions.
    title
        Of the new image.
    info
        Goes to the image's info, one line ``key: value`` each.

    Returns
    -------
    ij.ImagePlus
        32-bit, one channel, display range 0 to 1.
    """
    result = _channels(uncertainty[:, :, None], imp, title, ["uncertainty"], info)
    result.setDisplayRange(0, 1)
    return result


def features_imageplus(
    features: np.ndarray,
    imp: Any,
    title: str,
    names: Sequence[str],
    info: Mapping[str, Any] | None = None,
) -> Any:
    """Make a stack of features.

    Parameters
    ----------
    features
        (T, Z, F, Y, X) float32.
    imp
        The ImagePlus that the result is of: gives calibration and dimensions.
    title
        Of the new image.
    names
        One per feature; they label the slices.
    info
        Goes to the image's info, one line ``key: value`` each.

    Returns
    -------
    ij.ImagePlus
        32-bit; of one plane a stack with one slice per feature, else a hyperstack with one
        channel per feature.
    """
    result = _channels(features, imp, title, names, info)
    t, z, count = features.shape[:3]
    if t == z == 1:
        result.setDimensions(1, count, 1)
        result.getCalibration().pixelDepth = 1.0
        result.setOpenAsHyperStack(False)
    else:
        result.setOpenAsHyperStack(True)
    result.resetDisplayRange()
    return result


def overlay_imageplus(
    labels: np.ndarray,
    imp: Any,
    title: str,
    info: Mapping[str, Any] | None = None,
    planes: Sequence[int] | None = None,
) -> Any:
    """Make a duplicate of the image with the labels over it.

    The overlay holds images, which never are labels, so a result cannot be trained on by mistake.

    Parameters
    ----------
    labels
        (T, Z, Y, X) uint8 or uint16 of the planes listed in `planes`.
    imp
        The ImagePlus that the result is of: gives calibration and dimensions.
    title
        Of the new image.
    info
        Goes to the image's info, one line ``key: value`` each.
    planes
        Plane numbers ``t * Z + z`` of the image; None is all.

    Returns
    -------
    ij.ImagePlus
        Of the image's type and dimensions.
    """
    result = to_imageplus(from_imageplus(imp), title=title)
    _set_info(result, info)
    slices = int(imp.getNSlices())
    flat = labels.reshape(-1, *labels.shape[2:])
    colours = group_colours().astype(np.int32)
    packed = (-1 << 24) | (colours[:, 0] << 16) | (colours[:, 1] << 8) | colours[:, 2]
    packed[0] = 0
    overlay = jc.Overlay()
    for index, plane in enumerate(range(len(flat)) if planes is None else planes):
        values = packed[np.minimum(flat[index], 255)]
        picture = jc.ColorProcessor(values.shape[1], values.shape[0], to_java(values))
        roi = jc.ImageRoi(0, 0, picture)
        roi.setZeroTransparent(True)
        roi.setOpacity(OVERLAY_OPACITY)
        roi.setName(f"labels-{index + 1:02d}")
        if result.getStackSize() > 1:
            t, z = divmod(plane, slices)
            if result.isHyperStack():
                roi.setPosition(0, z + 1, t + 1)
            else:
                roi.setPosition(int(result.getStackIndex(1, z + 1, t + 1)))
        overlay.add(roi)
    result.setOverlay(overlay)
    return result


def _channels(
    array: np.ndarray, imp: Any, title: str, names: Sequence[str], info: Mapping[str, Any] | None
) -> Any:
    t, z, c, height, width = array.shape
    stack = jc.ImageStack(width, height)
    for i, k, j in np.ndindex(t, z, c):
        stack.addSlice(names[j], to_java(np.asarray(array[i, k, j], np.float32)))
    return _result(title, stack, (c, z, t), calibration_of(imp), info)


def _result(
    title: str,
    stack: Any,
    size: tuple[int, int, int],
    calibration: Calibration,
    info: Mapping[str, Any] | None,
) -> Any:
    """Make an ImagePlus of planes in the order channel, slice, frame."""
    result = jc.ImagePlus(title, stack)
    result.setDimensions(*size)
    label = stack.getSliceLabel(1)
    if stack.getSize() == 1 and label is not None:
        result.setProperty("Label", label)
    result.setOpenAsHyperStack(size[2] > 1)
    set_calibration(result, calibration)
    _set_info(result, info)
    return result


def _set_info(imp: Any, info: Mapping[str, Any] | None) -> None:
    if info:
        imp.setProperty("Info", "".join(f"{key}: {value}\n" for key, value in info.items()))


def _colour(imp: Any, sixteen_bit: bool) -> None:
    """Give value k the colour of ROI group k."""
    group_lut()
    lut = java_lut(group_colours())
    imp.getProcessor().setColorModel(lut)
    imp.getStack().setColorModel(lut)
    imp.setDisplayRange(0, 255)  # of 16 bits, values above 255 share the last colour
