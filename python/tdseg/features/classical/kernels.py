"""Gaussian half kernels and rotated line kernels, as ImageJ, ImageScience and TWS build them."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

ACCURACY = 0.0002
ANGLES = 10


@lru_cache(maxsize=256)
def imagej_gaussian(sigma: float, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the half kernel and the edge weights of ImageJ's GaussianBlur.

    The kernel is cut where it falls to 0.0002 of its centre, and its tail is bent to zero with a
    parabola. Edge weight i is what the kernel beyond tap i sums to: the share of an edge pixel that
    stands for all pixels outside, i pixels inwards.

    Parameters
    ----------
    sigma : float
        Standard deviation in pixels (TWS passes 0.4 times its scale).
    length : int
        Number of pixels in the filtered line; the half kernel is at most ``max(length, 50)``.

    Returns
    -------
    taps : ndarray of float32, shape (R,)
        Half kernel, from its centre outwards.
    edge : ndarray of float32, shape (R,)
        Edge weights.

    Notes
    -----
    Source: ``ij.plugin.filter.GaussianBlur.makeGaussianKernel`` of ImageJ 1.54p. For sigma above
    8.5 ImageJ first shrinks the image; here the full kernel is used.
    """
    limit = max(length, 50)
    radius = min(math.ceil(sigma * math.sqrt(-2 * math.log(ACCURACY))) + 1, limit)
    index = np.arange(radius, dtype=np.float64)
    taps = np.exp(-0.5 * index * index / sigma / sigma).astype(np.float32)
    if 3 < radius < limit:
        slope = math.inf
        r = radius
        while r > radius // 2:
            r -= 1
            here = math.sqrt(taps[r]) / (radius - r)
            if here >= slope:
                break
            slope = here
        for i in range(r + 2, radius):
            taps[i] = np.float32((radius - i) * (radius - i) * slope * slope)
    if radius < limit:
        total = float(taps[0]) + 2 * sum(float(t) for t in taps[1:])
    else:
        total = sigma * math.sqrt(2 * math.pi)
    edge = np.empty(radius, np.float32)
    rest = 0.5 + 0.5 * float(taps[0]) / total
    for i in range(radius):
        weight = float(taps[i]) / total
        taps[i] = np.float32(weight)
        rest -= weight
        edge[i] = np.float32(rest)
    return taps, edge


@lru_cache(maxsize=256)
def gaussian_derivative(sigma: float, order: int, length: int) -> np.ndarray:
    """Return the half kernel of ImageScience's Gaussian derivative.

    Parameters
    ----------
    sigma : float
        Standard deviation in pixels.
    order : int
        Order of the derivative, 0 to 5.
    length : int
        Number of pixels in the filtered line; the half kernel is at most that long.

    Returns
    -------
    ndarray of float64, shape (h,)
        Taps at 0, 1, ...; the other half is mirrored, negated for odd orders. Only order 0 is
        normalised to sum 1 after it is cut.

    Notes
    -----
    Source: ``imagescience.feature.Differentiator`` (ImageScience 3.0.0).
    """
    cut = 3.0 if order == 0 else 4.0 if order <= 2 else 5.0
    half = min(int(sigma * cut) + 1, length)
    k = np.arange(half, dtype=np.float64)
    t = k * k / (sigma * sigma)
    bell: npt.NDArray[np.float64] = np.exp(-0.5 * t)
    if order == 0:
        bell /= bell[0] + 2 * bell[1:].sum()
        return bell
    scale = 1 / (math.sqrt(2 * math.pi) * sigma)
    s2 = sigma * sigma
    factor = {
        1: -k / s2,
        2: (t - 1) / s2,
        3: -k / s2**2 * (t - 3),
        4: (t * t - 6 * t + 3) / s2**2,
        5: -k / s2**3 * (t * t - 10 * t + 15),
    }[order]
    return factor * scale * bell


def derivative_reach(sigma: float, order: int) -> int:
    """Return how many pixels `gaussian_derivative` reaches to each side."""
    return int(sigma * (3.0 if order == 0 else 4.0 if order <= 2 else 5.0))


def rotate_kernel(kernel: np.ndarray, degrees: int) -> np.ndarray:
    """Rotate a square kernel about its centre, nearest neighbour, zeros outside (ImageJ).

    Parameters
    ----------
    kernel : ndarray, shape (n, n)
    degrees : int
        Whole degrees, as TWS passes them.

    Returns
    -------
    np.ndarray
        Of the same shape.

    Notes
    -----
    Source: ``ij.process.FloatProcessor.rotate``; the sums are evaluated in ImageJ's order because
    they decide ties at half pixels.
    """
    height, width = kernel.shape
    cx, cy = (width - 1) / 2.0, (height - 1) / 2.0
    angle = -degrees * math.pi / 180.0
    cosine, sine = math.cos(angle), math.sin(angle)
    from_x = cy * sine - cx * cosine
    from_y = -cx * sine - cy * cosine
    turned = np.zeros_like(kernel)
    for y in range(height):
        row_x = from_x - y * sine + cx
        row_y = from_y + y * cosine + cy
        for x in range(width):
            xs = x * cosine + row_x
            ys = x * sine + row_y
            if -0.01 <= xs < width and -0.01 <= ys < height:
                turned[y, x] = kernel[
                    min(max(int(ys + 0.5), 0), height - 1), min(max(int(xs + 0.5), 0), width - 1)
                ]
    return turned


@lru_cache(maxsize=16)
def line_kernels(side: int, first: int, last: int) -> tuple[np.ndarray, ...]:
    """Return ten rotations, by 18 degrees each, of a square with columns first..last set to 1."""
    upright = np.zeros((side, side), np.float32)
    upright[:, first : last + 1] = 1
    return tuple(rotate_kernel(upright, i * (180 // ANGLES)) for i in range(ANGLES))
