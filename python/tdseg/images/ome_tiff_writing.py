"""Write large results as tiled OME-TIFF (BigTIFF) with a pyramid, tile by tile from disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import numpy.typing as npt
import tifffile

from tdseg.images.image import Calibration
from tdseg.images.level_stores import LevelStore

NAMESPACE = "tdseg"
"""Of the map annotation that holds the result's info."""

_SCHEMA = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
_LENGTHS = {"inch": "in", "um": "\u00b5m", "micron": "\u00b5m", "microns": "\u00b5m"}
_KNOWN_LENGTHS = frozenset(("\u00b5m", "nm", "mm", "cm", "m", "pm", "\u00c5", "in", "pixel"))
_TIMES = {"sec": "s", "us": "\u00b5s"}
_KNOWN_TIMES = frozenset(("s", "ms", "\u00b5s", "ns", "min", "h", "d"))
_TYPES = {"uint8": "uint8", "uint16": "uint16", "float32": "float"}


def ome_xml(
    name: str,
    shape: Sequence[int],
    dtype: np.dtype[Any],
    calibration: Calibration,
    channels: Sequence[str],
    info: Mapping[str, str],
) -> str:
    """Return the OME-XML of an image, the same for the same image.

    Parameters
    ----------
    name
        Of the image.
    shape
        Sizes (T, Z, C, Y, X).
    dtype
        uint8, uint16 or float32.
    calibration
        Pixel sizes.
    channels
        Names; none: they have no names.
    info
        Goes to a map annotation, key by key.
    """
    t, z, c, y, x = shape
    pixels = {
        "ID": "Pixels:0",
        "DimensionOrder": "XYCZT",
        "Type": _TYPES[dtype.name],
        "SizeX": x,
        "SizeY": y,
        "SizeC": c,
        "SizeZ": z,
        "SizeT": t,
        **_sizes(calibration),
    }
    named = [{"Name": channels[k]} if k < len(channels) else {} for k in range(c)]
    found = "".join(
        f"<Channel{_attributes({'ID': f'Channel:0:{k}', 'SamplesPerPixel': 1, **named[k]})}/>"
        for k in range(c)
    )
    lines = "".join(f"<M K={quoteattr(k)}>{escape(v)}</M>" for k, v in info.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<OME xmlns="{_SCHEMA}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'Creator="tdseg" xsi:schemaLocation="{_SCHEMA} {_SCHEMA}/ome.xsd">'
        f'<Image ID="Image:0" Name={quoteattr(name)}>'
        f"<Pixels{_attributes(pixels)}>{found}"
        f'<TiffData IFD="0" PlaneCount="{t * z * c}"/></Pixels>'
        '<AnnotationRef ID="Annotation:0"/></Image><StructuredAnnotations>'
        f'<MapAnnotation ID="Annotation:0" Namespace="{NAMESPACE}"><Value>{lines}</Value>'
        "</MapAnnotation></StructuredAnnotations></OME>"
    )


def _attributes(values: Mapping[str, Any]) -> str:
    return "".join(f" {key}={quoteattr(str(value))}" for key, value in values.items())


def _sizes(calibration: Calibration) -> dict[str, Any]:
    """Return physical sizes; none where a pixel is just a pixel."""
    found: dict[str, Any] = {}
    units = (calibration.unit, calibration.unit_y, calibration.unit_z)
    lengths = (calibration.pixel_width, calibration.pixel_height, calibration.pixel_depth)
    if calibration.unit not in ("", "pixel") or lengths != (1.0, 1.0, 1.0):
        for axis, length, unit in zip("XYZ", lengths, units, strict=True):
            name = _LENGTHS.get(unit or calibration.unit, unit or calibration.unit) or "pixel"
            found[f"PhysicalSize{axis}"] = repr(float(length))
            found[f"PhysicalSize{axis}Unit"] = name if name in _KNOWN_LENGTHS else "reference frame"
    if calibration.frame_interval:
        name = _TIMES.get(calibration.time_unit, calibration.time_unit)
        found["TimeIncrement"] = repr(float(calibration.frame_interval))
        found["TimeIncrementUnit"] = name if name in _KNOWN_TIMES else "s"
    return found


def write_tiled(
    path: Path,
    store: LevelStore,
    xml: str,
    *,
    colours: npt.NDArray[np.uint8] | None = None,
    check: Callable[[], object] = lambda: None,
) -> None:
    """Write all levels of a store: the smaller ones as SubIFDs of each plane.

    Parameters
    ----------
    path
        The file, overwritten.
    store
        All its levels are complete.
    xml
        From `ome_xml`.
    colours
        (256, 3) uint8, the LUT.
    check
        Called before each row of tiles; may raise to cancel.
    """
    layout = store.layout
    edge = layout.chunk
    tags: list[Any] = []
    if colours is not None:
        flat = (colours.T.astype(np.uint16) * 257).ravel()
        tags.append((320, "H", 768, tuple(int(v) for v in flat), True))
    options: dict[str, Any] = {
        "dtype": layout.dtype,
        "tile": (edge, edge),
        "compression": "zlib",
        "photometric": "minisblack",
        "metadata": None,
        "software": False,
        "extratags": tags,
    }
    smaller = range(1, len(layout.sizes))
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        for level in (0, *smaller):
            how: dict[str, Any] = {"subfiletype": 1} if level else {"subifds": len(smaller)}
            if not level:
                how["description"] = xml.encode("ascii", "xmlcharrefreplace")
            shape = (*layout.shape[:3], *layout.sizes[level])
            writer.write(_tiles(store, level, check), shape=shape, **how, **options)


def _tiles(
    store: LevelStore, level: int, check: Callable[[], object]
) -> Iterator[npt.NDArray[np.generic]]:
    """Yield the tiles of a level, plane by plane, rows first; those at the end are filled up."""
    layout = store.layout
    edge = layout.chunk
    height, width = layout.sizes[level]
    for t, z, c in np.ndindex(*layout.shape[:3]):
        for top in range(0, height, edge):
            check()
            rows = slice(top, min(top + edge, height))
            band = store.read(level, t, z, rows, slice(0, width), slice(c, c + 1))[0]
            full = np.zeros((edge, -(-width // edge) * edge), layout.dtype)
            full[: len(band), :width] = band
            for left in range(0, width, edge):
                yield np.ascontiguousarray(full[:, left : left + edge])
