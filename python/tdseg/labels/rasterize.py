"""Pixels of ROIs: those that ImageJ fills, without ImageJ, and never more than the image."""

from __future__ import annotations

from math import atan2 as arc
from math import ceil, cos, floor, pi, sin, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.labels.polygon_fill import Window, draw_path, fill_polygon, half_up
from tdseg.labels.roi_rules import Pixels
from tdseg.labels.roi_shape import RoiGeometryError, RoiShape, check_finite
from tdseg.labels.spans import Ints, oval_spans

_ELLIPSE_CORNERS = 72
_COORDINATES = {0: 2, 1: 2, 2: 4, 3: 6, 4: 0}  # of the segments of a java.awt.geom.Path2D
_Corners = tuple[npt.NDArray[Any], npt.NDArray[Any]]


def roi_pixels(
    shape: RoiShape, width: int, height: int, points: tuple[int, ...] | None = None
) -> Pixels:
    """Return y and x of the pixels of a ROI inside the image, each once.

    They are the pixels that ``ij.process.ImageProcessor.fill(Roi)`` of ImageJ 1.54p sets:
    rectangles, ovals, ellipses, rotated rectangles, polygons, freehand and traced areas,
    composites of straight pieces, straight and other lines of any width, points. Memory goes with
    the part inside the image, not with the size of the ROI.

    Parameters
    ----------
    shape
        Its geometry.
    width, height
        Size of the image.
    points
        Of a multi-point: which of its points. Default: all.

    Raises
    ------
    RoiGeometryError
        If its coordinates are not finite, it takes too long, or it is of a kind that cannot be
        drawn exactly as ImageJ does: a spline, a rounded rectangle, a composite with curves.
    """
    check_finite(shape)
    size = width, height
    if shape.kind == "points":
        return _points(shape, size, points)
    if shape.kind in ("rectangle", "oval"):
        window = _box(shape, size)
    elif shape.kind == "polygon":
        window = _polygon(shape, size)
    elif shape.kind in ("ellipse", "rotated rectangle"):
        window = _ellipse_or_rotated(shape, size)
    elif shape.kind == "composite":
        window = _composite(shape, size)
    elif shape.kind == "straight line":
        window = _straight_line(shape, size)
    elif shape.kind == "polyline":
        window = _polyline(shape, size)
    else:
        raise _unsupported(shape.kind)
    y, x = np.nonzero(window.mask)
    return y + window.top, x + window.left


def _window(size: tuple[int, int], left: int, top: int, right: int, bottom: int) -> Window:
    """Return what of a box (right and bottom excluded) is inside the image."""
    width, height = size
    x0, y0 = min(max(left, 0), width), min(max(top, 0), height)
    x1, y1 = max(min(right, width), x0), max(min(bottom, height), y0)
    return Window(np.zeros((y1 - y0, x1 - x0), np.bool_), x0, y0, width, height)


def _filled(
    size: tuple[int, int], x: npt.NDArray[Any], y: npt.NDArray[Any], box: tuple[int, int, int, int]
) -> Window:
    left, top, width, height = box
    window = _window(size, left, top, left + max(width, 0), top + max(height, 0))
    if window.mask.size:
        fill_polygon(window, x, y, box)
    return window


def _box(shape: RoiShape, size: tuple[int, int]) -> Window:
    left, top = int(shape.box[0]), int(shape.box[1])
    width, height = (max(ceil(v), 1) for v in shape.box[2:])
    window = _window(size, left, top, left + width, top + height)
    if shape.kind == "rectangle":
        window.mask[:] = True
        return window
    rows = window.rows(top, height)
    starts, ends = oval_spans(width, height, rows)
    if window.mask.size:
        window.set_spans(rows + top, starts + left, ends + left)
    return window


def _polygon(shape: RoiShape, size: tuple[int, int]) -> Window:
    x, y = shape.x, shape.y
    if x.dtype.kind == "i":
        left, top = int(x.min()), int(y.min())
        box = (left, top, int(x.max()) - left, int(y.max()) - top)
        return _filled(size, x - left, y - top, box)
    # Coordinates relative to the bounds are single precision in ImageJ, its bounds double.
    offsets, lows, sizes, relative = [], [], [], []
    for values in (x, y):
        low = float(values.min())
        extent = float(values.max() - values.min())
        whole = floor(low)
        lows.append(whole)
        sizes.append(ceil(low + extent) - whole)
        offsets.append(low - whole)
        relative.append((values - np.float32(low)).astype(np.float64))
    box = (lows[0], lows[1], sizes[0], sizes[1])
    return _filled(size, relative[0] + offsets[0], relative[1] + offsets[1], box)


def _ellipse_or_rotated(shape: RoiShape, size: tuple[int, int]) -> Window:
    if shape.kind == "ellipse":
        corners = _ellipse(*shape.ends, min(max(shape.number, 0.0), 1.0))
    else:
        corners = _rotated_rectangle(*shape.ends, shape.number)
    x, y = np.array(corners, np.float32).T
    lows = [floor(float(v.min())) for v in (x, y)]
    sizes = [
        int(np.float64(v.max() - np.float32(low)) + 0.5)
        for v, low in zip((x, y), lows, strict=True)
    ]
    relative = [
        (v - np.float32(low)).astype(np.float64) for v, low in zip((x, y), lows, strict=True)
    ]
    return _filled(size, relative[0], relative[1], (lows[0], lows[1], sizes[0], sizes[1]))


def _ellipse(x1: float, y1: float, x2: float, y2: float, ratio: float) -> list[tuple[float, float]]:
    """Return the corners of ``ij.gui.EllipseRoi``."""
    major = sqrt((x2 - x1) ** 2 + (y2 - y1) ** 2)
    minor = major * ratio
    turn = arc(y2 - y1, x2 - x1) * 180.0 / pi
    centre = (x1 + x2) / 2.0, (y1 + y2) / 2.0
    corners = []
    for i in range(_ELLIPSE_CORNERS):
        angle = i * 360.0 / _ELLIPSE_CORNERS / 180.0 * pi
        dx, dy = cos(angle) * major / 2.0, sin(angle) * minor / 2.0
        direction = arc(dy, dx) + turn / 180.0 * pi
        radius = sqrt(dx * dx + dy * dy)
        corners.append((centre[0] + cos(direction) * radius, centre[1] + sin(direction) * radius))
    return corners


def _rotated_rectangle(
    x1: float, y1: float, x2: float, y2: float, width: float
) -> list[tuple[float, float]]:
    """Return the corners of ``ij.gui.RotatedRectRoi``."""
    length = sqrt((x2 - x1) * (x2 - x1) + (y2 - y1) * (y2 - y1))
    if length == 0:
        return [(x1, y1)] * 4
    across_x, across_y = 0.5 * width * (y2 - y1) / length, -0.5 * width * (x2 - x1) / length
    return [
        (x1 + across_x, y1 + across_y),
        (x2 + across_x, y2 + across_y),
        (x2 - across_x, y2 - across_y),
        (x1 - across_x, y1 - across_y),
    ]


def _composite(shape: RoiShape, size: tuple[int, int]) -> Window:
    x, y = _path_corners(shape.path)
    used = ~np.isnan(x)
    if not used.any():
        return _window(size, 0, 0, 0, 0)
    lows = [floor(float(v[used].min())) for v in (x, y)]
    sizes = [ceil(float(v[used].max())) - low for v, low in zip((x, y), lows, strict=True)]
    relative = [
        (v.astype(np.float64) - low).astype(np.float32).astype(np.float64)
        for v, low in zip((x, y), lows, strict=True)
    ]
    return _filled(size, relative[0], relative[1], (lows[0], lows[1], sizes[0], sizes[1]))


def _path_corners(path: npt.NDArray[np.float32]) -> _Corners:
    """Return the corners of a path, its pieces separated by NaN."""
    corners: list[tuple[float, float]] = []
    gap = (float("nan"), float("nan"))
    numbers = path.tolist()
    at = 0
    while at < len(numbers):
        kind = int(numbers[at])
        if kind not in _COORDINATES:
            raise RoiGeometryError("is a damaged composite; delete it or draw it again")
        count = _COORDINATES[kind]
        if count > 2:
            raise _unsupported("composite with curves")
        place = numbers[at + 1 : at + 1 + count]
        at += 1 + count
        if len(place) < count:
            break
        if kind in (0, 4) and corners and corners[-1] is not gap:
            corners.append(gap)
        if count:
            corners.append((place[0], place[1]))
    x, y = np.array(corners, np.float32).reshape(-1, 2).T
    return x, y


def _straight_line(shape: RoiShape, size: tuple[int, int]) -> Window:
    width = shape.stroke
    x1, y1, x2, y2 = shape.ends
    if width <= 1:
        ends = [half_up(min(pair) + (np.array(pair) - min(pair))) for pair in ((x1, x2), (y1, y2))]
        return _path(size, ends[0], ends[1], 1)
    dx, dy = x2 - x1, y2 - y1
    length = sqrt(dx * dx + dy * dy)
    if length == 0:
        return _window(size, 0, 0, 0, 0)
    dx, dy = dx * (0.5 / length), dy * (0.5 / length)
    across_x, across_y = dy * width, dx * width
    # A line runs through the centres of pixels, an area along their corners.
    x = [x1 + 0.5 - dx + across_x, x1 + 0.5 - dx - across_x]
    x += [x2 + 0.5 + dx - across_x, x2 + 0.5 + dx + across_x]
    y = [y1 + 0.5 - dy - across_y, y1 + 0.5 - dy + across_y]
    y += [y2 + 0.5 + dy + across_y, y2 + 0.5 + dy - across_y]
    corners = [np.floor(np.array(v, np.float32).astype(np.float64) + 0.5) for v in (x, y)]
    xs, ys = (c.astype(np.int64) for c in corners)
    left, top = int(xs.min()), int(ys.min())
    box = (left, top, int(xs.max()) - left, int(ys.max()) - top)
    return _filled(size, xs - left, ys - top, box)


def _polyline(shape: RoiShape, size: tuple[int, int]) -> Window:
    x, y = shape.x, shape.y
    if x.dtype.kind == "f":
        x, y = (half_up(float(v.min()) + (v - v.min()).astype(np.float64)) for v in (x, y))
    return _path(size, x, y, floor(shape.stroke + 0.5) if shape.stroke > 1 else 1)


def _path(size: tuple[int, int], x: Ints, y: Ints, line_width: int) -> Window:
    margin = line_width // 2 + 2
    low_x, low_y = int(x.min()) - margin, int(y.min()) - margin
    high_x, high_y = int(x.max()) + margin, int(y.max()) + margin
    window = _window(size, low_x, low_y, high_x + 1, high_y + 1)
    if window.mask.size:
        draw_path(window, x, y, line_width)
    return window


def count_outside(
    shape: RoiShape, width: int, height: int, points: tuple[int, ...] | None = None
) -> int:
    """Count the points of a multi-point outside the image; 0 for all other kinds."""
    if shape.kind != "points":
        return 0
    columns, rows = _places(shape, points)
    return int(((columns < 0) | (rows < 0) | (columns >= width) | (rows >= height)).sum())


def _points(shape: RoiShape, size: tuple[int, int], chosen: tuple[int, ...] | None) -> Pixels:
    columns, rows = _places(shape, chosen)
    inside = (columns >= 0) & (rows >= 0) & (columns < size[0]) & (rows < size[1])
    flat = np.unique(rows[inside] * size[0] + columns[inside])
    y_kept, x_kept = np.divmod(flat, size[0])
    return y_kept, x_kept


def _places(shape: RoiShape, chosen: tuple[int, ...] | None) -> tuple[Ints, Ints]:
    """Return column and row of the points, rounded as ImageJ does."""
    x, y = (v.astype(np.float32) for v in (shape.x, shape.y))
    if chosen is not None:
        keep = list(chosen)
        x, y = ((v - v.min() + np.float32(v.min()))[keep] for v in (x, y))
    columns, rows = (half_up(float(v.min()) + (v - v.min()).astype(np.float64)) for v in (x, y))
    return columns, rows


def _unsupported(kind: str) -> RoiGeometryError:
    return RoiGeometryError(
        f"is a {kind}, whose pixels only ImageJ knows; in a macro (tdseg run), use TDS Load "
        "Labels... and labels=overlay, or convert it to a polygon or a mask in ImageJ"
    )
