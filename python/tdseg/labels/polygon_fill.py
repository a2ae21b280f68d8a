"""Fill polygons and draw lines pixel for pixel as ``ij.process`` does, within a window."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.labels.roi_shape import RoiGeometryError
from tdseg.labels.spans import Ints, disc_spans, oval_spans

_SHIFT = 1e-8  # to the right, so that a boundary through a pixel's centre excludes it on the left
_PIECE = 2**20
_WIDEST = 2**16  # of lines with corners; ImageJ's dots end at 46,340, the root of its largest array
MOST_DOTS = 2**21
"""Dots of one piece of a line; a longer piece is refused (memory)."""

MOST_STEPS = 2**27
"""Rows walked along edges, or dots times rows: a ROI that needs more is refused (seconds)."""


@dataclass(frozen=True)
class Window:
    """The part of an image that a ROI can reach.

    Attributes
    ----------
    mask
        Bool (rows, columns) of the window; drawing sets pixels.
    left, top
        Where it lies in the image.
    width, height
        Size of the whole image.
    """

    mask: npt.NDArray[np.bool_]
    left: int
    top: int
    width: int
    height: int

    def set(self, x: Ints, y: Ints) -> None:
        """Set pixels of the image; those outside the window are left out."""
        x, y = x - self.left, y - self.top
        rows, columns = self.mask.shape
        inside = (x >= 0) & (y >= 0) & (x < columns) & (y < rows)
        self.mask[y[inside], x[inside]] = True

    def rows(self, top: int, height: int) -> Ints:
        """Return which rows of something that begins at `top` lie in the window."""
        first = max(self.top - top, 0)
        return np.arange(first, max(min(self.top + self.mask.shape[0] - top, height), first))

    def set_spans(self, rows: Ints, starts: Ints, ends: Ints) -> None:
        """Set pixels from start to end (excluded) in rows of the image, all inside the window."""
        count = self.mask.shape[1]
        starts = np.clip(starts - self.left, 0, count)
        ends = np.clip(ends - self.left, 0, count)
        size = self.mask.shape[0] * (count + 1)
        flat = (rows - self.top) * (count + 1)
        changes = np.bincount(flat + starts, minlength=size).astype(np.int64)
        changes -= np.bincount(flat + ends, minlength=size)
        covered = np.cumsum(changes.reshape(-1, count + 1), axis=1)[:, :-1] > 0
        self.mask[covered] = True


def half_up(values: npt.NDArray[Any]) -> Ints:
    """Round as Java's ``Math.round``: halves go up."""
    low = np.floor(values)
    rounded: Ints = (low + (values - low >= 0.5)).astype(np.int64)
    return rounded


def _half_up(value: float) -> int:
    low = floor(value)
    return low + (value - low >= 0.5)


def fill_polygon(
    window: Window,
    x: npt.NDArray[Any],
    y: npt.NDArray[Any],
    box: tuple[int, int, int, int],
) -> None:
    """Fill polygons as ``ij.process.PolygonFiller``, by the even-odd rule.

    Parameters
    ----------
    window
        Where to draw.
    x, y
        Corners, relative to the box; integers, or floats where NaN separates polygons. A pixel
        belongs to the polygon if its centre is inside.
    box
        Left, top, width, height of the mask that ImageJ makes of it.

    Raises
    ------
    RoiGeometryError
        If its edges run over so many rows that it would take minutes.
    """
    left, top, width, height = box
    wanted = window.rows(top, height)
    if len(wanted) == 0 or width <= 0:
        return
    first_row, end_row = int(wanted[0]), int(wanted[-1]) + 1
    rows: list[Ints] = []
    crossings: list[npt.NDArray[np.float64]] = []
    walked = 0
    for x1, y1, x2, y2 in _edges(x, y):
        begin, end = _half_up(y1), _half_up(y2)
        if begin == end:
            continue
        if begin > end:
            begin, end, x1, y1, x2, y2 = end, begin, x2, y2, x1, y1
        if end <= first_row or begin >= end_row:
            continue
        slope = (x2 - x1) / (y2 - y1)
        start = x1 + (begin - y1 + 0.5) * slope + _SHIFT
        walked += min(end, end_row) - begin
        if walked > MOST_STEPS:
            raise RoiGeometryError("reaches too far beyond the image; draw it again inside it")
        from_row, to_row = max(begin, first_row), min(end, end_row)
        rows.append(np.arange(from_row, to_row))
        crossings.append(_walk(start, slope, from_row - begin, to_row - from_row))
    if not rows:
        return
    row, crossing = np.concatenate(rows), np.concatenate(crossings)
    order = np.lexsort((crossing, row))
    row, crossing = row[order], crossing[order]
    column = np.clip(np.trunc(crossing + 0.5), 0, width).astype(np.int64)
    first = np.arange(len(row)) % 2 == 0  # every row has an even number of crossings
    window.set_spans(row[first] + top, column[first] + left, column[~first] + left)


def draw_path(window: Window, x: Ints, y: Ints, line_width: int) -> None:
    """Draw lines from point to point as ``ij.process.ImageProcessor.lineTo``.

    Parameters
    ----------
    window
        Where to draw.
    x, y
        Integers; may lie outside.
    line_width
        1: pixels, 2: dots of 2x2, above: round dots.

    Raises
    ------
    RoiGeometryError
        If it is wider than any image, or so wide and long that it would take minutes.
    """
    if line_width > _WIDEST:
        raise RoiGeometryError(f"is a line {line_width} pixels wide; draw it again")
    size = window.height, window.width
    work = 0
    for k in range(len(x) - 1):
        ends = (int(x[k]), int(y[k])), (int(x[k + 1]), int(y[k + 1]))
        columns, rows = _line(size, *ends, line_width)
        work += len(columns) * min(line_width, window.mask.shape[0])
        if work > MOST_STEPS:
            raise RoiGeometryError("is too long and wide a line; draw it again inside the image")
        _dots(window, columns, rows, line_width)


def _walk(start: float, slope: float, skip: int, count: int) -> npt.NDArray[np.float64]:
    """Return crossings of rows: a sum, as ImageJ's, since a product would round otherwise."""
    while skip > 0:
        step = min(skip, _PIECE)
        steps = np.full(step + 1, slope)
        steps[0] = start
        start = float(np.cumsum(steps)[-1])
        skip -= step
    steps = np.full(count, slope)
    steps[0] = start
    return np.cumsum(steps)


def _edges(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> list[tuple[float, float, float, float]]:
    """Return x1, y1, x2, y2 of the edges, each polygon closed."""
    edges: list[tuple[float, float, float, float]] = []
    gaps = np.flatnonzero(np.isnan(x)) if x.dtype.kind == "f" else np.zeros(0, np.int64)
    start = 0
    for end in (*gaps.tolist(), len(x)):
        px, py = x[start:end].astype(np.float64).tolist(), y[start:end].astype(np.float64).tolist()
        start = end + 1
        edges += zip(px, py, px[1:] + px[:1], py[1:] + py[:1], strict=True)
    return edges


def _line(
    size: tuple[int, int], begin: tuple[int, int], end: tuple[int, int], line_width: int
) -> tuple[Ints, Ints]:
    """Return x and y of the dots of a line, those far outside left out as ImageJ does."""
    deltas = (end[0] - begin[0], end[1] - begin[1])
    count = max(abs(deltas[0]), abs(deltas[1]))
    first, last = 0, count
    margin = line_width // 2 + 1
    steps = [d / count if d else 0.0 for d in deltas]
    for at, delta, step, length in zip(begin, deltas, steps, (size[1], size[0]), strict=True):
        low, high = -margin, length - 1 + margin
        if delta == 0:
            if not low <= at <= high:
                return np.zeros(0, np.int64), np.zeros(0, np.int64)
            continue
        near, far = (low, high) if delta > 0 else (high, low)
        first = max(first, int((near - at) / step))
        last = min(last, int((far - at) / step))
    if last < first:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    if last - first > MOST_DOTS:
        raise RoiGeometryError("is too long and wide a line; draw it again inside the image")
    x, y = (
        half_up(np.cumsum(np.concatenate([[at + first * step], np.full(last - first, step)])))
        for at, step in zip(begin, steps, strict=True)
    )
    return x, y


def _dots(window: Window, x: Ints, y: Ints, line_width: int) -> None:
    if len(x) == 0:
        return
    if line_width <= 2:
        for dy, dx in np.ndindex(line_width, line_width):
            window.set(x - dx, y - dy)
        return
    radius = line_width / 2.0
    left = np.trunc(x - radius + 0.5).astype(np.int64)
    top = np.trunc(y - radius + 0.5).astype(np.int64)
    at_edge = (
        (left < 0)
        | (top < 0)
        | (left + line_width > window.width - 1)
        | (top + line_width > window.height - 1)
    )
    every = np.arange(line_width)
    for chosen, (starts, ends) in (
        (~at_edge, oval_spans(line_width, line_width, every)),
        (at_edge, disc_spans(line_width, every)),
    ):
        _dot_rows(window, left[chosen], top[chosen], starts, ends)


def _dot_rows(window: Window, left: Ints, top: Ints, starts: Ints, ends: Ints) -> None:
    """Set the rows of dots, a few dots at a time so that memory stays small."""
    size = len(starts)
    bottom = window.top + window.mask.shape[0]
    step = max(_PIECE // min(size, window.mask.shape[0]), 1)
    for k in range(0, len(left), step):
        x, y = left[k : k + step], top[k : k + step]
        first = np.clip(window.top - y, 0, size)
        count = np.maximum(np.clip(bottom - y, 0, size) - first, 0)
        if count.sum() == 0:
            continue
        dot = np.repeat(np.arange(len(x)), count)
        dy = np.arange(len(dot)) - np.repeat(np.cumsum(count) - count, count) + first[dot]
        window.set_spans(y[dot] + dy, x[dot] + starts[dy], x[dot] + ends[dy])
