"""The circular neighbourhood of ImageJ's rank filters."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np


@lru_cache(maxsize=64)
def disc_half_widths(radius: float) -> np.ndarray:
    """Return half the width of every row of ImageJ's disc.

    Row dy spans ``-dx .. dx`` with dx = int(sqrt(int(r²) + 1 - dy²)); radius 1 is the full 3x3
    square, radius 2 a 5x5 square without its corners.

    Parameters
    ----------
    radius : float
        Radius in pixels.

    Returns
    -------
    ndarray of int64, shape (2K + 1,)
        dx for dy = -K .. K.

    Notes
    -----
    Source: ``ij.plugin.filter.RankFilters.makeLineRadii`` of ImageJ 1.54p, with its two special
    cases (1.5 to 1.75 is 1.75, 2.5 to 2.85 is 2.85).
    """
    if 1.5 <= radius < 1.75:
        radius = 1.75
    elif 2.5 <= radius < 2.85:
        radius = 2.85
    square = int(radius * radius) + 1
    tall = int(math.sqrt(square + 1e-10))
    halves = [int(math.sqrt(square - dy * dy + 1e-10)) for dy in range(tall + 1)]
    halves[0] = tall
    return np.array(halves[:0:-1] + halves, dtype=np.int64)


def disc_reach(radius: float) -> int:
    """Return K, how far the disc reaches from its centre (pixels)."""
    return len(disc_half_widths(radius)) // 2
