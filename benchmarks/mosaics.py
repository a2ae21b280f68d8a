"""Mosaics of scikit-image's textures, drawn anew for each seed."""

from __future__ import annotations

import numpy as np
import skimage.data


def brick_mosaic(seed: int, size: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Return image and truth: a field of brick (1), a disc of grass (2), a corner of gravel (3).

    Place and size of disc and corner, and the parts of the textures, are random.
    """
    rng = np.random.default_rng(100 + seed)
    textures = [skimage.data.brick(), skimage.data.grass(), skimage.data.gravel()]
    y, x = np.mgrid[:size, :size] / size
    truth = np.ones((size, size), np.uint8)
    mirrored = rng.random(2) < 0.5
    across, down = (1 - x if mirrored[0] else x), (1 - y if mirrored[1] else y)
    truth[across + down * rng.uniform(0.8, 1.25) < rng.uniform(0.45, 0.7)] = 3
    radius = rng.uniform(0.15, 0.25)
    middle = rng.uniform(radius, 1 - radius, 2)
    truth[(x - middle[0]) ** 2 + (y - middle[1]) ** 2 < radius**2] = 2
    image = np.zeros((size, size), np.uint8)
    for value, texture in enumerate(textures, start=1):
        top, left = rng.integers(0, 512 - size + 1, 2)
        part = texture[top : top + size, left : left + size]
        image[truth == value] = part[truth == value]
    return image, truth
