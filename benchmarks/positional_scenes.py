"""Images with exact truth, and strokes on them, for `positional.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import skimage.data
from scipy import ndimage
from skimage.draw import disk, line, polygon


def featureless(grey: float, noise: float, seed: int, size: int) -> np.ndarray:
    """Return one grey level with faint white noise of this standard deviation, uint8."""
    values = grey + noise * np.random.default_rng(seed).standard_normal((size, size))
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def texture(name: str, size: int, corner: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Return a texture of scikit-image's with mean 128 and standard deviation 38."""
    (top, left), full = corner, getattr(skimage.data, name)().astype(float)
    part = full[top : top + size, left : left + size]
    return 128 + 38 * (part - part.mean()) / part.std()


def grain(size: int, seed: int) -> np.ndarray:
    """Return band-passed noise: a texture that is the same everywhere."""
    noise = np.random.default_rng(seed).standard_normal((size, size))
    found = ndimage.gaussian_filter(noise, 1.5, mode="wrap")
    found -= ndimage.gaussian_filter(noise, 4, mode="wrap")
    return as_bytes(128 + 38 * found / found.std())


def as_bytes(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def blobs(size: int, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return blobs of two textures (1, 2) all over the image, and the truth; two such images."""
    names = (("grass", "gravel"), ("brick", "grass"))[number]
    noise = np.random.default_rng(3 + number).standard_normal((size, size))
    truth = (ndimage.gaussian_filter(noise, 26, mode="wrap") > 0).astype(np.uint8) + 1
    first, second = (texture(name, size) for name in names)
    return as_bytes(np.where(truth == 1, first, second)), truth


def strokes(allowed: np.ndarray, count: int, seed: int, length: int = 24) -> np.ndarray:
    """Draw straight strokes that stay where it is allowed, (Y, X) bool."""
    rng = np.random.default_rng(seed)
    out = np.zeros(allowed.shape, bool)
    inside = np.argwhere(allowed)
    for _ in range(100_000):
        y, x = inside[rng.integers(len(inside))]
        angle = rng.uniform(0, np.pi)
        end = int(y + length * np.sin(angle)), int(x + length * np.cos(angle))
        path = line(y, x, *end)
        whole = 0 <= end[1] < allowed.shape[1] and end[0] < allowed.shape[0]
        if whole and allowed[path].all():
            out[path], count = True, count - 1
        if count == 0:
            return out
    raise ValueError(f"{count} strokes of {length} pixels found no place")


def marks(truth: np.ndarray, region: np.ndarray, count: int, seed: int, away: int) -> np.ndarray:
    """Draw strokes of both classes in a region, away from borders; 0 = unlabelled."""
    labels = np.zeros(truth.shape, np.uint8)
    for value in (1, 2):
        deep = ndimage.distance_transform_edt(truth == value) > away
        labels[strokes(deep & region, count, seed + value)] = value
    return labels


def corners(size: int) -> Iterator[np.ndarray]:
    """Yield the four quarters of the image, the upper left one first."""
    for rows in (slice(0, size // 2), slice(size // 2, size)):
        for cols in (slice(0, size // 2), slice(size // 2, size)):
            region = np.zeros((size, size), bool)
            region[rows, cols] = True
            yield region


def border_distance(truth: np.ndarray) -> np.ndarray:
    """Return each pixel's distance from the nearest pixel of the other class."""
    inside = truth == 1
    return ndimage.distance_transform_edt(inside) + ndimage.distance_transform_edt(~inside)


def halves(size: int, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Return where the classes are drawn that differ only in place.

    ``sides``: the left and the right third. ``rim``: the middle, and 48 pixels along the edges.
    """
    row, col = np.mgrid[:size, :size]
    if where == "sides":
        return col < size // 3, col >= size - size // 3
    edge = np.minimum(np.minimum(row, size - 1 - row), np.minimum(col, size - 1 - col))
    return edge > size // 3, edge < 48


def sides(size: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Return an image with grass (1) left and gravel (2) right, and another; each with its truth.

    The other one, of other places of the textures, has the same in its upper half and the reverse
    in its lower half.
    """
    right = np.broadcast_to(np.arange(size)[None, :] >= size // 2, (size, size))
    lower = np.arange(size)[:, None] >= size // 2
    found = []
    for place, start in ((right, 0), (right ^ lower, 512 - size)):
        grass, gravel = (texture(name, size, (start, start)) for name in ("grass", "gravel"))
        found.append((as_bytes(np.where(place, gravel, grass)), place.astype(np.uint8) + 1))
    return tuple(found)


@dataclass(frozen=True)
class Shapes:
    """Shapes (2) on a ground (1) with exact borders, all arrays (Y, X).

    Attributes
    ----------
    disc, star
        Where their boundaries are compared: within 30 pixels of the shape.
    near_bars
        Around the bar of width 2, 4, 8, 16 each.
    labels
        Strokes in the disc, the star and the ground; 0 = unlabelled.
    """

    image: np.ndarray
    truth: np.ndarray
    disc: np.ndarray
    star: np.ndarray
    near_bars: tuple[np.ndarray, ...]
    labels: np.ndarray


def shapes(size: int, fill: str) -> Shapes:
    """Draw a disc, a star and tilted bars: gravel on grass (``texture``) or two noisy greys."""
    unit = size / 384
    disc, star, bars = (np.zeros((size, size), bool) for _ in range(3))
    disc[disk((95 * unit, 95 * unit), 60 * unit)] = True
    angles = np.pi * (np.arange(10) / 5 + 0.1)
    radii = np.where(np.arange(10) % 2, 34, 80) * unit
    star[polygon(95 * unit + radii * np.sin(angles), 275 * unit + radii * np.cos(angles))] = True
    row, col = np.mgrid[:size, :size]
    near = []
    for k, width in enumerate((2, 4, 8, 16)):
        # Tilted, so that every phase to the grid of tokens occurs.
        across = (col - (90 + 80 * k) * unit) * np.cos(0.15) + (row - 290 * unit) * np.sin(0.15)
        along = (row > 210 * unit) & (row < 370 * unit)
        bars |= (np.abs(across) < width / 2) & along
        near.append((np.abs(across) < width / 2 + 20 * unit) & along)
    truth = (disc | star | bars).astype(np.uint8) + 1
    if fill == "texture":
        image = np.where(truth == 1, texture("grass", size), texture("gravel", size))
    else:
        noise = np.random.default_rng(1).standard_normal((size, size))
        image = np.where(truth == 1, 110, 150) + 8 * noise
    far, length = border_distance(truth) > 12 * unit, int(24 * unit)
    labels = np.zeros(truth.shape, np.uint8)
    labels[strokes(far & (truth == 1), 10, 1, length)] = 1
    for seed, shape in ((2, disc), (3, star)):
        labels[strokes(far & shape, 5, seed, length)] = 2
    around = [ndimage.distance_transform_edt(~shape) < 30 for shape in (disc, star)]
    return Shapes(as_bytes(image), truth, around[0], around[1], tuple(near), labels)
