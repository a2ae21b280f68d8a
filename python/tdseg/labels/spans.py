"""Rows of discs and ovals, so that none is ever built as a picture of its full size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
_Floats = npt.NDArray[np.floating[Any]]


def oval_spans(width: int, height: int, rows: Ints) -> tuple[Ints, Ints]:
    """Return first column and end of some rows of ``ij.gui.OvalRoi.getMask``.

    Parameters
    ----------
    width, height
        Size of the oval.
    rows
        From 0 to `height` - 1.

    Returns
    -------
    tuple of numpy.ndarray
        Int64; first == end where a row is empty.
    """
    a, b = width / 2.0, height / 2.0
    yy = rows - (b - 0.5)
    return _spans(width, lambda xx: xx * xx / (a * a) + yy * yy / (b * b), 1.0, len(rows), a)


def disc_spans(width: int, rows: Ints) -> tuple[Ints, Ints]:
    """Return the same of the dots that ``ij.process.ImageProcessor`` draws at an image's edge."""
    radius = width / 2.0
    yy = rows - (radius - 0.5)
    limit = radius * radius
    return _spans(width, lambda xx: xx * xx + yy * yy, limit, len(rows), radius)


def _spans(
    width: int,
    value: Callable[[_Floats], _Floats],
    limit: float,
    count: int,
    a: float,
) -> tuple[Ints, Ints]:
    """Find the first column inside by halving; the shape is mirrored about its middle."""
    low = np.zeros(count, np.int64)
    high = np.full(count, (width - 1) // 2, np.int64)  # the innermost column
    empty = value(high - (a - 0.5)) > limit
    while (low < high).any():
        middle = (low + high) // 2
        inside = value(middle - (a - 0.5)) <= limit
        high = np.where(inside, middle, high)
        low = np.where(inside, low, np.minimum(middle + 1, high))
    end = width - low
    return np.where(empty, 0, low), np.where(empty, 0, end)
