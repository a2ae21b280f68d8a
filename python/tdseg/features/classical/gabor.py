"""Gabor filters: largest and smallest normalised response over ten directions."""

from __future__ import annotations

import numpy as np

from tdseg.features.classical.compiled import compiled
from tdseg.features.classical.gabor_bank import (
    BANKS,
    Bank,
    bank_label,
    half_kernels,
    separable_kernels,
)
from tdseg.features.classical.kernels import ANGLES
from tdseg.features.classical.tile import Tile, in_bands

CHUNK = 256


@compiled
def _respond(pad, reach, rows, columns, weights, y, c0, even, odd, part):  # type: ignore[no-untyped-def]
    """Convolve a chunk of one row with the even and the odd kernel.

    Float32 sums of differences from the middle pixel, 32 pairs each, then of those: the response
    is small beside its parts, and one long sum of the values themselves would lose digits.
    """
    n = even.size
    odd[:] = np.float32(0)
    e, o = part[0, :n], part[1, :n]
    i, j = y + reach, c0 + reach
    middle = pad[i, j : j + n]
    total = 0.0
    for k in range(rows.size):
        total += 2.0 * weights[0, k]
    level = np.float32(total)
    for x in range(n):
        even[x] = level * middle[x]
    for k in range(0, rows.size, 4):
        if k % 32 == 0:
            for x in range(n):
                even[x] += e[x]
            for x in range(n):
                odd[x] += o[x]
            part[:] = np.float32(0)
        r, c = rows[k], columns[k]
        a1, b1 = pad[i - r, j - c : j - c + n], pad[i + r, j + c : j + c + n]
        r, c = rows[k + 1], columns[k + 1]
        a2, b2 = pad[i - r, j - c : j - c + n], pad[i + r, j + c : j + c + n]
        r, c = rows[k + 2], columns[k + 2]
        a3, b3 = pad[i - r, j - c : j - c + n], pad[i + r, j + c : j + c + n]
        r, c = rows[k + 3], columns[k + 3]
        a4, b4 = pad[i - r, j - c : j - c + n], pad[i + r, j + c : j + c + n]
        e1, e2, e3, e4 = weights[0, k], weights[0, k + 1], weights[0, k + 2], weights[0, k + 3]
        o1, o2, o3, o4 = weights[1, k], weights[1, k + 1], weights[1, k + 2], weights[1, k + 3]
        for x in range(n):
            p1, p2, p3, p4 = a1[x], a2[x], a3[x], a4[x]
            q1, q2, q3, q4 = b1[x], b2[x], b3[x], b4[x]
            m = middle[x] + middle[x]
            e[x] += (e1 * (p1 + q1 - m) + e2 * (p2 + q2 - m)) + (
                e3 * (p3 + q3 - m) + e4 * (p4 + q4 - m)
            )
            o[x] += (o1 * (p1 - q1) + o2 * (p2 - q2)) + (o3 * (p3 - q3) + o4 * (p4 - q4))
    for x in range(n):
        even[x] += e[x]
    for x in range(n):
        odd[x] += o[x]


@compiled
def _responses(pad, reach, rows, columns, weights, out, y0, y1):  # type: ignore[no-untyped-def]
    """Write rows y0..y1 of the even and the odd response."""
    width = out.shape[2]
    part = np.zeros((2, CHUNK), np.float32)
    for y in range(y0, y1):
        for c0 in range(0, width, CHUNK):
            c1 = min(width, c0 + CHUNK)
            even, odd = out[0, y, c0:c1], out[1, y, c0:c1]
            part[:] = np.float32(0)
            _respond(pad, reach, rows, columns, weights, y, c0, even, odd, part)


@compiled
def _respond_separably(pad, reach, taps, out, y0, y1):  # type: ignore[no-untyped-def]
    """Write rows y0..y1 of the two responses from one-dimensional factors, in double."""
    width = out.shape[2]
    tall = y1 - y0 + 2 * reach
    half = np.empty((2, tall, width), np.float64)
    first = np.empty(CHUNK, np.float64)
    second = np.empty(CHUNK, np.float64)
    line = np.empty(pad.shape[1], np.float64)
    for t in range(tall):
        source, row = pad[y0 + t], line
        for x in range(row.size):
            row[x] = source[x]
        cosine, sine = half[0, t], half[1, t]
        centre = row[reach : reach + width]
        for x in range(width):
            cosine[x] = taps[0, 0] * centre[x]
        sine[:] = 0.0
        for j in range(1, reach + 1):
            c, s = taps[0, j], taps[1, j]
            before = row[reach - j : reach - j + width]
            after = row[reach + j : reach + j + width]
            for x in range(width):
                cosine[x] += c * (before[x] + after[x])
            for x in range(width):
                sine[x] += s * (before[x] - after[x])
    for y in range(y0, y1):
        i = y - y0 + reach
        for c0 in range(0, width, CHUNK):
            c1 = min(width, c0 + CHUNK)
            even, odd = first[: c1 - c0], second[: c1 - c0]
            cosine, sine = half[0, i, c0:c1], half[1, i, c0:c1]
            for x in range(c1 - c0):
                even[x] = taps[2, 0] * cosine[x]
            for x in range(c1 - c0):
                odd[x] = -taps[2, 0] * sine[x]
            for j in range(1, reach + 1):
                c, s = taps[2, j], taps[3, j]
                ca, cb = half[0, i - j, c0:c1], half[0, i + j, c0:c1]
                sa, sb = half[1, i - j, c0:c1], half[1, i + j, c0:c1]
                for x in range(c1 - c0):
                    even[x] += c * (ca[x] + cb[x]) - s * (sa[x] - sb[x])
                for x in range(c1 - c0):
                    odd[x] -= c * (sa[x] + sb[x]) + s * (ca[x] - cb[x])
            to = out[0, y, c0:c1]
            for x in range(c1 - c0):
                to[x] = np.float32(even[x])
            to = out[1, y, c0:c1]
            for x in range(c1 - c0):
                to[x] = np.float32(odd[x])


@compiled
def _extremes(responses, centre, scale, best, y0, y1):  # type: ignore[no-untyped-def]
    """Update largest and smallest normalised response (even, then odd) at rows y0..y1."""
    for part in range(2):
        middle, factor = np.float32(centre[part]), np.float32(scale[part])
        for y in range(y0, y1):
            row = responses[part, y]
            high, low = best[2 * part, y], best[2 * part + 1, y]
            for x in range(row.size):
                v = (row[x] - middle) * factor
                high[x] = v if v > high[x] else high[x]
                low[x] = v if v < low[x] else low[x]


def _padded(tile: Tile, reach: int, level: float) -> np.ndarray:
    """Return core and margin less `level`, mirrored about the plane's edge pixels."""
    y0, y1, x0, x1 = tile.grown(reach)
    missing = (
        (reach - (tile.top - y0), reach - (y1 - tile.top - tile.height)),
        (reach - (tile.left - x0), reach - (x1 - tile.left - tile.width)),
    )
    return np.pad(tile.pixels[y0:y1, x0:x1] - np.float32(level), missing, mode="reflect")


def respond_rows(
    pad: np.ndarray, bank: Bank, angle: int, out: np.ndarray, y0: int, y1: int
) -> None:
    """Write rows y0..y1 of the even and the odd response.

    Parameters
    ----------
    pad : ndarray of float32, shape (h + 2 reach, w + 2 reach)
    bank : Bank
    angle : int
        In steps of 18 degrees.
    out : ndarray of float32, shape (2, h, w)
    y0, y1 : int
    """
    factors = separable_kernels(bank, angle)
    if factors is not None:
        _respond_separably(pad, bank.reach, factors, out, y0, y1)
    else:
        _responses(pad, bank.reach, *half_kernels(bank, angle), out, y0, y1)


def _update(
    pad: np.ndarray,
    bank: Bank,
    angle: int,
    statistics: np.ndarray,
    responses: np.ndarray,
    best: np.ndarray,
) -> None:
    """Compute one direction's responses and keep the largest and smallest, band by band."""
    centre, scale = statistics[:, 0].copy(), statistics[:, 1].copy()

    def band(y0: int, y1: int) -> None:
        respond_rows(pad, bank, angle, responses, y0, y1)
        _extremes(responses, centre, scale, best, y0, y1)

    in_bands(band, 0, responses.shape[1])


def gabor(tile: Tile, level: float, statistics: np.ndarray, planes: dict[str, np.ndarray]) -> None:
    """Compute the 44 Gabor features.

    Convolution (borders mirrored without repeating the edge) with ten directions; each response
    normalised to mean 0 and sample standard deviation 1 over the whole plane; the largest and the
    smallest of the ten. A response without any variation is 0. TWS uses a float32 FFT, so that the
    two differ by rounding.

    Parameters
    ----------
    tile : Tile
    level : float
        Mean of the whole plane, subtracted first for precision.
    statistics : ndarray of float64, shape (banks, angles, 2, 2)
        Of `gabor_statistics`, from the whole plane.
    planes : dict
        Name to ndarray of float32, shape (h, w): receives the results.

    Notes
    -----
    Source: ``FeatureStack.addGabor`` of Trainable Weka Segmentation.
    """
    responses = np.empty((2, tile.height, tile.width), np.float32)
    for index, bank in enumerate(BANKS):
        pad = _padded(tile, bank.reach, level)
        best = np.empty((4, tile.height, tile.width), np.float32)
        best[0::2] = -np.inf
        best[1::2] = np.inf
        for angle in range(ANGLES):
            _update(pad, bank, angle, statistics[index, angle], responses, best)
        for phase in (0, 2):
            for which in (1, 2):
                planes[f"Gabor_{which}_{bank_label(bank, phase)}"][...] = best[phase + which - 1]
