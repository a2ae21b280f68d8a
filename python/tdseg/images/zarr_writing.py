"""What an OME-Zarr that tdseg writes says of itself, in version 0.4 and 0.5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.images.image import Calibration
from tdseg.images.level_stores import Layout
from tdseg.images.zarr_metadata import TIME_UNITS, UNITS

_KINDS = {"t": "time", "c": "channel"}
_LENGTHS = {ours: theirs for theirs, ours in UNITS.items()} | {
    "um": "micrometer",
    "micron": "micrometer",
    "microns": "micrometer",
}
_TIMES = {ours: theirs for theirs, ours in TIME_UNITS.items()} | {"s": "second"}


def axes_of(shape: Sequence[int], channels: bool) -> str:
    """Return the axes that are written of (T, Z, C, Y, X): without those of length 1.

    The channels of what has names for them are kept, a single one too.
    """
    t, z, c = shape[:3]
    return "".join(("t" * (t > 1), "c" * (channels or c > 1), "z" * (z > 1), "yx"))


def multiscale_attributes(
    name: str,
    axes: str,
    layout: Layout,
    calibration: Calibration,
    version: str,
    *,
    method: str,
    label_names: Mapping[int, str] | None = None,
    colours: npt.NDArray[np.uint8] | None = None,
    channels: Sequence[str] = (),
    info: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the attributes of the group.

    Parameters
    ----------
    name
        Of the image.
    axes, layout
        What was written.
    calibration
        Pixel sizes.
    version
        "0.4" or "0.5".
    method
        How smaller levels were made: "mode" or "mean".
    label_names
        Of a label image: names by value, which viewers show; None: it is none.
    colours
        (256, 3), the colour of each label value.
    channels
        Names of the channels of another image; each is shown from 0 to 1.
    info
        Kept as ``tdseg.info``.
    """
    described: dict[str, Any] = {
        "name": name,
        "axes": [_axis(axis, calibration) for axis in axes],
        "datasets": [
            {
                "path": str(level),
                "coordinateTransformations": _transformations(level, axes, calibration),
            }
            for level in range(len(layout.sizes))
        ],
        "type": method,
    }
    ome: dict[str, Any] = {"multiscales": [described]}
    if label_names is not None:
        ome["image-label"] = _image_label(label_names, colours)
    elif channels:
        ome["omero"] = {"channels": [_channel(k, n, colours) for k, n in enumerate(channels)]}
    kept = {"tdseg": {"info": dict(info or {})}}
    if version == "0.5":
        return {"ome": {"version": version, **ome}, **kept}
    described["version"] = version
    if label_names is not None:
        ome["image-label"] = {"version": version, **ome["image-label"]}
    return {**ome, **kept}


def _axis(axis: str, calibration: Calibration) -> dict[str, str]:
    found = {"name": axis, "type": _KINDS.get(axis, "space")}
    units = {
        "x": calibration.unit,
        "y": calibration.unit_y or calibration.unit,
        "z": calibration.unit_z or calibration.unit,
    }
    if axis in units and units[axis] not in ("", "pixel"):
        found["unit"] = _LENGTHS.get(units[axis], units[axis])
    if axis == "t" and calibration.frame_interval:
        found["unit"] = _TIMES.get(calibration.time_unit, calibration.time_unit)
    return found


def _transformations(level: int, axes: str, calibration: Calibration) -> list[dict[str, Any]]:
    """Return scale and translation; a pixel of a smaller level lies in the middle of its pixels."""
    size = {
        "x": calibration.pixel_width,
        "y": calibration.pixel_height,
        "z": calibration.pixel_depth,
        "t": calibration.frame_interval or 1.0,
        "c": 1.0,
    }
    origin = {"x": calibration.x_origin, "y": calibration.y_origin, "z": calibration.z_origin}
    factor = 2**level
    scale = [size[a] * (factor if a in "yx" else 1) for a in axes]
    moved = [
        size[a] * (((factor - 1) / 2 if a in "yx" else 0.0) - origin.get(a, 0.0)) for a in axes
    ]
    found: list[dict[str, Any]] = [{"type": "scale", "scale": scale}]
    if any(moved):
        found.append({"type": "translation", "translation": moved})
    return found


def _image_label(names: Mapping[int, str], colours: npt.NDArray[np.uint8] | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "properties": [{"label-value": value, "name": name} for value, name in names.items()]
    }
    if colours is not None:
        found["colors"] = [
            {"label-value": value, "rgba": [*(int(v) for v in colours[value % 256]), 255]}
            for value in names
        ]
    return found


def _channel(k: int, name: str, colours: npt.NDArray[np.uint8] | None) -> dict[str, Any]:
    rgb = (255, 255, 255) if colours is None else tuple(int(v) for v in colours[(k + 1) % 256])
    return {
        "label": name,
        "color": "".join(f"{v:02X}" for v in rgb),
        "active": True,
        "window": {"min": 0.0, "max": 1.0, "start": 0.0, "end": 1.0},
    }
