"""Read TIFF as ImageJ does: the same pixels, dimensions, calibration and look."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile
from PIL import Image as Picture

from tdseg.errors import TdsegError
from tdseg.images.image import ArraySource, Calibration, Image, PlaneSource

COPY_LIMIT = 256 * 2**20
"""Uncompressed images above this many bytes are read from the file plane by plane."""

_MODES = ("composite", "color", "grayscale")
_STRAIGHT_LINE = 0  # ij.measure.Calibration.STRAIGHT_LINE
_SIGNED = (_STRAIGHT_LINE, (-32768.0, 1.0), "Gray Value")
_UM = "\u00b5m"


@dataclass(frozen=True)
class MappedSource:
    """Pixels of an uncompressed file, read plane by plane; the file must stay where it is."""

    array: np.ndarray
    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Sizes (T, Z, C, Y, X)."""
        t, z, c, y, x = self.array.shape
        return t, z, c, y, x

    def read(self, t: int, z: int, c: int) -> np.ndarray:
        """Return a copy of one (Y, X) plane."""
        return _supported(np.asarray(self.array[t, z, c]))


def read_tiff(path: Path) -> Image:
    """Read the first image of a TIFF: by ImageJ, OME, LSM, or any other.

    Parameters
    ----------
    path
        The file. Signed 16-bit pixels become unsigned as ImageJ holds them (32768 is 0), 32- and
        64-bit numbers float32, one-bit pixels 0 and 255.

    Returns
    -------
    Image
        With what ImageJ keeps in a TIFF: calibration, slice labels, LUTs, display ranges, info.

    Raises
    ------
    TdsegError
        If its pixels are complex, CMYK, or several channels of RGB.
    OSError, ValueError, tifffile.TiffFileError
        If it is damaged or compressed in a way that cannot be read.
    """
    with tifffile.TiffFile(path) as tif:
        if not tif.series:
            raise TdsegError(f"File '{path}' holds no image; save it again from ImageJ.")
        series = tif.series[0]
        page = series.keyframe
        if page.photometric == tifffile.PHOTOMETRIC.SEPARATED:
            raise TdsegError(f"File '{path}' has CMYK colours; convert it to RGB.")
        if np.dtype(series.dtype).kind == "c":
            raise TdsegError(f"File '{path}' has complex pixels; save its real part or magnitude.")
        array = _pixels(path, series)
        axes = series.axes
        if page.bitspersample == 1:
            array = array.astype(np.uint8) * np.uint8(255)
        rgb = "S" in axes and np.dtype(series.dtype) == np.uint8 and page.samplesperpixel >= 3
        planes = _to_tzcyx(array, axes, rgb, path)
        described: Mapping[str, Any] = (tif.imagej_metadata or {}) if tif.is_imagej else {}
        calibration = _calibration(page, described)
        if tif.is_ome and tif.ome_metadata:
            calibration = _ome_calibration(tif.ome_metadata, calibration)
        metadata = _metadata(page, described, planes.shape, rgb)
    source, signed = _source(planes)
    if signed:
        metadata["calibration_function"] = _SIGNED
    palette = None
    if described.get("8bitcolor") is True and "luts" in metadata:
        colours = metadata["luts"][0]
        if not is_pseudocolour(colours) and source.dtype == np.uint8:
            palette = colours
    return Image(
        source,
        name=path.name,
        calibration=calibration,
        rgb=rgb,
        palette=palette,
        metadata=metadata,
    )


def is_pseudocolour(colours: np.ndarray) -> bool:
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


def _pixels(path: Path, series: tifffile.TiffPageSeries) -> np.ndarray:
    offset = series.dataoffset
    plain = offset is not None and series.keyframe.compression == 1
    if plain and series.nbytes > COPY_LIMIT and series.keyframe.bitspersample >= 8:
        order = series.parent.byteorder if series.parent is not None else "="
        dtype = np.dtype(series.dtype).newbyteorder(order)
        return np.memmap(path, dtype, "r", offset or 0, series.shape)
    try:
        return series.asarray(maxworkers=1)
    except ValueError as error:
        if "imagecodecs" not in str(error):
            raise
    return _by_pillow(path, series)


def _by_pillow(path: Path, series: tifffile.TiffPageSeries) -> np.ndarray:
    """Decode LZW, JPEG and other compressed pages with Pillow's libtiff."""
    pages = []
    with Picture.open(path) as picture:
        for page in series.pages:
            if page is None:
                raise ValueError("a page is missing")
            picture.seek(page.index)
            if picture.mode == "YCbCr":
                pages.append(np.asarray(picture.convert("RGB")))
            else:
                pages.append(np.array(picture))
    stacked = np.stack(pages)
    if stacked.size != int(np.prod(series.shape)):
        raise ValueError("its compression needs the Python package imagecodecs")
    return stacked.reshape(series.shape)


def _to_tzcyx(array: np.ndarray, axes: str, rgb: bool, path: Path) -> np.ndarray:
    """Order axes; unknown ones count as slices, samples of a pixel as channels."""
    order = (
        [i for i in range(len(axes)) if axes[i] == "T"]
        + [i for i in range(len(axes)) if axes[i] not in "TCSYX"]
        + [i for letter in "CSYX" for i in range(len(axes)) if axes[i] == letter]
    )
    sizes = dict.fromkeys("TZCSYX", 1)
    for i in order:
        sizes[axes[i] if axes[i] in sizes else "Z"] *= array.shape[i]
    full = array.transpose(order).reshape([sizes[letter] for letter in "TZCSYX"])
    if full.size == 0:
        raise TdsegError(f"File '{path}' has no pixels (shape {array.shape}); save it again.")
    if rgb:
        if sizes["C"] > 1:
            raise TdsegError(
                f"File '{path}' has {sizes['C']} channels of RGB planes; split it into RGB images."
            )
        return full[:, :, 0, :3]
    return full.reshape(sizes["T"], sizes["Z"], sizes["C"] * sizes["S"], sizes["Y"], sizes["X"])


def _source(planes: np.ndarray) -> tuple[PlaneSource, bool]:
    """Return planes as ImageJ holds them, and whether they were signed 16-bit."""
    signed = planes.dtype.kind == "i" and planes.dtype.itemsize == 2
    probe = _supported(planes[:1, :1, :1, :1, :1])
    if isinstance(planes.base, np.memmap) or isinstance(planes, np.memmap):
        return MappedSource(planes, probe.dtype), signed
    return ArraySource(_supported(planes)), signed


def _supported(array: np.ndarray) -> np.ndarray:
    kind, width = array.dtype.kind, array.dtype.itemsize
    if kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if kind == "i" and width == 2:
        return (array.astype(np.int32) + 32768).astype(np.uint16)
    if kind in "ui" and width == 1:
        return np.ascontiguousarray(array).view(np.uint8)
    if kind == "u" and width == 2:
        return np.ascontiguousarray(array, np.uint16)
    return np.ascontiguousarray(array, np.float32)


def _calibration(page: tifffile.TiffPage, described: Mapping[str, Any]) -> Calibration:
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
    return 1.0 / (numerator / denominator)


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


def _ome_calibration(xml: str, found: Calibration) -> Calibration:
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


def _metadata(
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


def _page_lut(page: tifffile.TiffPage) -> np.ndarray | None:
    if page.colormap is not None and page.colormap.shape == (3, 256):
        colours: np.ndarray = np.ascontiguousarray((page.colormap >> 8).T.astype(np.uint8))
        return colours
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        return np.repeat(np.arange(255, -1, -1, dtype=np.uint8)[:, None], 3, axis=1)
    return None
