"""Compiled interpolation of token grids; the same arithmetic for every block."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tdseg.runtime.compiled import compiled


@compiled()
def add_interpolated(
    tokens: npt.NDArray[np.float32],
    row_lower: npt.NDArray[np.int32],
    row_upper: npt.NDArray[np.int32],
    row_weight: npt.NDArray[np.float32],
    col_lower: npt.NDArray[np.int32],
    col_upper: npt.NDArray[np.int32],
    col_weight: npt.NDArray[np.float32],
    out: npt.NDArray[np.float32],
) -> None:
    """Add the tokens (C, h, w) float32, interpolated along rows and then columns, to `out`.

    Pixel (y, x) takes ``row_weight[y]`` of token row ``row_upper[y]`` and the rest of
    ``row_lower[y]``, and likewise along columns. out is (C, H, W) float32.
    """
    channels, _, width = tokens.shape
    line = np.empty(width, np.float32)
    one = np.float32(1)
    for c in range(channels):
        for y in range(out.shape[1]):
            a, b = row_lower[y], row_upper[y]
            t = row_weight[y]
            s = one - t
            for j in range(width):
                line[j] = tokens[c, a, j] * s + tokens[c, b, j] * t
            for x in range(out.shape[2]):
                u = col_weight[x]
                out[c, y, x] += line[col_lower[x]] * (one - u) + line[col_upper[x]] * u
