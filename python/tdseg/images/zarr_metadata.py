"""What the JSON of an OME-Zarr says, read and checked before anything is opened by its word."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from tdseg.errors import TdsegError
from tdseg.images.image import Calibration
from tdseg.runtime.files import is_file, is_folder

_MOST_JSON_BYTES = 64 * 2**20
_MOST_CHUNK_BYTES = 512 * 2**20
_LONGEST = 2**31 - 1
_CODECS = frozenset(
    "blosc zlib gzip zstd lz4 bz2 lzma shuffle delta bitround fixedscaleoffset packbits astype "
    "crc32 crc32c adler32 fletcher32 jenkins_lookup3 bytes transpose sharding_indexed".split()
)
"""Codecs that turn bytes into numbers; others, such as ``pickle``, may run code of the file."""

UNITS = {
    "micrometer": "\u00b5m",
    "nanometer": "nm",
    "millimeter": "mm",
    "centimeter": "cm",
    "meter": "m",
    "picometer": "pm",
    "angstrom": "\u00c5",
    "inch": "inch",
}
"""OME-NGFF's names of lengths, and ImageJ's."""
TIME_UNITS = {
    "second": "sec",
    "millisecond": "ms",
    "microsecond": "us",
    "minute": "min",
    "hour": "h",
}
"""OME-NGFF's names of times, and ImageJ's."""


@dataclass(frozen=True)
class Multiscale:
    """An image of an OME-Zarr.

    Attributes
    ----------
    folder
        Of the group.
    version
        "0.4" or "0.5".
    axes
        Of ``tczyx``, in order.
    level
        Folder of the full resolution, below `folder`.
    scale, translation
        Of the full resolution, a number an axis.
    units
        By axis, as written.
    channel_names, colours
        Of ``omero``, where there.
    is_label
        Whether it is a label image.
    attributes
        All of the group's.
    notes
        What is in the folder and not read.
    """

    folder: Path
    version: str
    axes: str
    level: str
    scale: tuple[float, ...]
    translation: tuple[float, ...]
    units: Mapping[str, str] = field(default_factory=dict)
    channel_names: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    is_label: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def calibration(self) -> Calibration:
        """Return pixel sizes, as ImageJ keeps them."""
        scale = dict(zip(self.axes, self.scale, strict=True))
        moved = dict(zip(self.axes, self.translation, strict=True))
        unit, unit_y, unit_z = (_unit(self.units.get(axis, "")) for axis in "xyz")
        time = self.units.get("t", "")
        return Calibration(
            pixel_width=scale["x"],
            pixel_height=scale["y"],
            pixel_depth=scale.get("z", 1.0),
            unit=unit,
            unit_y="" if unit_y == unit else unit_y,
            unit_z="" if unit_z == unit or "z" not in scale else unit_z,
            frame_interval=scale.get("t", 0.0) if time else 0.0,
            time_unit=TIME_UNITS.get(time, time) or "sec",
            x_origin=_origin(moved["x"], scale["x"]),
            y_origin=_origin(moved["y"], scale["y"]),
            z_origin=_origin(moved.get("z", 0.0), scale.get("z", 1.0)),
        )


def _origin(translation: float, scale: float) -> float:
    """Return where 0 lies, in pixels."""
    return 0.0 if translation == 0 else -translation / scale


def _unit(name: str) -> str:
    return UNITS.get(name, name) or "pixel"


def is_zarr(path: Path) -> bool:
    """Tell whether a folder is a Zarr: by its name, or what lies in it."""
    return path.name.lower().endswith(".zarr") or is_zarr_group(path)


def is_zarr_group(path: Path) -> bool:
    """Tell whether a Zarr lies in a folder."""
    return any(is_file(path / name) for name in ("zarr.json", ".zgroup", ".zarray"))


def read_multiscale(folder: Path) -> Multiscale:
    """Read the description of an OME-Zarr image.

    Raises
    ------
    TdsegError
        If the folder is no OME-Zarr 0.4 or 0.5, a plate, one level of an image, or described in a
        way that is not understood.
    """
    attributes, format3 = group_attributes(folder)
    ome = attributes.get("ome") if format3 else attributes
    ome = ome if isinstance(ome, dict) else {}
    if "plate" in ome or "well" in ome:
        raise TdsegError(
            f"'{folder}' is a plate of many images; name one of them, such as "
            f"'{folder / 'A' / '1' / '0'}'."
        )
    notes: list[str] = []
    if "multiscales" not in ome and ("bioformats2raw.layout" in ome):
        inner = folder / "0"
        if not is_folder(inner):
            raise TdsegError(f"'{folder}' holds no image '0'; name the folder of an image in it.")
        found = read_multiscale(inner)
        if is_folder(folder / "1"):
            notes.append(
                f"'{folder.name}' has several images; the first ('0') is read. For another one, "
                "name its folder."
            )
        return _with_notes(found, notes)
    every = ome.get("multiscales")
    if not isinstance(every, list) or not every or not isinstance(every[0], dict):
        raise TdsegError(
            f"'{folder}' is no OME-Zarr image: it has no 'multiscales'; name the folder that has."
        )
    version = str(ome.get("version") if format3 else every[0].get("version", "0.4"))
    if version not in ("0.4", "0.5"):
        raise TdsegError(
            f"'{folder}' is OME-Zarr {version[:20]}, and 0.4 and 0.5 can be read; convert it."
        )
    if len(every) > 1:
        notes.append(f"'{folder.name}' has {len(every)} multiscales; the first is read.")
    return _with_notes(_described(folder, version, every[0], ome, attributes), notes)


def _with_notes(found: Multiscale, notes: Sequence[str]) -> Multiscale:
    return replace(found, notes=(*notes, *found.notes))


def _described(
    folder: Path,
    version: str,
    one: Mapping[str, Any],
    ome: Mapping[str, Any],
    attributes: Mapping[str, Any],
) -> Multiscale:
    try:
        axes, units = _axes(one)
        datasets = one["datasets"]
        first = datasets[0]
        level = safe_level(str(first["path"]))
        scale, moved = _transformed(first.get("coordinateTransformations", []), len(axes))
        outer, outer_moved = _transformed(one.get("coordinateTransformations", []), len(axes))
        scale = [a * b for a, b in zip(scale, outer, strict=True)]
        moved = [a * b + c for a, b, c in zip(moved, outer, outer_moved, strict=True)]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        what = " ".join(str(error).split())[:120]
        raise TdsegError(
            f"The description of OME-Zarr '{folder}' is not understood ({what}); write it again "
            "with another program."
        ) from None
    names, colours = _omero(ome)
    return Multiscale(
        folder,
        version,
        axes,
        level,
        tuple(scale),
        tuple(moved),
        units,
        names,
        colours,
        "image-label" in ome,
        attributes,
    )


def _axes(one: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    names = [str(axis["name"]).lower() for axis in one["axes"]]
    axes = "".join(names)
    if any(len(name) != 1 for name in names) or set(axes) - set("tczyx"):
        raise ValueError(f"axes {', '.join(names)}")
    if len(set(axes)) != len(axes) or not {"y", "x"} <= set(axes):
        raise ValueError(f"axes {', '.join(names)}")
    units = {
        str(axis["name"]).lower(): str(axis["unit"])[:40]
        for axis in one["axes"]
        if isinstance(axis.get("unit"), str)
    }
    return axes, units


def _transformed(steps: Any, count: int) -> tuple[list[float], list[float]]:
    """Return the scale and translation of a list of coordinate transformations."""
    scale, moved = [1.0] * count, [0.0] * count
    for step in steps or []:
        kind = step["type"]
        if kind == "identity":
            continue
        values = [float(v) for v in step[kind]] if kind in ("scale", "translation") else []
        if len(values) != count or not all(math.isfinite(v) for v in values):
            raise ValueError(f"coordinate transformation '{str(kind)[:40]}'")
        if kind == "scale":
            if min(values) <= 0:
                raise ValueError("a scale that is not positive")
            scale = [a * b for a, b in zip(scale, values, strict=True)]
            moved = [a * b for a, b in zip(moved, values, strict=True)]
        else:
            moved = [a + b for a, b in zip(moved, values, strict=True)]
    return scale, moved


def _omero(ome: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    found = ome.get("omero")
    channels = found.get("channels") if isinstance(found, dict) else None
    if not isinstance(channels, list) or not all(isinstance(c, dict) for c in channels):
        return (), ()
    names = tuple(str(c.get("label") or "")[:200] for c in channels)
    return names, tuple(str(c.get("color") or "")[:6].upper() for c in channels)


def safe_level(path: str) -> str:
    """Return the folder of a level if it lies inside the image's.

    Raises
    ------
    ValueError
        If it is absolute, or leads out.
    """
    parts = PurePosixPath(path).parts
    if not parts or path.startswith(("/", "\\")) or ":" in path or "\\" in path or ".." in parts:
        raise ValueError(f"a level at '{path[:80]}'")
    return "/".join(parts)


def check_array(folder: Path, level: str, axes: str) -> tuple[int, ...]:
    """Check the description of an array before it is opened; return its shape.

    Raises
    ------
    TdsegError
        If it is missing, its shape does not fit the axes, its chunks are absurd, or its pixels are
        encoded in a way that is not known to be safe.
    """
    where = folder / level
    described = _json(where / "zarr.json") or _json(where / ".zarray")
    if described is None:
        raise TdsegError(f"'{folder}' lacks its level '{level}'; copy it again.")
    try:
        shape = tuple(int(n) for n in described["shape"])
        if described.get("zarr_format") == 3:
            chunks = described["chunk_grid"]["configuration"]["chunk_shape"]
            kind, codecs = str(described["data_type"]), list(_codec_names(described["codecs"]))
        else:
            chunks, kind = described["chunks"], str(described["dtype"])
            steps = [*(described.get("filters") or []), described.get("compressor")]
            codecs = [str(step["id"]) for step in steps if step]
        chunks = [int(n) for n in chunks]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise TdsegError(
            f"The description of level '{level}' of '{folder}' is not understood; copy it again."
        ) from None
    for codec in codecs:
        if codec.removeprefix("numcodecs.") not in _CODECS:
            raise TdsegError(
                f"'{folder}' has pixels in the codec '{codec[:40]}', which is not read; write it "
                "with blosc, zstd or gzip."
            )
    if len(shape) != len(axes) or len(chunks) != len(axes):
        raise TdsegError(
            f"'{folder}': level '{level}' of shape {shape} does not fit axes '{axes}'."
        )
    if not all(0 < n <= _LONGEST for n in shape):
        raise TdsegError(f"'{folder}' has no pixels, or too many (shape {shape}); copy it again.")
    if "|O" in kind or min(chunks) < 1 or math.prod(chunks) > _MOST_CHUNK_BYTES // 8:
        raise TdsegError(
            f"'{folder}' is stored in chunks of {' x '.join(map(str, chunks))}, type {kind[:20]}, "
            "which are not read; write it in smaller chunks of numbers."
        )
    return shape


def _codec_names(codecs: Any) -> list[str]:
    found = []
    for codec in codecs:
        found.append(str(codec["name"]))
        inner = codec.get("configuration") or {}
        for key in ("codecs", "index_codecs"):
            found += _codec_names(inner.get(key) or [])
    return found


def group_attributes(folder: Path) -> tuple[dict[str, Any], bool]:
    """Return the attributes of a group, and whether it is of Zarr format 3."""
    node = _json(folder / "zarr.json")
    if node is not None:
        if node.get("node_type") == "array":
            raise _level_alone(folder)
        attributes = node.get("attributes")
        return (attributes if isinstance(attributes, dict) else {}), True
    if is_file(folder / ".zarray"):
        raise _level_alone(folder)
    attributes = _json(folder / ".zattrs")
    if attributes is None:
        raise TdsegError(
            f"'{folder}' is no OME-Zarr image: it has neither zarr.json nor .zattrs; copy it again."
        )
    return attributes, False


def _level_alone(folder: Path) -> TdsegError:
    return TdsegError(
        f"'{folder}' is one array of a Zarr, without axes and pixel size; name the folder above it."
    )


def _json(path: Path) -> dict[str, Any] | None:
    """Return the object of a JSON file; None if there is no such file.

    Raises
    ------
    TdsegError
        If it is no JSON, or absurdly long.
    """
    if not is_file(path):
        return None
    try:
        if path.stat().st_size > _MOST_JSON_BYTES:
            raise ValueError("too long")
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        raise TdsegError(f"File '{path}' cannot be read as JSON; copy it again.") from None
    return found if isinstance(found, dict) else {}
