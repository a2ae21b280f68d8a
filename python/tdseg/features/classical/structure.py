"""Eigenvalues of the smoothed structure tensor."""

from __future__ import annotations

import numpy as np

from tdseg.features.classical.compiled import compiled
from tdseg.features.classical.convolve import derive_x, derive_y
from tdseg.features.classical.kernels import derivative_reach
from tdseg.features.classical.options import java_float
from tdseg.features.classical.tile import Tile, in_bands

INTEGRATION = (1, 3)


def structure_names(sigma: float) -> list[str]:
    """Return TWS's labels for one scale, in its order."""
    return [
        f"Structure_{which}_{java_float(sigma)}_{java_float(i)}"
        for i in INTEGRATION
        for which in ("largest", "smallest")
    ]


def structure_reach(sigma: float) -> int:
    """Return the margin in pixels."""
    return derivative_reach(sigma, 1) + derivative_reach(max(INTEGRATION), 0)


@compiled
def _products(gx, gy, xx, xy, yy, y0, y1):  # type: ignore[no-untyped-def]
    for y in range(y0, y1):
        a, b = gx[y], gy[y]
        to = xx[y]
        for x in range(a.size):
            to[x] = a[x] * a[x]
        to = xy[y]
        for x in range(a.size):
            to[x] = a[x] * b[x]
        to = yy[y]
        for x in range(a.size):
            to[x] = b[x] * b[x]


@compiled
def _eigenvalues(xx, xy, yy, out, y0, y1):  # type: ignore[no-untyped-def]
    for y in range(y0, y1):
        p, q, r = xx[y], xy[y], yy[y]
        largest, smallest = out[0, y], out[1, y]
        for x in range(p.size):
            a, b, d = np.float64(p[x]), np.float64(q[x]), np.float64(r[x])
            linear = -(a + d)
            product = a * d - b * b
            root = np.sqrt(max(linear * linear - 4.0 * product, 0.0))
            if linear < 0.0:
                root = -root
            first = -0.5 * (linear + root)
            second = product / first
            if first == 0.0:
                second = 0.0
            first = abs(first)
            second = abs(second)
            largest[x] = np.float32(max(first, second))
            smallest[x] = np.float32(min(first, second))


def structure(tile: Tile, sigma: float, out: np.ndarray) -> None:
    """Compute the larger and smaller eigenvalue for the two integration scales.

    First Gaussian derivatives at `sigma` (mirrored borders, double sums), their products in
    float32, smoothed with a Gaussian of 1 or 3 pixels; eigenvalues in double from the stable
    quadratic formula, as absolute values.

    Parameters
    ----------
    tile : Tile
    sigma : float
        Scale of the derivatives in pixels.
    out : ndarray of float32, shape (4, h, w)
        Largest and smallest for integration scale 1, then 3.

    Notes
    -----
    Source: ``imagescience.feature.Structure`` (ImageScience 3.0.0).
    """
    height, width = tile.plane
    part = tile.grown(derivative_reach(max(INTEGRATION), 0))
    y0, y1, x0, x1 = part
    gradients = []
    for order_x, order_y in ((1, 0), (0, 1)):
        half = derive_x(tile.pixels, sigma, order_x, (x0, x1), width)
        gradients.append(derive_y(half, sigma, order_y, (y0, y1), height))
    shape = gradients[0].shape
    tensor = [np.empty(shape, np.float32) for _ in range(3)]
    (gx, gy), (xx, xy, yy) = gradients, tensor
    in_bands(lambda a, b: _products(gx, gy, xx, xy, yy, a, b), 0, shape[0])
    rows = (tile.top - y0, tile.top - y0 + tile.height)
    columns = (tile.left - x0, tile.left - x0 + tile.width)
    for index, scale in enumerate(INTEGRATION):
        smooth = [
            derive_y(derive_x(t, scale, 0, columns, width), scale, 0, rows, height) for t in tensor
        ]
        _write(smooth, out[2 * index : 2 * index + 2])


def _write(smooth: list[np.ndarray], out: np.ndarray) -> None:
    xx, xy, yy = smooth
    in_bands(lambda a, b: _eigenvalues(xx, xy, yy, out, a, b), 0, out.shape[1])
