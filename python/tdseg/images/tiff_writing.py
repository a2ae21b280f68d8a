"""Write stacks as the TIFF files that ImageJ itself would write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from tdseg.images.image import Calibration

CLASSIC_LIMIT = 4 * 2**30 - 2**24
"""Above this, only the first plane gets a directory: ImageJ counts on from there, and reads no
BigTIFF."""


def write_stack(
    path: Path,
    array: np.ndarray,
    calibration: Calibration,
    *,
    info: Mapping[str, Any] | None = None,
    names: Sequence[str] = (),
    colours: np.ndarray | None = None,
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
    t, z, c, height, width = array.shape
    planes = np.ascontiguousarray(array).reshape(t * z * c, height, width)
    extra: dict[str, Any] = {}
    if names:
        extra["Labels"] = list(names) * (len(planes) // len(names))
    if c > 1 and len(ranges) == c:
        extra["Ranges"] = tuple(float(limit) for pair in ranges for limit in pair)
    if info:
        extra["Info"] = "".join(f"{key}: {value}\n" for key, value in info.items())
    options: dict[str, Any] = {}
    if colours is not None and array.dtype == np.uint8:
        options = {"photometric": "palette", "colormap": colours.T.astype(np.uint16) * 257}
    tags: list[Any] = []
    if extra:
        tags += tifffile.imagej_metadata_tag(extra, "<")
    if colours is not None and not options:  # 256 colours, as ImageJ has them for 16 bits too
        flat = (colours.T.astype(np.uint16) * 257).ravel()
        tags.append((320, "H", 768, tuple(int(v) for v in flat), True))
    with tifffile.TiffWriter(path, bigtiff=False, byteorder="<") as writer:
        writer.write(
            planes,
            description=_description((t, z, c), calibration, array.dtype, ranges),
            metadata=None,
            software=False,
            resolution=(_per_unit(calibration.pixel_width), _per_unit(calibration.pixel_height)),
            resolutionunit="NONE",
            extratags=tags,
            truncate=planes.nbytes > CLASSIC_LIMIT,
            contiguous=True,
            **{"photometric": "minisblack", **options},
        )


def _description(
    counts: tuple[int, int, int],
    calibration: Calibration,
    dtype: np.dtype[Any],
    ranges: Sequence[tuple[float, float]],
) -> str:
    t, z, c = counts
    lines = ["ImageJ=1.54p"]
    if t * z * c > 1:
        lines.append(f"images={t * z * c}")
    lines += [f"{k}={n}" for k, n in (("channels", c), ("slices", z), ("frames", t)) if n > 1]
    if c > 1 or t > 1:
        lines.append("hyperstack=true")
    if c > 1:
        lines.append("mode=grayscale")
    lines.append(f"unit={calibration.unit}")
    if calibration.frame_interval:
        lines.append(f"finterval={calibration.frame_interval!r}")
    if calibration.time_unit != "sec":
        lines.append(f"tunit={calibration.time_unit}")
    lines += [
        f"{k}={u}" for k, u in (("yunit", calibration.unit_y), ("zunit", calibration.unit_z)) if u
    ]
    if t * z * c > 1:
        if calibration.pixel_depth != 1:
            lines.append(f"spacing={calibration.pixel_depth!r}")
        lines.append("loop=false")
    if ranges and (dtype != np.uint8 or tuple(ranges[0]) != (0, 255)):
        lines += [f"min={float(ranges[0][0])!r}", f"max={float(ranges[0][1])!r}"]
    for key in ("x_origin", "y_origin", "z_origin"):
        value = getattr(calibration, key)
        if value:
            lines.append(f"{key.replace('_', '')}={value!r}")
    return "\n".join(_escaped(line) for line in lines) + "\n"


def _escaped(line: str) -> str:
    """Escape what is not ASCII, as Java's properties do."""
    return "".join(ch if 31 < ord(ch) < 127 else f"\\u{ord(ch):04x}" for ch in line)


def _per_unit(size: float) -> float:
    return 1.0 / size if size else 1.0
