"""Compiled steps of FeatUp's joint bilateral upsampler.

Every value is computed with the same arithmetic wherever the region of it begins and ends, so
regions equal the whole plane bit for bit. Arrays are planar: rows of neighbours are contiguous.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tdseg.runtime.compiled import compiled

_RADIUS = 3
_SIDE = 7
_CHUNK = 512  # pixels that pass the layers at a time


@compiled()
def pool(
    image: npt.NDArray[np.float32],
    row_start: npt.NDArray[np.int64],
    row_stop: npt.NDArray[np.int64],
    col_start: npt.NDArray[np.int64],
    col_stop: npt.NDArray[np.int64],
    mean: npt.NDArray[np.float64],
    std: npt.NDArray[np.float64],
    out: npt.NDArray[np.float32],
) -> None:
    """Put the normalised mean colours of rectangles of an image (3, H, W) into out (3, h, w)."""
    for c in range(image.shape[0]):
        for i in range(len(row_start)):
            for j in range(len(col_start)):
                total = 0.0
                for y in range(row_start[i], row_stop[i]):
                    for x in range(col_start[j], col_stop[j]):
                        total += image[c, y, x]
                count = (row_stop[i] - row_start[i]) * (col_stop[j] - col_start[j])
                out[c, i, j] = (total / count - mean[c]) / std[c]


@compiled()
def _layer(
    weights: npt.NDArray[np.float32],
    bias: npt.NDArray[np.float32],
    given: npt.NDArray[np.float32],
    count: int,
    out: npt.NDArray[np.float32],
) -> None:
    """Put ``weights @ given + bias`` of the first `count` columns into `out`."""
    for k in range(weights.shape[0]):
        for x in range(count):
            out[k, x] = bias[k]
        for j in range(weights.shape[1]):
            weight = weights[k, j]
            for x in range(count):
                out[k, x] += weight * given[j, x]


@compiled()
def _gelu(values: npt.NDArray[np.float32], count: int) -> None:
    """Apply the exact GELU to the first `count` columns, in place."""
    root = math.sqrt(0.5)
    for k in range(values.shape[0]):
        for x in range(count):
            value = float(values[k, x])
            values[k, x] = 0.5 * value * (1.0 + math.erf(value * root))


@compiled()
def embed(
    colours: npt.NDArray[np.float32],
    weights_in: npt.NDArray[np.float32],
    bias_in: npt.NDArray[np.float32],
    weights_out: npt.NDArray[np.float32],
    bias_out: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> None:
    """Put the embedding of colours (3, N) into out (E, N)."""
    width, total = out.shape
    given = np.empty((colours.shape[0], _CHUNK), np.float32)
    hidden = np.empty((width, _CHUNK), np.float32)
    found = np.empty((width, _CHUNK), np.float32)
    for start in range(0, total, _CHUNK):
        count = min(_CHUNK, total - start)
        given[:, :count] = colours[:, start : start + count]
        _layer(weights_in, bias_in, given, count, hidden)
        _gelu(hidden, count)
        _layer(weights_out, bias_out, hidden, count, found)
        out[:, start : start + count] = found[:, :count]


@compiled()
def fill_kernels(
    embedded: npt.NDArray[np.float32],
    colours: npt.NDArray[np.float32],
    temperature: float,
    spatial: npt.NDArray[np.float32],
    fix_in: npt.NDArray[np.float32],
    fix_in_bias: npt.NDArray[np.float32],
    fix_out: npt.NDArray[np.float32],
    fix_out_bias: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> None:
    """Put the kernel of every pixel into out (49, H, W).

    Likeness of embedded colours (softmax over the window) times closeness, scaled to sum one, plus
    a tenth of a learned correction, after which they no longer sum to one. `embedded`
    (E, H + 6, W + 6) and `colours` (3, H + 6, W + 6) reach three pixels further on every side.
    """
    taps, height, width = out.shape
    kernel = np.empty((taps + 3, width), np.float32)
    hidden = np.empty((taps, width), np.float32)
    fixed = np.empty((taps, width), np.float32)
    highest = np.empty(width, np.float32)
    total = np.empty(width, np.float32)
    factor = np.float32(temperature)
    least = np.float32(1e-7)
    for y in range(height):
        for p in range(taps):
            i, j = p // _SIDE, p % _SIDE
            for x in range(width):
                kernel[p, x] = np.float32(0)
            for e in range(embedded.shape[0]):
                for x in range(width):
                    kernel[p, x] += (
                        embedded[e, y + i, x + j] * embedded[e, y + _RADIUS, x + _RADIUS]
                    )
        for x in range(width):
            highest[x] = kernel[0, x]
            total[x] = np.float32(0)
        for p in range(1, taps):
            for x in range(width):
                highest[x] = max(highest[x], kernel[p, x])
        for p in range(taps):
            for x in range(width):
                kernel[p, x] = np.float32(math.exp(factor * (kernel[p, x] - highest[x])))
                total[x] += kernel[p, x]
        for p in range(taps):
            for x in range(width):
                kernel[p, x] = kernel[p, x] / total[x] * spatial[p]
        for x in range(width):
            total[x] = np.float32(0)
        for p in range(taps):
            for x in range(width):
                total[x] += kernel[p, x]
        for p in range(taps):
            for x in range(width):
                kernel[p, x] /= max(total[x], least)
        for c in range(3):
            for x in range(width):
                kernel[taps + c, x] = colours[c, y + _RADIUS, x + _RADIUS]
        _layer(fix_in, fix_in_bias, kernel, width, hidden)
        _gelu(hidden, width)
        _layer(fix_out, fix_out_bias, hidden, width, fixed)
        for p in range(taps):
            for x in range(width):
                out[p, y, x] = kernel[p, x] + np.float32(0.1) * fixed[p, x]


@compiled()
def resize(
    source: npt.NDArray[np.float32],
    row_taps: npt.NDArray[np.int64],
    row_weights: npt.NDArray[np.float32],
    col_taps: npt.NDArray[np.int64],
    col_weights: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> None:
    """Put a plane-wise resized source (C, h, w) into out (C, H, W): four taps along each axis."""
    width = source.shape[2]
    line = np.empty(width, np.float32)
    for c in range(source.shape[0]):
        for y in range(out.shape[1]):
            a, b, d, e = row_taps[y, 0], row_taps[y, 1], row_taps[y, 2], row_taps[y, 3]
            s, t, u, v = row_weights[y, 0], row_weights[y, 1], row_weights[y, 2], row_weights[y, 3]
            for x in range(width):
                line[x] = (
                    s * source[c, a, x]
                    + t * source[c, b, x]
                    + u * source[c, d, x]
                    + v * source[c, e, x]
                )
            for x in range(out.shape[2]):
                out[c, y, x] = (
                    col_weights[x, 0] * line[col_taps[x, 0]]
                    + col_weights[x, 1] * line[col_taps[x, 1]]
                    + col_weights[x, 2] * line[col_taps[x, 2]]
                    + col_weights[x, 3] * line[col_taps[x, 3]]
                )


@compiled()
def filter_planes(
    kernels: npt.NDArray[np.float32], source: npt.NDArray[np.float32], out: npt.NDArray[np.float32]
) -> None:
    """Put source (C, H + 6, W + 6), weighted by kernels (49, H, W), into out (C, H, W)."""
    channels, height, width = out.shape
    for y in range(height):
        for c in range(channels):
            for x in range(width):
                out[c, y, x] = np.float32(0)
            for i in range(_SIDE):
                k = i * _SIDE
                r = y + i
                # A row of the window at once: out is loaded and stored seven times, not 49.
                for x in range(width):
                    out[c, y, x] += (
                        kernels[k, y, x] * source[c, r, x]
                        + kernels[k + 1, y, x] * source[c, r, x + 1]
                        + kernels[k + 2, y, x] * source[c, r, x + 2]
                        + kernels[k + 3, y, x] * source[c, r, x + 3]
                        + kernels[k + 4, y, x] * source[c, r, x + 4]
                        + kernels[k + 5, y, x] * source[c, r, x + 5]
                        + kernels[k + 6, y, x] * source[c, r, x + 6]
                    )
