"""Compiled steps of upsamplers that attend from pixels to the tokens around them.

Every pixel's values are computed by themselves with the same arithmetic, so blocks and single
pixels equal the whole plane.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from tdseg.runtime.compiled import compiled


@compiled()
def add_to_cells(
    values: npt.NDArray[np.float32],
    top: int,
    left: int,
    row_start: npt.NDArray[np.int64],
    row_stop: npt.NDArray[np.int64],
    col_start: npt.NDArray[np.int64],
    col_stop: npt.NDArray[np.int64],
    sums: npt.NDArray[np.float32],
) -> None:
    """Add each pixel's share of the mean of its cells to `sums`.

    `values` (h, w, D) start at pixel (top, left); `sums` (r, c, D) have one row and column for each
    cell, which lie from start to stop.
    """
    height, width, channels = values.shape
    for i in range(len(row_start)):
        for j in range(len(col_start)):
            size = (row_stop[i] - row_start[i]) * (col_stop[j] - col_start[j])
            share = np.float32(1.0 / size)
            for y in range(max(row_start[i], top), min(row_stop[i], top + height)):
                for x in range(max(col_start[j], left), min(col_stop[j], left + width)):
                    for d in range(channels):
                        sums[i, j, d] += share * values[y - top, x - left, d]


@compiled()
def attend(
    queries: npt.NDArray[np.float32],
    row_start: npt.NDArray[np.int64],
    row_stop: npt.NDArray[np.int64],
    col_start: npt.NDArray[np.int64],
    col_stop: npt.NDArray[np.int64],
    keys: npt.NDArray[np.float32],
    key_top: int,
    key_left: int,
    heads: int,
    scale: float,
    tokens: npt.NDArray[np.float32],
    joined: bool,
    out: npt.NDArray[np.float32],
) -> None:
    """Add the tokens that N pixels attend to, to `out`.

    Parameters
    ----------
    queries
        (N, D), D / heads channels for each head.
    row_start, row_stop, col_start, col_stop
        (N,): the window of tokens of each pixel.
    keys
        (r, c, D) of some tokens.
    key_top, key_left
        The first of these tokens.
    heads
        Number of heads; each has weights of its own.
    scale
        Factor of the products of queries and keys before the softmax.
    tokens
        (R, C, G, F): G is the number of heads, or 1, which takes their mean weights.
    joined
        Whether the G results are added up, to F values, or stand one after the other.
    out
        (N, F) or (N, G F).
    """
    count, width = queries.shape
    groups, features = tokens.shape[2], tokens.shape[3]
    own = width // heads
    most = 0
    for n in range(count):
        most = max(most, (row_stop[n] - row_start[n]) * (col_stop[n] - col_start[n]))
    near = np.empty((width, most), np.float32)
    weights = np.empty((heads, most), np.float32)
    factor = np.float32(scale)
    r0, r1, c0, c1 = -1, -1, -1, -1
    for n in range(count):
        same = r0 == row_start[n] and r1 == row_stop[n] and c0 == col_start[n] and c1 == col_stop[n]
        if not same:
            r0, r1, c0, c1 = row_start[n], row_stop[n], col_start[n], col_stop[n]
            t = 0
            for i in range(r0 - key_top, r1 - key_top):
                for j in range(c0 - key_left, c1 - key_left):
                    for d in range(width):
                        near[d, t] = keys[i, j, d]
                    t += 1
        size = (r1 - r0) * (c1 - c0)
        for h in range(heads):
            for t in range(size):
                weights[h, t] = np.float32(0)
            for d in range(h * own, (h + 1) * own):
                query = queries[n, d] * factor
                for t in range(size):
                    weights[h, t] += query * near[d, t]
            highest = weights[h, 0]
            for t in range(1, size):
                highest = max(highest, weights[h, t])
            total = np.float32(0)
            for t in range(size):
                weights[h, t] = np.float32(math.exp(weights[h, t] - highest))
                total += weights[h, t]
            for t in range(size):
                weights[h, t] /= total
        if groups < heads:
            for h in range(1, heads):
                for t in range(size):
                    weights[0, t] += weights[h, t]
            for t in range(size):
                weights[0, t] /= np.float32(heads)
        for g in range(groups):
            first = 0 if joined else g * features
            t = 0
            for i in range(r0, r1):
                for j in range(c0, c1):
                    weight = weights[g, t]
                    for f in range(features):
                        out[n, first + f] += weight * tokens[i, j, g, f]
                    t += 1
