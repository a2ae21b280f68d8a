"""Smaller copies of large results: half the size each, made from the one before."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SMALLEST = 512
"""No level is made below the first whose longer edge is at most this."""


def level_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Return height and width of each level, the full resolution first."""
    sizes = [(height, width)]
    while max(sizes[-1]) > SMALLEST:
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return sizes


def halve_labels(array: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Return the most frequent of each 2 x 2 values of (..., h, w); of equal ones, the first.

    Labels are names: their mean would be another class. A last row or column that is alone counts
    twice.
    """
    a, b, c, d = _corners(array)
    second = np.where((b == c) | (b == d), b, np.where(c == d, c, a))
    return np.where((a == b) | (a == c) | (a == d), a, second)


def halve_values(array: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """Return the mean of each 2 x 2 values of (..., h, w), in their type."""
    a, b, c, d = (corner.astype(np.float32) for corner in _corners(array))
    return ((a + b + c + d) / np.float32(4)).astype(array.dtype)


def _corners(array: npt.NDArray[np.generic]) -> list[npt.NDArray[np.generic]]:
    height, width = array.shape[-2:]
    if height % 2 or width % 2:
        missing = [(0, 0)] * (array.ndim - 2) + [(0, height % 2), (0, width % 2)]
        array = np.pad(array, missing, mode="edge")
    return [array[..., i::2, j::2] for i in (0, 1) for j in (0, 1)]
