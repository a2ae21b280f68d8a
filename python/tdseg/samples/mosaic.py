"""Sample images with exact truth, made of scikit-image's bundled textures."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import skimage.data
from skimage.draw import line

CLASS_NAMES = ("brick", "grass", "gravel")


@dataclass(frozen=True)
class Sample:
    """An image with truth and a few strokes.

    Attributes
    ----------
    image
        (Y, X) uint8.
    truth
        (Y, X) uint8, 1 to 3.
    strokes
        Polylines as (label value, (n, 2) array of x, y); drawn one pixel wide.
    """

    image: npt.NDArray[np.uint8]
    truth: npt.NDArray[np.uint8]
    strokes: tuple[tuple[int, npt.NDArray[np.int64]], ...]

    @property
    def labels(self) -> npt.NDArray[np.uint8]:
        """The strokes as a label image (Y, X) uint8, 0 = unlabelled."""
        out = np.zeros(self.truth.shape, np.uint8)
        for value, points in self.strokes:
            for (x0, y0), (x1, y1) in itertools.pairwise(points):
                out[line(y0, x0, y1, x1)] = value
        return out


def texture_mosaic(size: int = 384, *, mirrored: bool = False) -> Sample:
    """Make a mosaic of brick, grass and gravel with wavy borders and a few strokes.

    Parameters
    ----------
    size
        Height and width, at most 512 pixels.
    mirrored
        Another arrangement, from other parts of the textures: an unseen image.

    Returns
    -------
    Sample
        Image, strokes and truth.
    """
    y, x = np.mgrid[:size, :size] / size
    wave = 0.06 * np.sin(7 * y + 1) + 0.03 * np.sin(19 * y)
    truth = np.where(x + wave < 0.36, 1, np.where(x + wave < 0.68, 2, 3)).astype(np.uint8)
    truth[(x - 0.5) ** 2 + (y - 0.22) ** 2 < 0.02] = 1
    truth[(x - 0.83) ** 2 + (y - 0.7) ** 2 < 0.012] = 2
    truth[(x - 0.17) ** 2 + (y - 0.75) ** 2 < 0.015] = 3
    if mirrored:
        truth = np.ascontiguousarray(truth[::-1].T)
    textures = [skimage.data.brick(), skimage.data.grass(), skimage.data.gravel()]
    image = np.zeros((size, size), np.uint8)
    for value, texture in enumerate(textures, start=1):
        part = texture[-size:, -size:] if mirrored else texture[:size, :size]
        image[truth == value] = part[truth == value]
    plan = {
        1: [((0.05, 0.1), (0.2, 0.2)), ((0.24, 0.5), (0.08, 0.58)), ((0.1, 0.95), (0.26, 0.92))],
        2: [((0.4, 0.5), (0.58, 0.56)), ((0.5, 0.7), (0.42, 0.9)), ((0.55, 0.05), (0.6, 0.12))],
        3: [((0.75, 0.2), (0.95, 0.1)), ((0.8, 0.5), (0.95, 0.5)), ((0.75, 0.95), (0.93, 0.9))],
    }
    strokes = tuple(
        (value, np.rint(np.array(points) * size).astype(int))
        for value, lines in plan.items()
        for points in lines
    )
    return Sample(image, truth, () if mirrored else strokes)
