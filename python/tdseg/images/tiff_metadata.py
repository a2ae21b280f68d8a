"""What a TIFF says about its pixels: calibration, slice labels, LUTs, display ranges, info."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import tifffile

from tdseg.images.image import Calibration

_MODES = ("composite", "color", "grayscale")
_UM = "\u00b5m"


def is_pseudocolour(colours: npt.NDArray[np.uint8]) -> bool:
    """Tell whether ImageJ takes 256 colours for a LUT (smooth, or grey) and not for a palette.

    As ``ij.process.ImageProcessor.isPseudoColorLut``: the steps from colour to colour have a
    standard deviation below 20 (or of 67, ImageJ's own 3-3-2 RGB).
    """
    values = colours.astype(np.int64)
    if (values == values[:, :1]).all():
        return True
    steps = np.diff(values, axis=0).ravel()
    spread = (768.0 * (steps**2).sum() - float(steps.sum()) ** 2) / 768.0
    deviation = float(np.sqrt(spread / 767.0)) if spread > 0 else 0.0
    return deviation < 20 or int(deviation) == 67


def calibration(page: tifffile.TiffPage, described: Mapping[str, Any]) -> Calibration:
    """Follow ``ij.io.TiffDecoder`` and ``FileOpener.setCalibration``."""
    width, height = _pixel_size(page, "XResolution"), _pixel_size(page, "YResolution")
    unit: str | None = None
    tag = page.tags.get("ResolutionUnit")
    code = 0 if tag is None else int(tag.value)
    if code == 1:
        unit = " "
    elif code == 2 and width == 1 / 72:
        width = height = 1.0
    elif code == 2:
        unit = "inch"
    elif code == 3:
        unit = "cm"
    threshold = 0.001
    if described:
        threshold = 0.0001
        name = _unescaped(str(described.get("unit", "")))
        if unit == "cm" and name == "um":
            width, height = width * 10000, height * 10000
        unit = name
    depth = abs(_number(described, "spacing", 1.0))
    if unit is None:
        return Calibration()
    if unit == "cm" and width <= threshold:
        width, height, unit = width * 10000, height * 10000, "um"
        depth = depth * 10000 if depth != 1.0 else depth
    unit = _unit(unit)
    unit_y, unit_z = (_unit(_unescaped(str(described.get(k, "")))) for k in ("yunit", "zunit"))
    return Calibration(
        pixel_width=width,
        pixel_height=height,
        pixel_depth=depth,
        unit=unit,
        unit_y="" if "yunit" not in described or unit_y == unit else unit_y,
        unit_z="" if "zunit" not in described or unit_z == unit else unit_z,
        frame_interval=_number(described, "finterval", 0.0),
        time_unit=_unescaped(str(described.get("tunit", "sec"))) or "sec",
        x_origin=_number(described, "xorigin", 0.0),
        y_origin=_number(described, "yorigin", 0.0),
        z_origin=_number(described, "zorigin", 0.0),
    )


def _pixel_size(page: tifffile.TiffPage, name: str) -> float:
    tag = page.tags.get(name)
    if tag is None:
        return 1.0
    numerator, denominator = tag.value
    if numerator == 0 or denominator == 0:
        return 1.0
    return 1.0 / (float(numerator) / float(denominator))


def _unit(name: str) -> str:
    name = name.strip()
    return {"": "pixel", "um": _UM, "A": "\u00c5"}.get(name, name)


def _unescaped(text: str) -> str:
    r"""Read a value of a Java properties file: ``\u00B5m`` is a unit, ``\\`` a backslash."""
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m.group(1), 16)), text)
    return re.sub(r"\\(.)", r"\1", text)


def _number(described: Mapping[str, Any], key: str, default: float) -> float:
    value = described.get(key)
    return float(value) if isinstance(value, int | float) else default


def ome_calibration(xml: str, found: Calibration) -> Calibration:
    """Take the physical sizes of OME-XML where they are given."""
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        return found
    pixels = next((e for e in root.iter() if e.tag.rpartition("}")[2] == "Pixels"), None)
    if pixels is None or pixels.get("PhysicalSizeX") is None:
        return found
    width = float(pixels.get("PhysicalSizeX", "1"))
    interval = pixels.get("TimeIncrement")
    return Calibration(
        pixel_width=width,
        pixel_height=float(pixels.get("PhysicalSizeY", width)),
        pixel_depth=float(pixels.get("PhysicalSizeZ", "1")),
        unit=_unit(pixels.get("PhysicalSizeXUnit", _UM)),
        frame_interval=0.0 if interval is None else float(interval),
        time_unit=pixels.get("TimeIncrementUnit", "s") if interval is not None else "sec",
    )


def metadata(
    page: tifffile.TiffPage, described: Mapping[str, Any], shape: Sequence[int], rgb: bool
) -> dict[str, Any]:
    """Return what `tdseg.imagej.images` keeps of an ImagePlus and a TIFF has."""
    found: dict[str, Any] = {}
    planes, channels = shape[0] * shape[1] * (1 if rgb else shape[2]), shape[2]
    if described:
        found["hyperstack"] = described.get("hyperstack") is True
    labels = described.get("Labels")
    if labels:
        labels = [labels] if isinstance(labels, str) else list(labels)
        found["slice_labels"] = [str(v) or None for v in labels[:planes]]
    if isinstance(described.get("Info"), str):
        found["info"] = described["Info"]
    if rgb:
        return found
    mode = described.get("mode")
    mode = "grayscale" if str(mode).startswith("gray") else mode
    if channels > 1 and mode in _MODES:
        found["mode"] = mode
        found["hyperstack"] = planes > channels  # a mere composite is none
        found.update(_channel_looks(described, channels))
        return found
    luts = _page_lut(page)
    if luts is not None:
        found["luts"] = [luts]
    low, high = _number(described, "min", 0.0), _number(described, "max", 0.0)
    if (low, high) != (0.0, 0.0):
        found["display_ranges"] = [(low, high)]
    if "cf" in described and "vunit" in described:
        keys = [f"c{i}" for i in range(5) if f"c{i}" in described]
        values = tuple(float(described[k]) for k in keys) if len(keys) > 1 else None
        unit = _unescaped(str(described["vunit"]))
        found["calibration_function"] = (int(described["cf"]), values, unit)
    return found


def _channel_looks(described: Mapping[str, Any], channels: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    ranges, luts = described.get("Ranges"), described.get("LUTs")
    if ranges is not None and len(ranges) >= 2 * channels:
        found["display_ranges"] = [
            (float(ranges[2 * i]), float(ranges[2 * i + 1])) for i in range(channels)
        ]
    if luts is not None:
        luts = [luts] if isinstance(luts, np.ndarray) else list(luts)
        if len(luts) >= channels and all(lut.shape == (3, 256) for lut in luts):
            found["luts"] = [np.ascontiguousarray(lut.T) for lut in luts[:channels]]
    return found


def _page_lut(page: tifffile.TiffPage) -> npt.NDArray[np.uint8] | None:
    if page.colormap is not None and page.colormap.shape == (3, 256):
        colours: npt.NDArray[np.uint8] = np.ascontiguousarray(
            (page.colormap >> 8).T.astype(np.uint8)
        )
        return colours
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        return np.repeat(np.arange(255, -1, -1, dtype=np.uint8)[:, None], 3, axis=1)
    return None
