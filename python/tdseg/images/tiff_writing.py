"""Write stacks as the TIFF files that ImageJ itself would write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from tdseg.images.image import Calibration

CLASSIC_LIMIT = 4 * 2**30 - 2**24
"""Above this, only the first plane gets a directory: ImageJ counts on from there, and reads no
BigTIFF."""


def write_stack(
    path: Path,
    array: npt.NDArray[np.number],
    calibration: Calibration,
    *,
    info: Mapping[str, Any] | None = None,
    names: Sequence[str] = (),
    colours: npt.NDArray[np.uint8] | None = None,
    ranges: Sequence[tuple[float, float]] = (),
) -> None:
    """Write planes with ImageJ's description, calibration, slice labels and LUT.

    Parameters
    ----------
    path
        The file, overwritten.
    array
        (T, Z, C, Y, X) uint8, uint16 or float32.
    calibration
        Pixel sizes, units, frame interval and origin.
    info
        Lines of the image's info.
    names
        One per channel, or one per plane; they label the planes.
    colours
        (256, 3) uint8, the LUT.
    ranges
        Smallest and largest value shown, one pair per channel.
    """
    t, z, c = array.shape[:3]
    metadata = _metadata((t, z, c), calibration, array.dtype, ranges)
    if names:
        metadata["Labels"] = list(names) * (t * z * c // len(names))
    if c > 1 and len(ranges) == c:
        metadata["Ranges"] = tuple(float(limit) for pair in ranges for limit in pair)
    if info:
        metadata["Info"] = "".join(f"{key}: {value}\n" for key, value in info.items())
    tags: list[Any] = []
    if colours is not None:
        # As a tag of its own: of a palette image, tifffile makes no hyperstack, and of 16 bits no
        # palette image at all; ImageJ takes 256 colours for both.
        flat = (colours.T.astype(np.uint16) * 257).ravel()
        tags.append((320, "H", 768, tuple(int(v) for v in flat), True))
    with tifffile.TiffWriter(path, imagej=True) as writer:
        writer.write(
            array,
            metadata=metadata,
            photometric="minisblack",
            software=False,
            resolution=(_per_unit(calibration.pixel_width), _per_unit(calibration.pixel_height)),
            resolutionunit="NONE",
            extratags=tags,
            truncate=array.nbytes > CLASSIC_LIMIT,
        )


def _metadata(
    counts: tuple[int, int, int],
    calibration: Calibration,
    dtype: np.dtype[Any],
    ranges: Sequence[tuple[float, float]],
) -> dict[str, Any]:
    """Return the lines of ImageJ's description that the shape does not give."""
    t, z, c = counts
    found: dict[str, Any] = {"axes": "TZCYX", "ImageJ": "1.54p"}
    found["hyperstack"] = c > 1 or t > 1
    found["unit"] = _escaped(calibration.unit)
    if calibration.frame_interval:
        found["finterval"] = repr(calibration.frame_interval)
    if calibration.time_unit != "sec":
        found["tunit"] = _escaped(calibration.time_unit)
    for key, unit in (("yunit", calibration.unit_y), ("zunit", calibration.unit_z)):
        if unit:
            found[key] = _escaped(unit)
    if t * z * c > 1 and calibration.pixel_depth != 1:
        found["spacing"] = repr(calibration.pixel_depth)
    if ranges and (dtype != np.uint8 or tuple(ranges[0]) != (0, 255)):
        found["min"], found["max"] = (repr(float(limit)) for limit in ranges[0])
    for key in ("x_origin", "y_origin", "z_origin"):
        value = getattr(calibration, key)
        if value:
            found[key.replace("_", "")] = repr(value)
    return found


def _escaped(line: str) -> str:
    """Escape what is not ASCII, as Java's properties do."""
    return "".join(ch if 31 < ord(ch) < 127 else f"\\u{ord(ch):04x}" for ch in line)


def _per_unit(size: float) -> float:
    return 1.0 / size if size else 1.0
