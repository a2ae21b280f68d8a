"""Stretching a plane to 8 bits, as several families of TWS do before they filter."""

from __future__ import annotations

import numpy as np

from tdseg.features.classical.compiled import compiled


@compiled
def _stretch(pixels, low, scale, out):  # type: ignore[no-untyped-def]
    for y in range(pixels.shape[0]):
        row = pixels[y]
        to = out[y]
        for x in range(row.size):
            v = (np.float64(row[x]) - low) * scale + 0.5
            to[x] = np.uint8(np.int32(min(max(v, 0.0), 255.0)))


def quantise(pixels: np.ndarray, low: float, high: float) -> np.ndarray:
    """Stretch `pixels` so that `low` becomes 0 and `high` 255.

    min(255, int((I - low) * 255 / (high - low) + 0.5)) in double, as ImageJ converts to 8 bits;
    `low` and `high` belong to the whole plane. Where they are equal, all is 0.

    Parameters
    ----------
    pixels : ndarray of float32, shape (H, W)
    low, high : float
        Smallest and largest value of the whole plane.

    Returns
    -------
    ndarray of uint8, shape (H, W)
    """
    out = np.zeros(pixels.shape, np.uint8)
    if high > low:
        _stretch(np.ascontiguousarray(pixels, np.float32), low, 255.0 / (high - low), out)
    return out
