"""ImagePlus to Image and back, plane by plane; never through a converter of a gateway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tdseg.errors import TdsegError
from tdseg.imagej.java import jc, to_java, to_numpy
from tdseg.images.host_stack import (
    DTYPES,
    HostStack,
    calibration_from_imagej,
    check_unchanged,
    image_of,
)
from tdseg.images.image import Calibration, Image
from tdseg.images.pixel_values import SIGNED, signed_as_unsigned

_MODES = {1: "composite", 2: "color", 3: "grayscale"}
_NO_FUNCTION = 20  # ij.measure.Calibration.NONE


def from_imageplus(imp: Any, *, copy: bool | None = None) -> Image:
    """Make an Image of an ImagePlus: 8-, 16- or 32-bit, RGB or 8-bit colour; any C, Z and T.

    Parameters
    ----------
    imp
        An ``ij.ImagePlus``; it is not changed.
    copy
        Whether the pixels are copied now. Default: all but virtual stacks and those above 256
        MiB, which are read plane by plane when needed (the image must stay open).

    Returns
    -------
    Image
        Pixels uint8, uint16 or float32 as ImageJ holds them (raw, uncalibrated values), but those
        of a signed 16-bit image are their values, float32; its ``metadata`` has what
        `to_imageplus` needs to give the same ImagePlus again.

    Raises
    ------
    TdsegError
        If there are RGB planes in several channels, or the image has no pixels; when it is read
        later, also if it was closed, cropped, scaled or converted since.
    """
    stack = _described(imp)
    return image_of(stack, lambda first, count: _planes(imp, stack, first, count), copy=copy)


def _described(imp: Any) -> HostStack:
    """Say what an ImagePlus holds, but for its pixels."""
    title = str(imp.getTitle())
    width, height, channels, slices, frames = (int(n) for n in imp.getDimensions())
    if width * height == 0 or imp.getStackSize() == 0:
        return HostStack(title, (0, 0, 0, 0, 0), "8-bit")  # which is refused
    kind = int(imp.getType())
    rgb = kind == jc.ImagePlus.COLOR_RGB
    name = "RGB" if rgb else f"{int(imp.getBitDepth())}-bit"
    palette = None
    if kind == jc.ImagePlus.COLOR_256 or (name == "8-bit" and _is_indexed(imp)):
        palette = lut_array(imp.getProcessor().getLut())
    return HostStack(
        title=title,
        shape=(frames, slices, channels, height, width),
        kind=name,
        signed=name == "16-bit" and bool(imp.getCalibration().isSigned16Bit()),
        virtual=bool(imp.getStack().isVirtual()),
        calibration=calibration_of(imp),
        palette=palette,
        metadata=_metadata(imp, rgb),
    )


def _planes(imp: Any, described: HostStack, first: int, count: int) -> np.ndarray:
    """Copy planes of a stack, (count, Y, X); of RGB (count, Y, X, 3)."""
    title = described.title
    stack = imp.getStack()
    if int(stack.getSize()) == 0:
        raise TdsegError(f"Image '{title}' was closed; open it again.")
    _check_shape(imp, described)
    _, slices, channels, height, width = described.shape
    planes = []
    for index in range(first, first + count):
        plane, c = divmod(index, channels)
        t, z = divmod(plane, slices)
        pixels = stack.getPixels(imp.getStackIndex(c + 1, z + 1, t + 1))
        if pixels is None:
            raise TdsegError(f"Image '{title}' was closed; open it again.")
        values = to_numpy(pixels)
        # The event thread may have put other pixels there since.
        found = ("RGB" if values.dtype == np.int32 else values.dtype, len(values))
        expected = "RGB" if described.rgb else DTYPES[described.kind]
        check_unchanged(title, found, (expected, height * width))
        values = values.reshape(height, width)
        if described.rgb:
            values = np.stack([(values >> shift & 255) for shift in (16, 8, 0)], -1)
            values = values.astype(np.uint8)
        planes.append(values)
    _check_shape(imp, described)
    return planes[0][None] if count == 1 else np.stack(planes)


def _check_shape(imp: Any, described: HostStack) -> None:
    """Refuse a stack whose planes are no longer where they were."""
    width, height, channels, slices, frames = (int(n) for n in imp.getDimensions())
    check_unchanged(described.title, (frames, slices, channels, height, width), described.shape)


def to_imageplus(image: Image | np.ndarray, *, title: str | None = None) -> Any:
    """Make an ImagePlus, not shown, of an Image or of an array as `Image.from_array` takes it.

    Returns
    -------
    ij.ImagePlus
        8-, 16- or 32-bit, RGB or 8-bit colour; a stack, hyperstack or composite image as the
        Image's size and metadata tell; with calibration, slice labels, LUTs, display ranges and
        info.
    """
    if not isinstance(image, Image):
        image = Image.from_array(image)
    t, z, c, height, width = image.shape
    planes = 1 if image.rgb else c
    labels: Sequence[str | None] = image.metadata.get("slice_labels") or ()
    stack = jc.ImageStack(width, height)
    signed = _is_signed(image)
    for index, (i, j, k) in enumerate(np.ndindex(t, z, planes)):
        label = labels[index] if index < len(labels) else None
        plane = signed_as_unsigned(image.source.read(i, j, k)) if signed else None
        stack.addSlice(label, _pixels(image, i, j, k) if plane is None else to_java(plane))
    imp = jc.ImagePlus(image.name if title is None else title, stack)
    imp.setDimensions(planes, z, t)
    imp = _composite(imp, image)
    _restore(imp, image, planes)
    set_calibration(imp, image.calibration)
    if signed or image.metadata.get("calibration_function") != SIGNED:
        _restore_function(imp, image.metadata)
    return imp


def calibration_of(imp: Any) -> Calibration:
    """Return pixel and frame size of an ImagePlus."""
    cal = imp.getCalibration()
    return calibration_from_imagej(
        pixel_width=float(cal.pixelWidth),
        pixel_height=float(cal.pixelHeight),
        pixel_depth=float(cal.pixelDepth),
        unit=str(cal.getUnit()),
        unit_y=str(cal.getYUnit()),
        unit_z=str(cal.getZUnit()),
        frame_interval=float(cal.frameInterval),
        time_unit=str(cal.getTimeUnit()),
        x_origin=float(cal.xOrigin),
        y_origin=float(cal.yOrigin),
        z_origin=float(cal.zOrigin),
    )


def set_calibration(imp: Any, calibration: Calibration) -> None:
    """Give an ImagePlus this pixel and frame size."""
    cal = imp.getCalibration()
    cal.pixelWidth = calibration.pixel_width
    cal.pixelHeight = calibration.pixel_height
    cal.pixelDepth = calibration.pixel_depth
    cal.setUnit(calibration.unit)
    cal.setYUnit(calibration.unit_y or None)
    cal.setZUnit(calibration.unit_z or None)
    cal.frameInterval = calibration.frame_interval
    cal.setTimeUnit(calibration.time_unit)
    cal.xOrigin = calibration.x_origin
    cal.yOrigin = calibration.y_origin
    cal.zOrigin = calibration.z_origin
    imp.setCalibration(cal)


def java_lut(colours: np.ndarray, low: float = 0.0, high: float = 255.0) -> Any:
    """Make an ``ij.process.LUT`` of up to 256 colours (n, 3) uint8 with a display range."""
    red, green, blue = (to_java(np.ascontiguousarray(colours[:, i], np.uint8)) for i in range(3))
    lut = jc.LUT(8, len(colours), red, green, blue)
    lut.min, lut.max = float(low), float(high)
    return lut


def _is_signed(image: Image) -> bool:
    """Whether an image came as signed 16-bit and still has such values."""
    if image.metadata.get("calibration_function") != SIGNED or image.dtype != np.float32:
        return False
    planes = (image.source.read(*index) for index in np.ndindex(*image.shape[:3]))
    return all(signed_as_unsigned(plane) is not None for plane in planes)


def _pixels(image: Image, t: int, z: int, c: int) -> Any:
    if not image.rgb:
        return to_java(image.source.read(t, z, c))
    red, green, blue = (image.source.read(t, z, k).astype(np.int32) for k in range(3))
    return to_java((-1 << 24) | (red << 16) | (green << 8) | blue)


def _is_indexed(imp: Any) -> bool:
    """Whether the colours came with a file of few colours: then the pixels are no grey values."""
    if imp.isComposite() or imp.getStackSize() > 1:
        return False
    processor = imp.getProcessor()
    return bool(processor.isColorLut()) and int(processor.getLut().getMapSize()) < 256


def _metadata(imp: Any, rgb: bool) -> dict[str, Any]:
    stack = imp.getStack()
    if imp.getStackSize() == 1:  # its stack would make up a label of title and info
        labels = [imp.getProperty("Label")]
    else:
        labels = [stack.getSliceLabel(i + 1) for i in range(int(stack.getSize()))]
    found: dict[str, Any] = {"hyperstack": bool(imp.getOpenAsHyperStack())}
    if any(label is not None for label in labels):
        found["slice_labels"] = [None if label is None else str(label) for label in labels]
    if imp.isComposite():
        found["mode"] = _MODES[int(imp.getCompositeMode())]
    if not rgb:
        luts = list(imp.getLuts())
        if imp.isComposite():
            ranges = [(float(lut.min), float(lut.max)) for lut in luts]
        else:
            ranges = [(float(imp.getDisplayRangeMin()), float(imp.getDisplayRangeMax()))]
        found["luts"] = [lut_array(lut) for lut in luts]
        found["display_ranges"] = ranges
    info = imp.getProperty("Info")
    if info is not None:
        found["info"] = str(info)
    cal = imp.getCalibration()
    if int(cal.getFunction()) != _NO_FUNCTION:
        coefficients = cal.getCoefficients()
        values = None if coefficients is None else tuple(float(v) for v in coefficients)
        found["calibration_function"] = (int(cal.getFunction()), values, str(cal.getValueUnit()))
    return found


def _composite(imp: Any, image: Image) -> Any:
    """Return the CompositeImage of an ImagePlus where the Image asks for one, else itself."""
    mode = image.metadata.get("mode")
    channels = image.shape[2]
    if mode is None and "luts" not in image.metadata and 2 <= channels <= 7 and not image.rgb:
        mode = "composite"  # from an array or a file: as ImageJ opens several channels
    if mode is None:
        return imp
    composite = jc.CompositeImage(imp, next(k for k, name in _MODES.items() if name == mode))
    luts, ranges = image.metadata.get("luts") or (), image.metadata.get("display_ranges") or ()
    if len(luts) == len(ranges) == channels:
        composite.setLuts(
            [java_lut(lut, *limits) for lut, limits in zip(luts, ranges, strict=True)]
        )
    return composite


def _restore(imp: Any, image: Image, channels: int) -> None:
    """Give an ImagePlus what travelled along in the metadata."""
    metadata = image.metadata
    info = metadata.get("info")
    if info is not None:
        imp.setProperty("Info", info)
    labels = metadata.get("slice_labels")
    if labels and imp.getStackSize() == 1 and labels[0] is not None:
        imp.setProperty("Label", labels[0])
    several = channels > 1 or image.shape[0] > 1
    imp.setOpenAsHyperStack(bool(metadata.get("hyperstack", several)))
    if image.rgb or imp.isComposite():
        return
    luts, ranges = metadata.get("luts") or (), metadata.get("display_ranges") or ()
    if image.palette is not None:
        used = int(np.flatnonzero(image.palette.any(axis=1)).max(initial=1)) + 1
        # At full length, a palette with an empty tail passes for a pseudocolour LUT.
        _set_lut(imp, image.palette[:used])
        imp.setTypeToColor256()
    elif luts:
        _set_lut(imp, luts[0])
    if ranges:
        imp.setDisplayRange(*ranges[0])
    elif image.palette is None and image.dtype != np.uint8:
        imp.resetDisplayRange()


def _set_lut(imp: Any, colours: np.ndarray) -> None:
    lut = java_lut(colours)
    imp.getProcessor().setColorModel(lut)
    imp.getStack().setColorModel(lut)


def _restore_function(imp: Any, metadata: Mapping[str, Any]) -> None:
    """Give back the meaning of pixel values (densities, signed 16-bit)."""
    function = metadata.get("calibration_function")
    if function is None:
        return
    kind, coefficients, unit = function
    values = None if coefficients is None else to_java(np.asarray(coefficients, np.float64))
    imp.getCalibration().setFunction(kind, values, unit)


def lut_array(lut: Any) -> np.ndarray:
    """Return the colours (256, 3) uint8 of a LUT."""
    colours = np.zeros((256, 3), np.uint8)
    for i, read in enumerate((lut.getReds, lut.getGreens, lut.getBlues)):
        data = to_java(np.zeros(256, np.uint8))  # a LUT may have fewer colours
        read(data)
        colours[:, i] = to_numpy(data)
    return colours
