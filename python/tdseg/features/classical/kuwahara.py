"""Linear Kuwahara filter: the mean along the most uniform line through each pixel."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tdseg.features.classical.compiled import compiled
from tdseg.features.classical.kernels import ANGLES, line_kernels
from tdseg.features.classical.options import ClassicalOptions
from tdseg.features.classical.tile import Tile, in_bands

CRITERIA = 3
CHUNK = 256
TINY = 1.401298464324817e-45  # Float.MIN_VALUE of Java: the smallest denormal


def kuwahara_names(options: ClassicalOptions) -> list[str]:
    """Return TWS's labels, a criterion each (with its blank before the 10)."""
    return [f"Kuwahara_{options.patch}_ {ANGLES}_{c}" for c in range(CRITERIA)]


def kuwahara_reach(options: ClassicalOptions) -> int:
    """Return the margin in pixels: a line of means, each along a line."""
    return 2 * (options.patch // 2)


@lru_cache(maxsize=8)
def _lines(patch: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Row and column offsets (0 .. patch - 1) of the ten lines, row by row."""
    side = patch + 6
    found = []
    for kernel in line_kernels(side, side // 2, side // 2):
        rows, columns = np.nonzero(kernel[3:-3, 3:-3].T)
        found.append((rows.astype(np.int64), columns.astype(np.int64)))
    return tuple(found)


@compiled
def _moments(pad, rows, columns, mean, criteria, y0, y1):  # type: ignore[no-untyped-def]
    """Mean and the three criteria along one line at rows y0..y1 (float32 sums in line order)."""
    width = mean.shape[1]
    count = np.float32(rows.size)
    s1 = np.empty(CHUNK, np.float32)
    s2 = np.empty(CHUNK, np.float32)
    for y in range(y0, y1):
        for c0 in range(0, width, CHUNK):
            n = min(CHUNK, width - c0)
            s1[:] = 0
            s2[:] = 0
            for k in range(rows.size):
                p = pad[y + rows[k], c0 + columns[k] : c0 + columns[k] + n]
                for x in range(n):
                    s1[x] += p[x]
                    s2[x] += p[x] * p[x]
            m = mean[y, c0 : c0 + n]
            c = criteria[0, y, c0 : c0 + n]
            for x in range(n):
                m[x] = s1[x] / count
            for x in range(n):
                c[x] = s2[x] / count - m[x] * m[x]
            tiny = np.float32(TINY)
            c1 = criteria[1, y, c0 : c0 + n]
            for x in range(n):
                c1[x] = c[x] / (m[x] + tiny)
            c2 = criteria[2, y, c0 : c0 + n]
            for x in range(n):
                c2[x] = c[x] / (m[x] * m[x] + tiny)


@compiled
def _choose(mean, criteria, rows, columns, best, value, y0, y1):  # type: ignore[no-untyped-def]
    """Update the smallest criterion and the mean that goes with it along one line."""
    width = best.shape[2]
    for y in range(y0, y1):
        for c0 in range(0, width, CHUNK):
            n = min(CHUNK, width - c0)
            for i in range(3):
                b, v = best[i, y, c0 : c0 + n], value[i, y, c0 : c0 + n]
                for k in range(rows.size):
                    start = c0 + columns[k]
                    c = criteria[i, y + rows[k], start : start + n]
                    m = mean[y + rows[k], start : start + n]
                    for x in range(n):
                        closer = c[x] < b[x]
                        v[x] = m[x] if closer else v[x]
                        b[x] = c[x] if closer else b[x]


def kuwahara(tile: Tile, low: float, options: ClassicalOptions, out: np.ndarray) -> None:
    """Compute the linear Kuwahara filter for three criteria.

    For every pixel and each of ten lines of `membrane_patch` pixels: mean m and variance c of the
    image less its minimum (float32 sums in row order, edge pixels repeated). Every pixel takes the
    mean of that position along the lines through it where c, c/m or c/m² is smallest (the first
    of equals), plus the minimum and, as in TWS, plus 0.5.

    Parameters
    ----------
    tile : Tile
    low : float
        Smallest value of the whole plane.
    options : ClassicalOptions
    out : ndarray of float32, shape (3, h, w)

    Notes
    -----
    Source: ``Kuwahara`` of Trainable Weka Segmentation (B. Schmid).
    """
    half = options.patch // 2
    y0, y1, x0, x1 = tile.grown(half)
    inner = Tile(tile.pixels - np.float32(low), y0, x0, y1 - y0, x1 - x0, tile.plane, tile.origin)
    pad = inner.padded(half)
    shape = (y1 - y0, x1 - x0)
    mean = np.empty(shape, np.float32)
    criteria = np.empty((CRITERIA, *shape), np.float32)
    place = Tile(mean, tile.top - y0, tile.left - x0, tile.height, tile.width, tile.plane)
    best = np.full(out.shape, np.finfo(np.float32).max, np.float32)
    out[...] = 0
    for rows, columns in _lines(options.patch):
        _one_line(pad, rows, columns, mean, criteria, place, half, best, out)
    out += np.float32(0.5)
    out += np.float32(low)


def _one_line(
    pad: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    mean: np.ndarray,
    criteria: np.ndarray,
    place: Tile,
    half: int,
    best: np.ndarray,
    out: np.ndarray,
) -> None:
    in_bands(lambda a, b: _moments(pad, rows, columns, mean, criteria, a, b), 0, len(mean))
    means = place.padded(half)
    chosen = np.stack(
        [
            Tile(c, place.top, place.left, place.height, place.width, place.plane).padded(half)
            for c in criteria
        ]
    )
    in_bands(lambda a, b: _choose(means, chosen, rows, columns, best, out, a, b), 0, out.shape[1])
