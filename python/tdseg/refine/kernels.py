"""The two pairwise kernels of the dense CRF, each with symmetric normalisation.

A kernel K over the pixels is applied as D K D with D = diag(K 1)^(-1/2), its diagonal included,
which is what `P. Kraehenbuehl and V. Koltun, Parameter Learning and Convergent Inference for Dense
Random Fields, ICML 2013` normalise to and what their program does by default.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from tdseg.refine.lattice import LANES, build_lattice, slice_corners, splat_and_blur
from tdseg.runtime.compiled import compiled

Floats = npt.NDArray[np.float32]

EXACT_PIXELS = 4096
"""Up to this many pixels (64 x 64) each kernel is a full matrix, at most 64 MiB."""


class Kernel(Protocol):
    """A normalised pairwise kernel over the pixels of one plane."""

    def apply(self, planes: Floats, out: Floats) -> None:
        """Filter C-contiguous (L, N) float32 planes into `out` of the same shape."""
        ...


class LatticeKernel:
    """Gaussian of the distance between points, approximated in the permutohedral lattice.

    Parameters
    ----------
    points : (N, d) float32
        Position, or position and colour, of every pixel in standard deviations.
    """

    def __init__(self, points: Floats) -> None:
        lattice = build_lattice(points)
        self._corner, self._weight = lattice.corner, lattice.weight
        self._neighbour = lattice.neighbour
        self._work = np.empty((2, lattice.corner_count + 1, LANES), np.float32)
        mass = np.ones((1, points.shape[0]), np.float32)
        self.apply(mass, mass)
        self._weight *= (1.0 / np.sqrt(mass[0] + np.float32(1e-20)))[:, None]

    def apply(self, planes: Floats, out: Floats) -> None:
        """Filter C-contiguous (L, N) float32 planes into `out` (it may be `planes`)."""
        padded = -(-len(planes) // LANES) * LANES
        if self._work.shape[2] != padded:
            self._work = np.empty((*self._work.shape[:2], padded), np.float32)
        blurred = splat_and_blur(planes, self._corner, self._weight, self._neighbour, self._work)
        slice_corners(blurred, self._corner, self._weight, out)


class ExactKernel:
    """Gaussian of the distance between points as a full matrix, for small planes.

    Parameters
    ----------
    points : (N, d) float32
        Position, or position and colour, of every pixel in standard deviations.
    """

    def __init__(self, points: Floats) -> None:
        self._matrix = _gaussian_matrix(points)

    def apply(self, planes: Floats, out: Floats) -> None:
        """Filter C-contiguous (L, N) float32 planes into `out`, which must not be `planes`."""
        _multiply(planes, self._matrix, out)


def spatial_points(
    shape: tuple[int, int], sigma: float, origin: tuple[int, int] = (0, 0)
) -> Floats:
    """Return the position of every pixel in standard deviations.

    Parameters
    ----------
    shape : tuple of int
        (Y, X) of the plane or tile.
    sigma : float
        Standard deviation of the distance in pixels.
    origin : tuple of int
        Row and column of the first pixel in the whole image: tiles share the image's lattice.

    Returns
    -------
    (Y * X, 2) float32
        Columns x, y.
    """
    points = np.empty((*shape, 2), np.float32)
    _place(points, sigma, origin)
    return points.reshape(-1, 2)


def bilateral_points(
    guide: npt.NDArray[np.number],
    sigma: float,
    value_range: float,
    origin: tuple[int, int] = (0, 0),
) -> Floats:
    """Return the position and colour of every pixel in standard deviations.

    Parameters
    ----------
    guide : (Y, X, C) number
        Grey values or colours from 0 to 255. A single channel is repeated as red, green and blue,
        which is what programs made for photographs do: its squared differences count threefold.
    sigma : float
        Standard deviation of the distance in pixels.
    value_range : float
        Standard deviation of the grey value or colour.
    origin : tuple of int
        Row and column of the first pixel in the whole image.

    Returns
    -------
    (Y * X, 2 + C) float32
        Columns x, y, then the channels (three if there is one).
    """
    rows, columns, channels = guide.shape
    points = np.empty((rows, columns, 2 + (3 if channels == 1 else channels)), np.float32)
    _place(points, sigma, origin)
    points[..., 2:] = guide
    points[..., 2:] /= np.float32(value_range)
    return points.reshape(rows * columns, -1)


def _place(points: Floats, sigma: float, origin: tuple[int, int]) -> None:
    """Write x and y in standard deviations into the first two columns of (Y, X, d) points."""
    rows, columns = points.shape[:2]
    points[..., 0] = (origin[1] + np.arange(columns, dtype=np.float32)) / np.float32(sigma)
    points[..., 1] = ((origin[0] + np.arange(rows, dtype=np.float32)) / np.float32(sigma))[:, None]


@compiled()
def _gaussian_matrix(points: Floats) -> Floats:
    count, d = points.shape
    matrix = np.empty((count, count), np.float32)
    mass = np.zeros(count, np.float64)
    for i in range(count):
        for j in range(i + 1):
            squared = np.float32(0.0)
            for k in range(d):
                step = points[i, k] - points[j, k]
                squared += step * step
            value = np.exp(np.float32(-0.5) * squared)
            matrix[i, j] = value
            matrix[j, i] = value
            mass[i] += value
            if i != j:
                mass[j] += value
    for i in range(count):
        for j in range(count):
            matrix[i, j] /= np.sqrt(mass[i] * mass[j])
    return matrix


@compiled()
def _multiply(planes: Floats, matrix: Floats, out: Floats) -> None:
    lanes, count = planes.shape
    out[:] = 0.0
    for j in range(count):
        row = matrix[j]
        for c in range(lanes):
            w = planes[c, j]
            for i in range(count):
                out[c, i] += w * row[i]
