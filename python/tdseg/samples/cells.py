"""Drawn cells as an electron microscope shows thin sections of them, with exact truth.

What makes them hard is what makes sections hard: nucleus and cytoplasm have grey values in common,
debris outside the cell looks like what is in it, light falls off to one side, and every image has
a brightness of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from tdseg.samples.drawing import Plane, line_distance, smooth_noise, uneven_light

CLASS_NAMES = ("nucleus", "cytoplasm", "background")
NUCLEUS, CYTOPLASM, BACKGROUND = 1, 2, 3
SIZE = 256
"""Height and width where nothing is said, pixels."""
DRAWN_AT = 320
"""The size at which organelles have the sizes that are written here."""
NOISE = 9.0
"""Standard deviation, grey levels."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Exposure:
    """How a section is lit: contrast around mid-grey, brightness, and gamma."""

    contrast: float = 1.0
    brightness: float = 0.0
    gamma: float = 1.0


def drawn_cell(
    seed: int, size: int = SIZE, exposure: Exposure | None = None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Draw a section with one cell, or two, and debris.

    Parameters
    ----------
    seed
        Another seed, another section.
    size
        Height and width, pixels; the cell grows with it, its grain does not.
    exposure
        How it is lit; None: drawn by the seed.

    Returns
    -------
    image : numpy.ndarray
        (Y, X) uint8.
    truth : numpy.ndarray
        (Y, X) uint8: 1 nucleus, 2 cytoplasm, 3 background with its debris.
    """
    rng = np.random.default_rng([7, seed])
    truth = np.full((size, size), BACKGROUND, np.uint8)
    grey = np.full((size, size), 205.0) + 5 * smooth_noise(rng, size, 12)
    _add_debris(grey, rng)
    middle = size * rng.uniform(0.42, 0.58, 2)
    _add_cell(grey, truth, middle, size * rng.uniform(0.26, 0.36), rng)
    if rng.random() < 0.4:  # a part of a neighbour
        angle = rng.uniform(0, 2 * np.pi)
        away = 0.72 * size * np.array([np.sin(angle), np.cos(angle)])
        _add_cell(grey, truth, middle + away, size * rng.uniform(0.24, 0.32), rng)
    if rng.random() < 0.4:
        _add_fold(grey, rng)
    lit = gaussian_filter(grey, 0.7) * uneven_light(rng, size, 0.25)
    drawn = Exposure(rng.uniform(0.7, 1.1), rng.uniform(-25, 25), float(np.exp(rng.normal(0, 0.2))))
    seen = _exposed(lit, exposure or drawn) + rng.normal(0, NOISE, grey.shape)
    return np.clip(np.rint(seen), 0, 255).astype(np.uint8), truth


def _exposed(grey: Plane, exposure: Exposure) -> Plane:
    share = np.clip(grey / 255, 0, 1) ** exposure.gamma
    lit: Plane = 128 + exposure.contrast * (255 * share - 128) + exposure.brightness
    return lit


def _outline(
    shape: tuple[int, ...], middle: Plane, radius: float, rough: float, rng: np.random.Generator
) -> Plane:
    """Return the distance to a wavy outline as a share of its radius: below 1 inside."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    angle = np.arctan2(y - middle[0], x - middle[1])
    reach = np.ones(shape)
    for wave in range(2, 12):
        reach += rough * rng.normal() / wave * np.cos(wave * angle + rng.uniform(0, 2 * np.pi))
    distance: Plane = np.hypot(y - middle[0], x - middle[1]) / (radius * np.maximum(reach, 0.3))
    return distance


def _ellipse(
    shape: tuple[int, ...], middle: Plane, axes: tuple[float, float], angle: float
) -> Plane:
    """Return the distance from the middle of an ellipse: 1 on its rim."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    down, across = y - middle[0], x - middle[1]
    along = across * np.cos(angle) + down * np.sin(angle)
    beside = -across * np.sin(angle) + down * np.cos(angle)
    distance: Plane = np.hypot(along / axes[0], beside / axes[1])
    return distance


def _add_cell(
    grey: Plane,
    truth: npt.NDArray[np.uint8],
    middle: Plane,
    radius: float,
    rng: np.random.Generator,
) -> None:
    size = len(grey)
    to_rim = _outline(grey.shape, middle, radius, 0.16, rng)
    shifted = middle + radius * rng.uniform(-0.15, 0.15, 2)
    to_nucleus = _outline(grey.shape, shifted, radius * rng.uniform(0.5, 0.68), 0.12, rng)
    inside = (to_rim < 1) & (truth == BACKGROUND)
    nucleus = inside & (to_nucleus < 1) & (to_rim < 0.92)
    cytoplasm = inside & ~nucleus
    truth[cytoplasm], truth[nucleus] = CYTOPLASM, NUCLEUS
    grain = smooth_noise(rng, size, 1.6)
    grey[cytoplasm] = (150 + 8 * grain + 6 * smooth_noise(rng, size, 5))[cytoplasm]
    grey[inside & (to_rim > 1 - 2.5 / radius)] = 110  # the membrane
    _add_organelles(grey, cytoplasm, rng)
    # Chromatin: clumps that are denser towards the envelope.
    clumps = smooth_noise(rng, size, 3.5) + 1.2 * np.clip(to_nucleus - 0.75, 0, 1) / 0.25
    grey[nucleus] = np.where(clumps > 0.7, 112 + 6 * grain, 146 + 7 * grain)[nucleus]
    grey[nucleus & (to_nucleus > 1 - 2.2 / radius)] = 95  # the envelope
    if rng.random() < 0.7:
        spot = shifted + 0.25 * radius * rng.uniform(-1, 1, 2)
        nucleolus = _outline(grey.shape, spot, 0.11 * radius, 0.2, rng) < 1
        grey[nucleolus & nucleus] = (88 + 6 * grain)[nucleolus & nucleus]


def _add_organelles(grey: Plane, cytoplasm: Mask, rng: np.random.Generator) -> None:
    """Add mitochondria, vesicles and dark granules."""
    places = np.argwhere(cytoplasm)
    if not len(places):
        return
    scale = len(grey) / DRAWN_AT
    for _ in range(rng.integers(6, 22)):
        at, angle = places[rng.integers(len(places))].astype(float), rng.uniform(0, np.pi)
        axes = (scale * rng.uniform(5, 13), scale * rng.uniform(2.5, 4.5))
        body = (_ellipse(grey.shape, at, axes, angle) < 1) & cytoplasm
        y, x = np.nonzero(body)
        folds = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 1.7)
        grey[body] = 112 + 14 * folds
    for _ in range(rng.integers(3, 20)):
        at = places[rng.integers(len(places))].astype(float)
        distance = _ellipse(grey.shape, at, (scale * rng.uniform(2, 6),) * 2, 0)
        grey[(distance < 1) & cytoplasm] = 190
        grey[(distance >= 0.75) & (distance < 1) & cytoplasm] = 120
    if rng.random() < 0.5:
        for _ in range(rng.integers(2, 12)):
            at = places[rng.integers(len(places))].astype(float)
            granule = _ellipse(grey.shape, at, (scale * rng.uniform(2.5, 5.5),) * 2, 0) < 1
            grey[granule & cytoplasm] = 50


def _add_debris(grey: Plane, rng: np.random.Generator) -> None:
    """Add heaps of fragments with rims, and specks of stain."""
    size = len(grey)
    scale = size / DRAWN_AT
    for _ in range(rng.integers(0, 4)):
        heap = rng.uniform(0.05, 0.95, 2) * size
        for _ in range(rng.integers(8, 40)):
            at = heap + scale * rng.normal(0, 18, 2)
            axes = (scale * rng.uniform(2, 8), scale * rng.uniform(2, 5))
            distance = _ellipse(grey.shape, at, axes, rng.uniform(0, np.pi))
            grey[distance < 1] = rng.uniform(135, 185)
            grey[(distance >= 0.7) & (distance < 1)] = rng.uniform(95, 140)
    for _ in range(rng.integers(0, 15)):
        at = rng.uniform(0, 1, 2) * size
        grey[_ellipse(grey.shape, at, (scale * rng.uniform(1, 3.5),) * 2, 0) < 1] = 40


def _add_fold(grey: Plane, rng: np.random.Generator) -> None:
    """Add the line that a knife or a fold leaves, across everything."""
    size = len(grey)
    angle, through = rng.uniform(0, np.pi), rng.uniform(0.2, 0.8, 2) * size
    across = line_distance(size, through, angle)
    grey += rng.choice([-22, 28]) * np.exp(-0.5 * (across / rng.uniform(1.5, 4)) ** 2)
