"""Lipschitz filter: the top hat under an envelope of limited slope."""

from __future__ import annotations

import math

import numpy as np

from tdseg.features.classical.compiled import compiled
from tdseg.features.classical.options import ClassicalOptions
from tdseg.runtime import threads

SLOPES = (5, 10, 15, 20, 25)


def lipschitz_names(options: ClassicalOptions) -> list[str]:
    """Return TWS's labels, a slope each."""
    return [f"Lipschitz_true_true_{slope}.0" for slope in SLOPES]


@compiled
def _envelope(q, axial, diagonal, out):  # type: ignore[no-untyped-def]
    """Write 255 + q - U, U the smallest image above q whose slope is limited."""
    height, width = q.shape
    u = np.empty((height, width), np.int16)
    for y in range(height):
        for x in range(width):
            u[y, x] = q[y, x]
    before = np.empty(width + 2, np.int32)
    best = np.empty(width, np.int32)
    axial, diagonal = np.int32(axial), np.int32(diagonal)
    for backward in range(2):
        for i in range(height):
            y = height - 1 - i if backward else i
            near = y
            if i > 0:
                near = y + 1 if backward else y - 1
            # the neighbouring row in sweep direction; at the first row, the row itself as it was
            if backward:
                for x in range(width):
                    before[x + 1] = u[near, width - 1 - x]
            else:
                for x in range(width):
                    before[x + 1] = u[near, x]
            before[0] = 0
            before[width + 1] = before[width]
            for x in range(width):
                v = max(before[x] - diagonal, before[x + 1] - axial)
                best[x] = max(v, before[x + 2] - diagonal)
            left = np.int32(0)
            if backward:
                for x in range(width):
                    v = max(max(best[x], left - axial), np.int32(u[y, width - 1 - x]))
                    u[y, width - 1 - x] = v
                    left = v
            else:
                for x in range(width):
                    v = max(max(best[x], left - axial), np.int32(u[y, x]))
                    u[y, x] = v
                    left = v
    for y in range(height):
        for x in range(width):
            out[y, x] = 255 + np.int32(q[y, x]) - np.int32(u[y, x])


def lipschitz(quantised: np.ndarray) -> np.ndarray:
    """Compute the Lipschitz filter of a whole plane for the five slopes.

    Two raster sweeps raise every pixel to its neighbours' values less the slope k (int(k * sqrt 2)
    to diagonal neighbours); the result is 255 + q - U, which is 255 where nothing was raised. Rows
    and columns outside repeat the edge, those before the first column count as 0.

    Parameters
    ----------
    quantised : ndarray of uint8, shape (Y, X)
        `quantise` of the whole plane: a spike reaches as far as 255 / k pixels, and further along
        a ridge, so that the filter is defined on whole planes only.

    Returns
    -------
    ndarray of uint8, shape (5, Y, X)

    Notes
    -----
    Source: ``Lipschitz_`` of Trainable Weka Segmentation; J. Stencel and
    J. Janacek, "On calculation of chamfer distance and Lipschitz covers in digital images" (2006).
    """
    out = np.empty((len(SLOPES), *quantised.shape), np.uint8)

    def one(index: int) -> None:
        slope = SLOPES[index]
        _envelope(quantised, slope, int(slope * math.sqrt(2)), out[index])

    threads.map_threads(one, range(len(SLOPES)))
    return out
