"""Drawn micrographs of materials, each with what makes its kind hard, and exact truth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt, gaussian_filter

from tdseg.samples.drawing import Plane, line_distance, smooth_noise, uneven_light

SIZE = 320
"""Height and width where nothing is said, pixels."""
Micrograph = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]

CATHODE = ("pore", "particle")
CAST_IRON = ("graphite", "ferrite", "pearlite")
CRYSTALS = ("plates", "needles", "background")


def cathode(seed: int, size: int = SIZE) -> Micrograph:
    """Draw a porous electrode in which the back walls of pores are seen.

    Parameters
    ----------
    seed
        Another seed, another part of the electrode.
    size
        Height and width, pixels.

    Returns
    -------
    image : numpy.ndarray
        (Y, X) uint8. Particles lie in the cut; what shines out of the pores lies behind it,
        out of focus, and is up to as bright as they are.
    truth : numpy.ndarray
        (Y, X) uint8: 1 pore with what is seen in it, 2 particle.
    """
    rng = np.random.default_rng([11, seed])
    cut, shade = _packing(rng, size, 0.13, (0.05, 0.11))
    behind, depth = _packing(rng, size, 0.1, (0.04, 0.1))
    wall = np.where(behind, 110 + 60 * depth, 35)
    wall = gaussian_filter(wall + 6 * smooth_noise(rng, size, 4), 1.8)
    cracks = np.abs(smooth_noise(rng, size, 6)) < 0.05
    front = 150 + 16 * shade + 5 * smooth_noise(rng, size, 1.2)
    front[cracks] -= 35
    rim = distance_transform_edt(cut) < 2
    grey = np.where(cut, front + 30 * rim, wall * uneven_light(rng, size, 0.2))
    return _seen(grey, rng, 0.8, 8), np.where(cut, 2, 1).astype(np.uint8)


def cast_iron(seed: int, size: int = SIZE) -> Micrograph:
    """Draw etched cast iron: graphite inclusions in halos of ferrite, in pearlite.

    Parameters
    ----------
    seed
        Another seed, another part of the section.
    size
        Height and width, pixels.

    Returns
    -------
    image : numpy.ndarray
        (Y, X) uint8. Pearlite is lamellae in colonies, some as dark as graphite; scratches of the
        polishing cross everything.
    truth : numpy.ndarray
        (Y, X) uint8: 1 graphite, 2 ferrite, 3 pearlite.
    """
    rng = np.random.default_rng([13, seed])
    y, x = np.mgrid[:size, :size]
    truth = np.full((size, size), 3, np.uint8)
    nodules = np.zeros((size, size), bool)
    reach = np.full((size, size), np.inf)
    for _ in range(rng.integers(9, 15)):
        at, radius = rng.uniform(0, size, 2), size * rng.uniform(0.025, 0.06)
        around = np.arctan2(y - at[0], x - at[1])
        wavy = radius * (1 + 0.12 * np.cos(5 * around + rng.uniform(0, 6)))
        distance = np.hypot(y - at[0], x - at[1]) - wavy * (1 + 0.08 * np.cos(9 * around))
        nodules |= distance < 0
        reach = np.minimum(reach, distance / (radius * rng.uniform(0.4, 1.1)))
    truth[reach + 0.35 * smooth_noise(rng, size, 5) < 1] = 2
    truth[nodules] = 1
    seeds = rng.uniform(0, size, (40, 2))
    colony = np.argmin((y[..., None] - seeds[:, 0]) ** 2 + (x[..., None] - seeds[:, 1]) ** 2, 2)
    angle, pitch = rng.uniform(0, np.pi, 40)[colony], rng.uniform(3.2, 6, 40)[colony]
    bent = x * np.cos(angle) + y * np.sin(angle) + 2.5 * smooth_noise(rng, size, 8)
    pearlite = rng.uniform(95, 150, 40)[colony] + 38 * np.sin(2 * np.pi * bent / pitch)
    graphite = 62 + 12 * smooth_noise(rng, size, 1.5)
    grains = np.argmin((y[..., None] - seeds[::2, 1]) ** 2 + (x[..., None] - seeds[::2, 0]) ** 2, 2)
    ferrite = 185 + rng.uniform(-12, 12, 20)[grains]
    grey = np.select([truth == 1, truth == 2], [graphite, ferrite], pearlite)
    return _seen(_scratched(grey, rng) * uneven_light(rng, size, 0.2), rng, 0.7, 7), truth


def crystals(seed: int, size: int = SIZE) -> Micrograph:
    """Draw two polymorphs of one substance, which differ in habit and texture, not in grey.

    Parameters
    ----------
    seed
        Another seed, another part of the slide.
    size
        Height and width, pixels.

    Returns
    -------
    image : numpy.ndarray
        (Y, X) uint8.
    truth : numpy.ndarray
        (Y, X) uint8: 1 plates, 2 needles, 3 background.
    """
    rng = np.random.default_rng([17, seed])
    truth = np.full((size, size), 3, np.uint8)
    grey = 175 + 5 * smooth_noise(rng, size, 20)
    for _ in range(rng.integers(5, 9)):
        inside, across, edge = _facets(rng, size, (0.06, 0.13), int(rng.integers(5, 8)))
        steps = 8 * np.sign(np.sin(across * rng.uniform(0.15, 0.3)))
        grey[inside] = (rng.uniform(115, 190) + steps + 3 * smooth_noise(rng, size, 2))[inside]
        grey[inside & (edge < 2)] = rng.choice([85, 225])
        truth[inside] = 1
    for _ in range(rng.integers(4, 8)):  # needles grow in sheaves
        at, lean = rng.uniform(0, size, 2), rng.uniform(0, np.pi)
        for _ in range(rng.integers(8, 16)):
            where = at + size * rng.normal(0, 0.035, 2)
            inside, edge = _needle(rng, size, where, lean + rng.normal(0, 0.25))
            grey[inside] = rng.uniform(115, 190)
            grey[inside & (edge < 1)] = rng.choice([90, 220])
            truth[inside] = 2
    return _seen(grey * uneven_light(rng, size, 0.2), rng, 0.8, 6), truth


def _packing(
    rng: np.random.Generator, size: int, gap: float, radii: tuple[float, float]
) -> tuple[npt.NDArray[np.bool_], Plane]:
    """Return particles that touch, and the shade of each with its facets."""
    y, x = np.mgrid[:size, :size] / size
    inside, shade = np.zeros((size, size), bool), np.zeros((size, size))
    steps = np.arange(0, 1 + gap, gap)
    for row in steps:
        for column in steps:
            if rng.random() < 0.22:
                continue
            at = np.array([row, column]) + rng.normal(0, 0.25 * gap, 2)
            radius, angle = rng.uniform(*radii), np.arctan2(y - at[0], x - at[1])
            bumpy = radius * (1 + 0.14 * np.cos(rng.integers(3, 7) * angle + rng.uniform(0, 6)))
            distance = np.hypot(y - at[0], x - at[1]) / bumpy
            inside |= distance < 1
            shade[distance < 1] = (0.6 * rng.normal() + 0.5 * (1 - distance))[distance < 1]
    return inside, np.clip(shade, -1, 1)


def _facets(
    rng: np.random.Generator, size: int, radii: tuple[float, float], sides: int
) -> tuple[npt.NDArray[np.bool_], Plane, Plane]:
    """Return a convex polygon: inside, a coordinate across it, and the distance to its edge."""
    at, radius = rng.uniform(0.05, 0.95, 2) * size, size * rng.uniform(*radii)
    edge = np.full((size, size), np.inf)
    first = rng.uniform(0, 2 * np.pi)
    for side in range(sides):
        angle = first + 2 * np.pi * side / sides + rng.normal(0, 0.12)
        out = radius * rng.uniform(0.75, 1.1) - line_distance(size, at, angle)
        edge = np.minimum(edge, out)
    return edge > 0, line_distance(size, at, first), edge


def _needle(
    rng: np.random.Generator, size: int, at: Plane, angle: float
) -> tuple[npt.NDArray[np.bool_], Plane]:
    """Return a thin bar: inside, and the distance to its long edges."""
    along = line_distance(size, at, angle)
    beside = np.abs(line_distance(size, at, angle + np.pi / 2))
    length, width = size * rng.uniform(0.06, 0.12), size * rng.uniform(0.006, 0.011)
    edge = width * np.clip(1.6 * (1 - np.abs(along) / length), 0, 1) - beside
    return edge > 0, edge


def _scratched(grey: Plane, rng: np.random.Generator) -> Plane:
    size = len(grey)
    lean = rng.uniform(0, np.pi)
    for _ in range(rng.integers(2, 7)):
        angle, through = lean + rng.normal(0, 0.1), rng.uniform(0, size, 2)
        across = line_distance(size, through, angle)
        grey = grey - rng.uniform(15, 45) * np.exp(-0.5 * (across / 0.8) ** 2)
    return grey


def _seen(
    grey: Plane, rng: np.random.Generator, blur: float, noise: float
) -> npt.NDArray[np.uint8]:
    seen = gaussian_filter(grey, blur) + rng.normal(0, noise, grey.shape)
    return np.clip(np.rint(seen), 0, 255).astype(np.uint8)
