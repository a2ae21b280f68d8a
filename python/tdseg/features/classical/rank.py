"""Mean, variance, minimum and maximum over a disc."""

from __future__ import annotations

import numpy as np

from tdseg.features.classical.compiled import compiled
from tdseg.features.classical.disc import disc_half_widths, disc_reach
from tdseg.features.classical.tile import Tile, in_bands

CHUNK = 128
BAND = (64, 2048)  # rows of a call, of which the radius is begun anew each time


@compiled
def _disc_sums(pad, widths, mean, variance, y0, y1):  # type: ignore[no-untyped-def]
    """Write rows y0..y1 of mean and variance (an output without rows is not wanted).

    A row's sums over 1, 2, 4, ... pixels are combined to every width of the disc, always in the
    same order, so that the result of a pixel does not depend on where a tile begins.
    """
    reach = widths.size // 2
    height = widths.size
    width = pad.shape[1] - 2 * reach
    levels = 1
    while (1 << levels) <= 2 * reach + 1:
        levels += 1
    count = 0
    for k in range(height):
        count += 2 * widths[k] + 1
    squares = variance.shape[0] > 0
    tables = np.zeros((2, levels, CHUNK + 2 * reach), np.float64)
    ring = np.zeros((2, height, CHUNK), np.float64)
    span = np.zeros((2, CHUNK), np.float64)
    parts = 2 if squares else 1
    for c0 in range(0, width, CHUNK):
        n = min(CHUNK, width - c0)
        full = n + 2 * reach
        for t in range(y0, y1 + 2 * reach):
            row = pad[t, c0 : c0 + full]
            line = tables[0, 0, :full]
            for x in range(full):
                line[x] = row[x]
            line = tables[1, 0, :full]
            for x in range(full):
                line[x] = np.float64(row[x]) * row[x]
            for part in range(parts):
                for k in range(1, levels):
                    step = 1 << (k - 1)
                    short = tables[part, k - 1]
                    long = tables[part, k]
                    ahead = short[step:]
                    for x in range(full - 2 * step + 1):
                        long[x] = short[x] + ahead[x]
            if t - 2 * reach < y1:
                fresh = t % height
                ring[:, fresh, :] = 0.0
            done = -1
            for half in range(reach, -1, -1):  # every distinct width of the disc
                used = False
                for k in range(height):
                    y = t - k
                    if widths[k] == half and y >= y0 and y < y1:
                        used = True
                if not used or half == done:
                    continue
                done = half
                for part in range(parts):
                    s = span[part]
                    place = reach - half
                    first = True
                    for k in range(levels - 1, -1, -1):
                        if (2 * half + 1) & (1 << k):
                            piece = tables[part, k, place : place + n]
                            if first:
                                for x in range(n):
                                    s[x] = piece[x]
                            else:
                                for x in range(n):
                                    s[x] += piece[x]
                            first = False
                            place += 1 << k
                    for k in range(height):
                        y = t - k
                        if widths[k] == half and y >= y0 and y < y1:
                            acc = ring[part, y % height]
                            for x in range(n):
                                acc[x] += s[x]
            y = t - 2 * reach
            if y >= y0:
                total = ring[0, y % height]
                if mean.shape[0] > 0:
                    to = mean[y, c0 : c0 + n]
                    for x in range(n):
                        to[x] = np.float32(total[x] / count)
                if squares:
                    square = ring[1, y % height]
                    to = variance[y, c0 : c0 + n]
                    for x in range(n):
                        v = (square[x] - total[x] * total[x] / count) / count
                        to[x] = np.float32(max(v, 0.0))


@compiled
def _disc_extreme(pad, widths, sign, out, y0, y1):  # type: ignore[no-untyped-def]
    """Write rows y0..y1 of the minimum (sign 1) or maximum (sign -1) over the disc."""
    reach = widths.size // 2
    height = widths.size
    width = pad.shape[1] - 2 * reach
    levels = 1
    while (1 << levels) <= 2 * reach + 1:
        levels += 1
    tables = np.zeros((levels, CHUNK + 2 * reach), np.float32)
    ring = np.zeros((height, CHUNK), np.float32)
    span = np.zeros(CHUNK, np.float32)
    sign = np.float32(sign)
    for c0 in range(0, width, CHUNK):
        n = min(CHUNK, width - c0)
        full = n + 2 * reach
        for t in range(y0, y1 + 2 * reach):
            row = pad[t, c0 : c0 + full]
            line = tables[0, :full]
            for x in range(full):
                line[x] = sign * row[x]
            for k in range(1, levels):
                step = 1 << (k - 1)
                short = tables[k - 1]
                long = tables[k]
                ahead = short[step:]
                for x in range(full - 2 * step + 1):
                    long[x] = min(short[x], ahead[x])
            ring[t % height, :] = np.float32(np.inf)
            for half in range(reach, -1, -1):
                used = False
                for k in range(height):
                    y = t - k
                    if widths[k] == half and y >= y0 and y < y1:
                        used = True
                if not used:
                    continue
                k = 0
                while (1 << (k + 1)) <= 2 * half + 1:
                    k += 1
                near = tables[k, reach - half : reach - half + n]
                place = reach + half + 1 - (1 << k)
                far = tables[k, place : place + n]
                for x in range(n):
                    span[x] = min(near[x], far[x])
                for k in range(height):
                    y = t - k
                    if widths[k] == half and y >= y0 and y < y1:
                        acc = ring[y % height]
                        for x in range(n):
                            acc[x] = min(acc[x], span[x])
            y = t - 2 * reach
            if y >= y0:
                best = ring[y % height]
                to = out[y, c0 : c0 + n]
                for x in range(n):
                    to[x] = sign * best[x]


def mean_variance(
    tile: Tile, radius: float, mean: np.ndarray | None, variance: np.ndarray | None
) -> None:
    """Compute mean and population variance over ImageJ's disc; edge pixels are repeated.

    Double sums; variance (S2 - S1²/n)/n, not below 0; results float32.

    Parameters
    ----------
    tile : Tile
    radius : float
        Radius in pixels.
    mean, variance : ndarray of float32, shape (h, w), or None
        Receive the results; None is skipped.
    """
    pad = tile.padded(disc_reach(radius))
    widths = disc_half_widths(radius)
    nothing = np.empty((0, 0), np.float32)
    first = nothing if mean is None else mean
    second = nothing if variance is None else variance
    in_bands(lambda a, b: _disc_sums(pad, widths, first, second, a, b), 0, tile.height, *BAND)


def minimum_maximum(
    tile: Tile, radius: float, minimum: np.ndarray | None, maximum: np.ndarray | None
) -> None:
    """Compute minimum and maximum over ImageJ's disc; the parameters are as in `mean_variance`."""
    pad = tile.padded(disc_reach(radius))
    widths = disc_half_widths(radius)
    for sign, out in ((1.0, minimum), (-1.0, maximum)):
        if out is not None:
            _bands_extreme(pad, widths, sign, out)


def _bands_extreme(pad: np.ndarray, widths: np.ndarray, sign: float, out: np.ndarray) -> None:
    in_bands(lambda a, b: _disc_extreme(pad, widths, sign, out, a, b), 0, len(out), *BAND)
