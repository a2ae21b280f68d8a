"""Entropy of the stretched 8-bit values in a disc, from a histogram that slides along the rows."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from tdseg.features.classical.compiled import compiled
from tdseg.features.classical.tile import in_bands

BINS = (32, 64, 128, 256)


def entropy_names(radius: int) -> list[str]:
    """Return TWS's labels for one radius, a number of grey levels each."""
    return [f"Entropy_{radius}_{bins}" for bins in BINS]


@lru_cache(maxsize=32)
def _disc(radius: int) -> np.ndarray:
    """Half widths of the rows of dx² + dy² <= (radius + 0.5)²."""
    limit = (radius + 0.5) ** 2
    return np.array(
        [int(math.sqrt(limit - dy * dy)) for dy in range(-radius, radius + 1)], dtype=np.int64
    )


@lru_cache(maxsize=32)
def _tables(count: int) -> tuple[np.ndarray, np.ndarray, float]:
    """N log2 n as whole numbers (their sums are exact in any order), log2 n, and the unit."""
    n = np.arange(count + 2, dtype=np.float64)
    logs = np.zeros(count + 2)
    logs[1:] = np.log2(n[1:])
    unit = 2.0 ** (60 - math.ceil(math.log2(max(2.0, (count + 1) * logs[-1]))))
    return np.rint(n * logs * unit).astype(np.int64), logs, unit


@compiled
def _direct(histogram, bins, total):  # type: ignore[no-untyped-def]
    """Entropy of the first `bins` counts in TWS's order of summation."""
    result = 0.0
    for k in range(bins):
        if histogram[k] > 0:
            p = histogram[k] / total
            result += -p * np.log2(p)
    return result


@compiled
def _entropy(q, top, left, widths, powers, logs, unit, out, y0, y1):  # type: ignore[no-untyped-def]
    """Write rows y0..y1 of the four entropies.

    `part` and `number` hold the sums of n log2 n and of n over the grey levels [0, 32), [32, 64),
    [64, 128), [128, 256). H = log2 N - sum / N; where the error of that could change the rounding
    to float32, the entropy is summed again in TWS's order.
    """
    rows, columns = q.shape
    reach = widths.size // 2
    width = out.shape[2]
    histogram = np.zeros(256, np.int64)
    zone = np.zeros(256, np.int64)
    zone[32:64] = 1
    zone[64:128] = 2
    zone[128:] = 3
    gain = np.empty(powers.size - 1, np.int64)
    for k in range(gain.size):
        gain[k] = powers[k + 1] - powers[k]
    part = np.zeros(4, np.int64)
    number = np.zeros(4, np.int64)
    tolerance = 1e-13
    for y in range(y0, y1):
        histogram[:] = 0
        part[:] = 0
        number[:] = 0
        first = max(0, reach - (top + y))
        last = min(2 * reach + 1, rows - (top + y) + reach)
        for k in range(first, last):
            i = top + y + k - reach
            for x in range(max(0, left - widths[k]), min(columns, left + widths[k] + 1)):
                v = q[i, x]
                part[zone[v]] += gain[histogram[v]]
                number[zone[v]] += 1
                histogram[v] += 1
        for x in range(width):
            if x > 0:
                for k in range(first, last):
                    i = top + y + k - reach
                    j = left + x - 1 - widths[k]
                    if j >= 0:
                        v = q[i, j]
                        histogram[v] -= 1
                        part[zone[v]] -= gain[histogram[v]]
                        number[zone[v]] -= 1
                    j = left + x + widths[k]
                    if j < columns:
                        v = q[i, j]
                        part[zone[v]] += gain[histogram[v]]
                        number[zone[v]] += 1
                        histogram[v] += 1
            total = 0
            below = 0
            for b in range(4):
                total += number[b]
                below += part[b]
                value = 0.0
                if total > 0 and below != powers[total]:
                    value = logs[total] - below / unit / total
                    low = np.float32(value - tolerance)
                    if low != np.float32(value + tolerance):
                        value = _direct(histogram, 32 << b, total)
                out[b, y, x] = np.float32(value)


def entropy(quantised: np.ndarray, top: int, left: int, radius: int, out: np.ndarray) -> None:
    """Compute the local entropy (bits) of grey levels below 32, 64, 128 and 256.

    Over the disc dx² + dy² <= (radius + 0.5)², clipped at the plane's border: the Shannon entropy
    of those pixels whose stretched 8-bit value is below the limit, relative to their own number; 0
    if there are none. So only the last of the four is the entropy of all pixels.

    Parameters
    ----------
    quantised : ndarray of uint8, shape (H, W)
        `quantise` of the tile.
    top, left : int
        The core inside the tile.
    radius : int
        Radius in pixels.
    out : ndarray of float32, shape (4, h, w)

    Notes
    -----
    Source: ``FeatureStack.addEntropy`` of Trainable Weka Segmentation, which reads the first B of
    the 256 counts of ImageJ's 8-bit histogram.
    """
    widths = _disc(radius)
    powers, logs, unit = _tables(int((2 * widths + 1).sum()))
    in_bands(
        lambda a, b: _entropy(quantised, top, left, widths, powers, logs, unit, out, a, b),
        0,
        out.shape[1],
    )
