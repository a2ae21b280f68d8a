"""Which patches to filter when only some pixels of a plane are wanted."""

from __future__ import annotations

import numpy as np

OVERHEAD = 20000  # what a call costs beside its pixels, in pixels
SIDES = (8, 16, 32, 64, 128, 256, 512, 1024)

Patch = tuple[tuple[int, int], tuple[int, int], np.ndarray]


def patches(
    rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int], reach: int, largest: int
) -> list[Patch]:
    """Group pixels into patches so that as little as possible is filtered.

    The plane is cut by grids of several sides; in each cell the patch is the rectangle around its
    pixels; the grid with the smallest total of patch plus margin wins.

    Parameters
    ----------
    rows, columns : ndarray of int64, shape (n,)
    shape : tuple of int
        Height and width of the plane.
    reach : int
        Margin of the filter in pixels.
    largest : int
        Largest side of a patch in pixels.

    Returns
    -------
    list of (rows, columns, members)
        (start, stop) of rows and of columns, and indices of the pixels inside.
    """
    best: list[Patch] = []
    lowest = np.inf
    for side in SIDES:
        if side > largest:
            break
        cell = (rows // side) * (shape[1] // side + 1) + columns // side
        order = np.argsort(cell, kind="stable")
        starts = np.nonzero(np.diff(cell[order], prepend=-1))[0]
        y, x = rows[order], columns[order]
        top, bottom = np.minimum.reduceat(y, starts), np.maximum.reduceat(y, starts) + 1
        left, right = np.minimum.reduceat(x, starts), np.maximum.reduceat(x, starts) + 1
        tall = np.minimum(bottom + reach, shape[0]) - np.maximum(top - reach, 0)
        wide = np.minimum(right + reach, shape[1]) - np.maximum(left - reach, 0)
        cost = float((tall * wide + OVERHEAD).sum())
        if cost < lowest:
            lowest = cost
            ends = np.append(starts[1:], len(order))
            best = [
                ((int(t), int(b)), (int(lo), int(hi)), order[i:j])
                for t, b, lo, hi, i, j in zip(top, bottom, left, right, starts, ends, strict=True)
            ]
    return best
