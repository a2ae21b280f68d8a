"""Read ImageJ's binary ROI format as ``ij.io.RoiDecoder`` of ImageJ 1.54p reads it.

The package `roifile` reads it too, but not as ImageJ does where they differ: it gives old files a
group, wraps negative coordinates, and fails on names with unpaired surrogates
(`tests/labels/test_roi_format.py` compares with ImageJ).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.labels.colours import glasbey
from tdseg.labels.roi_facts import RoiFacts
from tdseg.labels.roi_shape import RoiShape

_POLYGON, _RECTANGLE, _OVAL, _LINE, _FREELINE, _POLYLINE, _NOTHING = range(7)
_FREEHAND, _TRACED, _ANGLE, _POINT = range(7, 11)
_TEXT, _ARROW, _ELLIPSE, _IMAGE, _ROTATED = range(1, 6)
_SPLINE_FIT, _SUB_PIXEL = 1, 128
_HEADER = 64
_LINES = (_LINE, _POLYLINE, _FREELINE)


class DamagedRoiError(ValueError):
    """Why bytes are no ROI, as the end of a sentence that begins with a file's name."""


@dataclass(frozen=True)
class DecodedRoi:
    """A ROI of a file: what the rules need to know, and its geometry."""

    facts: RoiFacts
    shape: RoiShape


def decode_roi(data: bytes, name: str = "") -> DecodedRoi:
    """Read one ROI.

    Parameters
    ----------
    data
        Content of a ``.roi`` file.
    name
        Its name if there is none in it.

    Returns
    -------
    DecodedRoi
        Its kind, outline and position.

    Raises
    ------
    DamagedRoiError
        If it is not of this format, cut, or points outside itself.
    """
    if data[:4] != b"Iout":
        raise DamagedRoiError("is not an ImageJ ROI" if data else "is empty")
    try:
        return _decode(_Bytes(data), name)
    except struct.error:
        raise DamagedRoiError("is cut or damaged") from None


def bounds_of(data: bytes) -> tuple[int, int, int, int]:
    """Return top, left, bottom, right of a ROI that can be decoded."""
    numbers = _Bytes(data)
    return numbers.short(8), numbers.short(10), numbers.short(12), numbers.short(14)


def without_dangling_texts(data: bytes) -> bytes:
    """Return a ROI that can be decoded, less a name and properties that lie outside of it.

    Neither reader takes them, but ImageJ allocates first where length or offset overflow 32 bits:
    four gigabytes for a ROI of a hundred bytes.
    """
    second = int(_Bytes(data).read("i", 60))
    kept = bytearray(data)
    for offset_at in (16, 40):  # each followed by the length, in characters
        at = second + offset_at
        if second <= 0 or at + 8 > len(data):
            continue
        offset, length = struct.unpack_from(">ii", data, at)
        if offset < 0 or length < 0 or offset + 2 * length > len(data):
            struct.pack_into(">ii", kept, at, 0, 0)
    return bytes(kept)


class _Bytes:
    """Numbers at offsets, big-endian; `struct.error` outside."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, code: str, offset: int) -> Any:
        if offset < 0:
            raise struct.error
        return struct.unpack_from(">" + code, self.data, offset)[0]

    def array(self, code: str, offset: int, count: int) -> npt.NDArray[Any]:
        dtype = np.dtype(">" + code)
        if offset < 0 or count < 0 or offset + count * dtype.itemsize > len(self.data):
            raise struct.error
        return np.frombuffer(self.data, dtype, count, offset).astype(dtype.newbyteorder("="))

    def short(self, offset: int) -> int:
        """Return a number from -5000 to 60535, as ImageJ reads bounds."""
        number = int(self.read("h", offset))
        return number if number >= -5000 else number + 65536

    def text(self, offset: int, length: int) -> str:
        raw = self.data[offset : offset + 2 * length]
        return raw.decode("utf-16-be", errors="replace")


def _decode(data: _Bytes, default_name: str) -> DecodedRoi:
    version, kind = data.short(4), data.read("B", 6)
    subtype, options = data.short(48), data.short(50)
    second = int(data.read("i", 60))  # a second header, in files since 1.47
    channel = z = t = group = name_at = name_length = counters_at = 0
    stroke: float = max(data.short(34), 0)
    image_size = 0
    if second > 0:
        channel, z, t = (int(data.read("i", second + k)) for k in (4, 8, 12))
        name_at, name_length = (int(data.read("i", second + k)) for k in (16, 20))
        group, image_size = int(data.read("B", second + 30)), int(data.read("i", second + 32))
        precise = float(data.read("f", second + 36))
        stroke = precise if not precise <= 0 else stroke
        counters_at = int(data.read("i", second + 48))
        if version >= 229 and group == 0 and second + 54 <= len(data.data):
            group = int(data.read("H", second + 52))
    elif second < 0:
        raise struct.error
    name = default_name
    if name_at > 0 and name_length > 0 and name_at + 2 * name_length <= len(data.data):
        name = data.text(name_at, name_length)
    group = group if version >= 228 else 0
    composite = int(data.read("i", 36)) > 0
    described = _described(data, kind, subtype, version, composite, image_size)
    count = int(data.read("H", 16)) or int(data.read("i", 18))
    shape = _shape(data, kind, subtype, version, options, composite, count, stroke)
    stack = max(int(data.read("i", 56)), 0)
    counters: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()
    place = (max(channel, 0), max(z, 0), max(t, 0))
    has_place = any(place)
    if described == "points":
        counters, positions = (0,) * count, (stack,) * count
        if version >= 227 and counters_at != 0 and counters_at + 4 * count <= len(data.data):
            packed = data.array("i4", counters_at, count)
            counters = tuple((packed & 255).tolist())
            positions = tuple((packed >> 8).tolist())
            if not any(positions) and not has_place:
                positions = (stack,) * count  # ImageJ writes it only here, and forgets to read it
    facts = RoiFacts(
        name=name,
        kind=described,
        group=group,
        colour=_colour(data, version, group),
        position=0 if described == "points" or has_place else stack,
        hyperstack=place if has_place else None,
        counters=counters,
        point_positions=positions,
    )
    return DecodedRoi(facts, shape)


def _described(
    data: _Bytes, kind: int, subtype: int, version: int, composite: bool, image_size: int
) -> str:
    if composite:
        return "area"
    if version >= 218 and subtype == _TEXT:
        lengths = [int(data.read("i", _HEADER + k)) for k in (8, 12)]
        data.array("u2", _HEADER + 16, min(lengths))
        data.array("u2", _HEADER + 16, sum(lengths))
        if version >= 225:
            data.read("f", _HEADER + 16 + 2 * sum(lengths))
        return "text"
    if version >= 221 and subtype == _IMAGE and image_size > 0:
        data.array("u1", _HEADER, image_size)
        return "image"
    if kind == _LINE and subtype == _ARROW:
        return "arrow"
    if kind == _POINT:
        return "points"
    if kind == _ANGLE:
        return "angle"
    return "line" if kind in _LINES else "area"


def _shape(
    data: _Bytes,
    kind: int,
    subtype: int,
    version: int,
    options: int,
    composite: bool,
    count: int,
    stroke: float,
) -> RoiShape:
    stroke = stroke if version >= 218 else 0.0
    top, left, bottom, right = (data.short(k) for k in (8, 10, 12, 14))
    sub_pixel = version >= 222 and bool(options & _SUB_PIXEL)
    if composite:
        if kind != _RECTANGLE:
            raise struct.error
        path = data.array("f4", _HEADER, int(data.read("i", 36)))
        return RoiShape("composite", path=path)
    numbers = tuple(float(v) for v in data.array("f4", 18, 4))
    ends = (numbers[0], numbers[1], numbers[2], numbers[3])
    if kind in (_RECTANGLE, _OVAL):
        whole = (left, top, right - left, bottom - top)
        box = ends if version >= 223 and sub_pixel else whole
        rounded = kind == _RECTANGLE and data.short(54) > 0
        name = "rounded rectangle" if rounded else "oval" if kind == _OVAL else "rectangle"
        return RoiShape(name, box=box)
    if kind == _LINE:
        return RoiShape("straight line", ends=ends, stroke=stroke)
    if kind in (_NOTHING,) or kind > _POINT:
        raise struct.error
    if count <= 0:
        raise DamagedRoiError("has no corner")
    x = np.maximum(_shorts(data, _HEADER, count), 0) + left
    y = np.maximum(_shorts(data, _HEADER + 2 * count, count), 0) + top
    if sub_pixel:
        x = data.array("f4", _HEADER + 4 * count, count)
        y = data.array("f4", _HEADER + 8 * count, count)
    if kind == _POINT:
        return RoiShape("points", x=x, y=y)
    if version >= 218 and options & _SPLINE_FIT:
        return RoiShape("spline", x=x, y=y, stroke=stroke)
    if kind == _FREEHAND and subtype in (_ELLIPSE, _ROTATED):
        name = "ellipse" if subtype == _ELLIPSE else "rotated rectangle"
        return RoiShape(name, ends=ends, number=float(data.read("f", 52)))
    if kind in (_POLYLINE, _FREELINE, _ANGLE):
        return RoiShape("polyline", x=x, y=y, stroke=stroke)
    return RoiShape("polygon", x=x, y=y)


def _shorts(data: _Bytes, offset: int, count: int) -> npt.NDArray[np.int64]:
    numbers = data.array("i2", offset, count).astype(np.int64)
    return np.where(numbers < -5000, numbers + 65536, numbers)


def _colour(data: _Bytes, version: int, group: int) -> str:
    """Return fill or stroke colour; a group has its own, which ImageJ strokes it in."""
    fill = int(data.read("I", 44)) if version >= 218 else 0
    if fill:
        return f"#{fill & 0xFFFFFF:06x}"
    if 0 < group < 256:
        red, green, blue = (int(v) for v in glasbey()[group])
        return f"#{red:02x}{green:02x}{blue:02x}"
    stroke = int(data.read("I", 40)) if version >= 218 else 0
    return f"#{stroke & 0xFFFFFF:06x}" if stroke else ""
