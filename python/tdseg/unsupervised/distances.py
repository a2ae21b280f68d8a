"""Compiled distances of points to cluster centres; the same number for every block of pixels."""

from __future__ import annotations

import numpy as np

from tdseg.runtime.compiled import compiled
from tdseg.runtime.threads import bands, map_threads


def nearest_by_class(
    points: np.ndarray, centres: np.ndarray, classes: np.ndarray, count: int
) -> np.ndarray:
    """Return each point's squared distance to the nearest centre of every class.

    Parameters
    ----------
    points
        (n, D) float32.
    centres
        (C, D) float32.
    classes
        (C,) class of each centre, ascending from 0.
    count
        Number K of classes.

    Returns
    -------
    numpy.ndarray
        (n, K) float32; a class without a centre is infinitely far.
    """
    points = np.ascontiguousarray(points, np.float32)
    across = np.ascontiguousarray(centres.T, np.float32)
    half = (0.5 * np.einsum("cd,cd->c", centres, centres, dtype=np.float64)).astype(np.float32)
    classes = np.asarray(classes, np.int64)
    out = np.empty((len(points), count), np.float32)

    def fill(band: tuple[int, int]) -> None:
        part = slice(*band)
        _nearest_by_class(points[part], across, half, classes, out[part])

    map_threads(fill, bands(len(points), 1024))
    return out


@compiled()
def _nearest_by_class(
    points: np.ndarray,
    across: np.ndarray,
    half: np.ndarray,
    classes: np.ndarray,
    out: np.ndarray,
) -> None:
    dimensions, centres = across.shape
    product = np.empty(centres, np.float32)
    for i in range(len(points)):
        square = np.float32(0)
        for c in range(centres):
            product[c] = -half[c]
        # Along centres, not along dimensions: the sum of one centre keeps its order, and the
        # compiler may still use vector instructions.
        for d in range(dimensions):
            value = points[i, d]
            square += value * value
            for c in range(centres):
                product[c] += value * across[d, c]
        for k in range(out.shape[1]):
            out[i, k] = np.float32(np.inf)
        for c in range(centres):
            distance = max(square - np.float32(2) * product[c], np.float32(0))
            k = classes[c]
            if distance < out[i, k]:
                out[i, k] = distance
