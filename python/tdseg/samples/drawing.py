"""What drawn micrographs have in common: smooth noise, uneven light."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

Plane = npt.NDArray[np.float64]


def smooth_noise(rng: np.random.Generator, size: int, scale: float) -> Plane:
    """Return noise (size, size) blurred by `scale` pixels, with a standard deviation of 1."""
    field = gaussian_filter(rng.normal(size=(size, size)), scale, mode="wrap")
    return np.asarray(field / field.std())


def uneven_light(rng: np.random.Generator, size: int, most: float) -> Plane:
    """Return light (size, size) around 1 that falls off to one side, by `most` across, and rim."""
    y, x = np.mgrid[:size, :size] / size - 0.5
    angle, fall = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, most)
    light: Plane = 1 + fall * (x * np.cos(angle) + y * np.sin(angle)) - 0.25 * fall * (x**2 + y**2)
    return light


def line_distance(size: int, through: Plane, angle: float) -> Plane:
    """Return the distance (size, size) to a line through a point (row, column), with its sign."""
    y, x = np.mgrid[:size, :size]
    distance: Plane = (x - through[1]) * np.cos(angle) + (y - through[0]) * np.sin(angle)
    return distance
