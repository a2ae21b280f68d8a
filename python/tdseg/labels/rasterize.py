"""Pixels of ROIs read by `roifile`: those that ImageJ fills, without ImageJ."""

from __future__ import annotations

import struct
from math import atan2 as arc
from math import ceil, cos, floor, pi, sin, sqrt

import numpy as np
from roifile import ROI_OPTIONS, ROI_SUBTYPE, ROI_TYPE, ImagejRoi

from tdseg.errors import TdsegError
from tdseg.labels.polygon_fill import draw_path, ellipse_mask, fill_polygon, half_up

_TURNED = (ROI_SUBTYPE.ELLIPSE, ROI_SUBTYPE.ROTATED_RECT)
_ELLIPSE_CORNERS = 72
_COORDINATES = {0: 2, 1: 2, 2: 4, 3: 6, 4: 0}  # of the segments of a java.awt.geom.Path2D


def roi_pixels(
    roi: ImagejRoi, width: int, height: int, points: tuple[int, ...] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return y and x of the pixels of a ROI inside the image, each once.

    They are the pixels that ``ij.process.ImageProcessor.fill(Roi)`` of ImageJ 1.54p sets:
    rectangles, ovals, ellipses, rotated rectangles, polygons, freehand and traced areas,
    composites of straight pieces, straight and other lines of any width, points.

    Parameters
    ----------
    roi
        As `roifile` reads it.
    width, height
        Size of the image.
    points
        Of a multi-point: which of its points. Default: all.

    Raises
    ------
    TdsegError
        If it is of a kind that cannot be drawn exactly as ImageJ does: a spline, a rounded
        rectangle, a composite with curves.
    """
    mask = np.zeros((height, width), bool)
    if roi.roitype == ROI_TYPE.POINT:
        _points(mask, roi, points)
    elif roi.options & ROI_OPTIONS.SPLINE_FIT and roi.roitype not in (ROI_TYPE.RECT, ROI_TYPE.OVAL):
        raise _unsupported(roi, "spline")
    elif roi.composite:
        _composite(mask, roi)
    elif roi.roitype in (ROI_TYPE.RECT, ROI_TYPE.OVAL):
        _rectangle(mask, roi)
    elif roi.roitype == ROI_TYPE.LINE:
        _straight_line(mask, roi)
    elif roi.roitype in (ROI_TYPE.POLYLINE, ROI_TYPE.FREELINE, ROI_TYPE.ANGLE):
        _polyline(mask, roi)
    elif roi.roitype == ROI_TYPE.FREEHAND and roi.subtype in _TURNED:
        _ellipse_or_rotated(mask, roi)
    elif roi.roitype in (ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED):
        _polygon(mask, roi)
    else:
        raise _unsupported(roi, roi.roitype.name.lower())
    y, x = np.nonzero(mask)
    return y, x


def stroke_width(roi: ImagejRoi) -> float:
    """Return the width of a ROI's line as ImageJ has it."""
    if roi.version < 218:
        return 0.0
    if roi.float_stroke_width > 0:
        return float(roi.float_stroke_width)
    return float(max(roi.stroke_width, 0))


def _rectangle(mask: np.ndarray, roi: ImagejRoi) -> None:
    if roi.roitype == ROI_TYPE.RECT and roi.rounded_rect_arc_size > 0:
        raise _unsupported(roi, "rounded rectangle")
    if roi.subpixelrect:
        left, top = int(roi.xd), int(roi.yd)
        width, height = ceil(roi.widthd), ceil(roi.heightd)
    else:
        left, top = roi.left, roi.top
        width, height = roi.right - roi.left, roi.bottom - roi.top
    width, height = max(width, 1), max(height, 1)
    if roi.roitype == ROI_TYPE.OVAL:
        _paste(mask, ellipse_mask(width, height), left, top)
    else:
        mask[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = True


def _polygon(mask: np.ndarray, roi: ImagejRoi) -> None:
    x, y = _corners(roi)
    if x.dtype.kind == "i":
        left, top = int(x.min()), int(y.min())
        size = int(x.max()) - left, int(y.max()) - top
        _paste(mask, fill_polygon(x - left, y - top, *size), left, top)
        return
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
    filled = fill_polygon(relative[0] + offsets[0], relative[1] + offsets[1], *sizes)
    _paste(mask, filled, *lows)


def _ellipse_or_rotated(mask: np.ndarray, roi: ImagejRoi) -> None:
    header = (roi.arrow_style_or_aspect_ratio, roi.arrow_head_size, roi.rounded_rect_arc_size)
    (number,) = struct.unpack(">f", struct.pack(">BBh", *header))
    ends = (roi.x1, roi.y1, roi.x2, roi.y2)
    if roi.subtype == ROI_SUBTYPE.ELLIPSE:
        corners = _ellipse(*ends, min(max(float(number), 0.0), 1.0))
    else:
        corners = _rotated_rectangle(*ends, float(number))
    x, y = np.array(corners, np.float32).T
    lows = [floor(float(v.min())) for v in (x, y)]
    sizes = [
        int(np.float64(v.max() - np.float32(low)) + 0.5)
        for v, low in zip((x, y), lows, strict=True)
    ]
    if min(sizes) < 1:
        return
    relative = [
        (v - np.float32(low)).astype(np.float64) for v, low in zip((x, y), lows, strict=True)
    ]
    _paste(mask, fill_polygon(relative[0], relative[1], *sizes), *lows)


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


def _composite(mask: np.ndarray, roi: ImagejRoi) -> None:
    path = roi.multi_coordinates
    if path is None or len(path) == 0:
        return
    x, y = _path_corners(roi, path.astype(np.float32))
    used = ~np.isnan(x)
    if not used.any():
        return
    lows = [floor(float(v[used].min())) for v in (x, y)]
    sizes = [ceil(float(v[used].max())) - low for v, low in zip((x, y), lows, strict=True)]
    if min(sizes) < 1:
        return
    relative = [
        (v.astype(np.float64) - low).astype(np.float32).astype(np.float64)
        for v, low in zip((x, y), lows, strict=True)
    ]
    _paste(mask, fill_polygon(relative[0], relative[1], *sizes), *lows)


def _path_corners(roi: ImagejRoi, path: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners of a path, its pieces separated by NaN."""
    corners: list[tuple[float, float]] = []
    gap = (float("nan"), float("nan"))
    at = 0
    while at < len(path):
        kind = int(path[at])
        if kind not in _COORDINATES:
            raise _unsupported(roi, "damaged composite")
        count = _COORDINATES[kind]
        if count > 2:
            raise _unsupported(roi, "composite with curves")
        numbers = tuple(float(v) for v in path[at + 1 : at + 1 + count])
        at += 1 + count
        if len(numbers) < count:
            break
        if kind in (0, 4) and corners and corners[-1] != gap:
            corners.append(gap)
        if count:
            corners.append((numbers[0], numbers[1]))
    x, y = np.array(corners, np.float32).reshape(-1, 2).T
    return x, y


def _straight_line(mask: np.ndarray, roi: ImagejRoi) -> None:
    width = stroke_width(roi)
    x1, y1, x2, y2 = (float(v) for v in (roi.x1, roi.y1, roi.x2, roi.y2))
    if width <= 1:
        ends = [half_up(min(pair) + (np.array(pair) - min(pair))) for pair in ((x1, x2), (y1, y2))]
        draw_path(mask, ends[0], ends[1], 1)
        return
    dx, dy = x2 - x1, y2 - y1
    length = sqrt(dx * dx + dy * dy)
    if length == 0:
        return
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
    size = int(xs.max()) - left, int(ys.max()) - top
    if min(size) > 0:
        _paste(mask, fill_polygon(xs - left, ys - top, *size), left, top)


def _polyline(mask: np.ndarray, roi: ImagejRoi) -> None:
    x, y = _corners(roi)
    if x.dtype.kind == "f":
        x, y = (half_up(float(v.min()) + (v - v.min()).astype(np.float64)) for v in (x, y))
    width = stroke_width(roi)
    draw_path(mask, x, y, floor(width + 0.5) if width > 1 else 1)


def _points(mask: np.ndarray, roi: ImagejRoi, chosen: tuple[int, ...] | None) -> None:
    x, y = (v.astype(np.float32) for v in _corners(roi))
    if chosen is not None:
        keep = list(chosen)
        x, y = ((v - v.min() + np.float32(v.min()))[keep] for v in (x, y))
    columns, rows = (half_up(float(v.min()) + (v - v.min()).astype(np.float64)) for v in (x, y))
    inside = (columns >= 0) & (rows >= 0) & (columns < mask.shape[1]) & (rows < mask.shape[0])
    mask[rows[inside], columns[inside]] = True


def _corners(roi: ImagejRoi) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y in the image: int64, or float32 where there are fractions."""
    if roi.subpixelresolution and roi.subpixel_coordinates is not None:
        x, y = roi.subpixel_coordinates.astype(np.float32).T
        return x, y
    if roi.integer_coordinates is None or len(roi.integer_coordinates) == 0:
        raise _unsupported(roi, "empty ROI")
    x, y = roi.integer_coordinates.astype(np.int64).T
    return x + roi.left, y + roi.top


def _paste(mask: np.ndarray, part: np.ndarray, left: int, top: int) -> None:
    """Set the pixels of a part, clipped to the image."""
    height, width = mask.shape
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + part.shape[0], height), min(left + part.shape[1], width)
    if y0 < y1 and x0 < x1:
        mask[y0:y1, x0:x1] |= part[y0 - top : y1 - top, x0 - left : x1 - left]


def _unsupported(roi: ImagejRoi, kind: str) -> TdsegError:
    return TdsegError(
        f"ROI '{roi.name}' is a {kind}, whose pixels only ImageJ knows; train with a macro "
        "(tdseg run), or convert it to a polygon or a mask in ImageJ."
    )
