"""Fill polygons and draw lines pixel for pixel as ``ij.process`` does."""

from __future__ import annotations

import numpy as np

_SHIFT = 1e-8  # to the right, so that a boundary through a pixel's centre excludes it on the left


def half_up(values: np.ndarray) -> np.ndarray:
    """Round as Java's ``Math.round``: halves go up."""
    low = np.floor(values)
    rounded: np.ndarray = (low + (values - low >= 0.5)).astype(np.int64)
    return rounded


def fill_polygon(x: np.ndarray, y: np.ndarray, width: int, height: int) -> np.ndarray:
    """Fill polygons as ``ij.process.PolygonFiller``, by the even-odd rule.

    Parameters
    ----------
    x, y
        Corners, relative to the mask; integers, or floats where NaN separates polygons. A pixel
        belongs to the polygon if its centre is inside.
    width, height
        Size of the mask.

    Returns
    -------
    numpy.ndarray
        Bool (height, width).
    """
    rows: list[np.ndarray] = []
    crossings: list[np.ndarray] = []
    for x1, y1, x2, y2 in _edges(x, y):
        top, bottom = (int(v) for v in half_up(np.array((y1, y2))))
        if top == bottom:
            continue
        if top > bottom:
            top, bottom, x1, y1, x2, y2 = bottom, top, x2, y2, x1, y1
        slope = (x2 - x1) / (y2 - y1)
        start = x1 + (top - y1 + 0.5) * slope + _SHIFT
        # ImageJ adds the slope row by row; a product would round differently.
        steps = np.full(bottom - top, slope)
        steps[0] = start
        rows.append(np.arange(top, bottom))
        crossings.append(np.cumsum(steps))
    mask = np.zeros((height, width), bool)
    if not rows:
        return mask
    row, crossing = np.concatenate(rows), np.concatenate(crossings)
    order = np.lexsort((crossing, row))
    row, crossing = row[order], crossing[order]
    column = np.clip(np.trunc(crossing + 0.5), 0, width).astype(np.int64)
    changes = np.zeros((height, width + 1), np.int32)
    inside = (row >= 0) & (row < height)
    first = np.arange(len(row)) % 2 == 0  # every row has an even number of crossings
    np.add.at(changes, (row[inside & first], column[inside & first]), 1)
    np.add.at(changes, (row[inside & ~first], column[inside & ~first]), -1)
    filled: np.ndarray = np.cumsum(changes, axis=1)[:, :-1] > 0
    return filled


def draw_path(mask: np.ndarray, x: np.ndarray, y: np.ndarray, line_width: int) -> None:
    """Draw lines from point to point as ``ij.process.ImageProcessor.lineTo``.

    Parameters
    ----------
    mask
        Bool (Y, X), set to true where drawn.
    x, y
        Integers; may lie outside.
    line_width
        1: pixels, 2: dots of 2x2, above: round dots.
    """
    for k in range(len(x) - 1):
        centres = _line(
            mask.shape, (int(x[k]), int(y[k])), (int(x[k + 1]), int(y[k + 1])), line_width
        )
        _dots(mask, *centres, line_width)


def ellipse_mask(width: int, height: int) -> np.ndarray:
    """Return ``ij.gui.OvalRoi.getMask``: bool (height, width)."""
    a, b = width / 2.0, height / 2.0
    xx = (np.arange(width) - (a - 0.5))[None, :]
    yy = (np.arange(height) - (b - 0.5))[:, None]
    inside: np.ndarray = (xx * xx / (a * a) + yy * yy / (b * b)) <= 1.0
    return inside


def _edges(x: np.ndarray, y: np.ndarray) -> list[tuple[float, float, float, float]]:
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
    shape: tuple[int, ...], begin: tuple[int, int], end: tuple[int, int], line_width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y of the dots of a line, those far outside left out as ImageJ does."""
    deltas = (end[0] - begin[0], end[1] - begin[1])
    count = max(abs(deltas[0]), abs(deltas[1]))
    first, last = 0, count
    margin = line_width // 2 + 1
    steps = [d / count if d else 0.0 for d in deltas]
    for at, delta, step, size in zip(begin, deltas, steps, (shape[1], shape[0]), strict=True):
        low, high = -margin, size - 1 + margin
        if delta == 0:
            if not low <= at <= high:
                return np.zeros(0, np.int64), np.zeros(0, np.int64)
            continue
        near, far = (low, high) if delta > 0 else (high, low)
        first = max(first, int((near - at) / step))
        last = min(last, int((far - at) / step))
    if last < first:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    x, y = (
        half_up(np.cumsum(np.concatenate([[at + first * step], np.full(last - first, step)])))
        for at, step in zip(begin, steps, strict=True)
    )
    return x, y


def _dots(mask: np.ndarray, x: np.ndarray, y: np.ndarray, line_width: int) -> None:
    if len(x) == 0:
        return
    if line_width <= 2:
        for dy, dx in np.ndindex(line_width, line_width):
            _set(mask, x - dx, y - dy)
        return
    radius = line_width / 2.0
    left = np.trunc(x - radius + 0.5).astype(np.int64)
    top = np.trunc(y - radius + 0.5).astype(np.int64)
    height, width = mask.shape
    edge = (
        (left < 0) | (top < 0) | (left + line_width > width - 1) | (top + line_width > height - 1)
    )
    dot = ellipse_mask(line_width, line_width)
    centred = np.arange(line_width) - (radius - 0.5)
    edge_dot = centred[None, :] ** 2 + centred[:, None] ** 2 <= radius * radius
    for chosen, shape in ((~edge, dot), (edge, edge_dot)):
        dy, dx = np.nonzero(shape)
        _set(mask, (left[chosen, None] + dx).ravel(), (top[chosen, None] + dy).ravel())


def _set(mask: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    inside = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
    mask[y[inside], x[inside]] = True
