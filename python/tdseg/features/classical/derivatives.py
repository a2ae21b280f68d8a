"""Mixed Gaussian derivatives and the Laplacian."""

from __future__ import annotations

import numpy as np

from tdseg.features.classical.convolve import derive_x, derive_y
from tdseg.features.classical.kernels import derivative_reach
from tdseg.features.classical.options import java_float
from tdseg.features.classical.tile import Tile

ORDERS = (2, 3, 4, 5)


def derivative_names(sigma: float) -> list[str]:
    """Return TWS's labels for one scale, an order each."""
    return [f"Derivatives_{order}_{order}_{java_float(sigma)}" for order in ORDERS]


def laplacian_name(sigma: float) -> str:
    """Return TWS's label."""
    return f"Laplacian_{java_float(sigma)}"


def derivatives_reach(sigma: float) -> int:
    """Return the margin in pixels of the mixed derivatives."""
    return derivative_reach(sigma, max(ORDERS))


def derivatives(
    tile: Tile, sigma: float, mixed: np.ndarray | None, laplacian: np.ndarray | None
) -> None:
    """Compute mixed derivatives of order 2 to 5 in x and in y, and the Laplacian.

    Separable, x first, double sums, float32 after either pass; borders mirrored without repeating
    the edge; not normalised for scale. The Laplacian is the float32 sum of the two second
    derivatives.

    Parameters
    ----------
    tile : Tile
    sigma : float
        Standard deviation in pixels (not 0.4 of it, as for the Gaussian blur).
    mixed : ndarray of float32, shape (4, h, w), or None
    laplacian : ndarray of float32, shape (h, w), or None

    Notes
    -----
    Source: ``imagescience.feature.Differentiator`` and ``Laplacian`` (ImageScience 3.0.0).
    """
    height, width = tile.plane
    rows = (tile.top, tile.top + tile.height)
    columns = (tile.left, tile.left + tile.width)
    second = derive_x(tile.pixels, sigma, 2, columns, width)
    if mixed is not None:
        for index, order in enumerate(ORDERS):
            half = second
            if order != 2:
                half = derive_x(tile.pixels, sigma, order, columns, width)
            derive_y(half, sigma, order, rows, height, mixed[index])
    if laplacian is not None:
        derive_y(second, sigma, 0, rows, height, laplacian)
        smooth = derive_x(tile.pixels, sigma, 0, columns, width)
        laplacian += derive_y(smooth, sigma, 2, rows, height)
