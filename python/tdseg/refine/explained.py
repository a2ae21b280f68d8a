"""How far labels explain an image: the share of its local variance that lies between classes.

A dense CRF holds that nearby pixels of like grey value or colour belong together. Where that is so,
labels explain the values around them, and labels at the right borders explain more of them. Where
classes differ in texture or meaning they explain next to nothing, and the CRF has nothing to go by.
The measure is the between-class share of the variance (the correlation ratio; of two classes the
criterion of N. Otsu, IEEE Trans. Syst. Man Cybern. 9, 1979), in Gaussian windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Doubles = npt.NDArray[np.float64]

BLOCK = 8
"""Side of the squares of pixels that are summed first; each is the centre of a window."""

REACH = 20.0
"""Standard deviation of a window in pixels: a few particles, not the image's shading."""

PRESENT = 0.05
"""Classes are present in a window if they fill this part of it, and each this part of theirs."""


@dataclass(frozen=True)
class Variance:
    """Variance in windows, and the part of it between classes; images add up.

    Attributes
    ----------
    total, between
        Sums of squares.
    windows, met
        How many windows there are, and in how many all these classes are present.
    """

    total: float = 0.0
    between: float = 0.0
    windows: int = 0
    met: int = 0

    @property
    def share(self) -> float:
        """The share of the variance that the labels explain, 0 to 1; 0 where nothing varies."""
        return self.between / self.total if self.total > 0 else 0.0

    def __add__(self, other: Variance) -> Variance:
        return Variance(
            self.total + other.total,
            self.between + other.between,
            self.windows + other.windows,
            self.met + other.met,
        )


class LocalMoments:
    """Count, sum and sum of squares of each class in windows all over an image.

    Parameters
    ----------
    image : (Y, X, C) or (Y, X) number
        The channels' variances are added.
    labels : (Y, X) int
        Classes from 0.
    classes : int
        K.
    """

    def __init__(
        self, image: npt.NDArray[np.number], labels: npt.NDArray[np.integer], classes: int
    ) -> None:
        values = np.atleast_3d(image).astype(np.float64)
        values -= values.mean(axis=(0, 1))
        self._count, self._sum, self._square = [], [], []
        for k in range(classes):
            mask = labels == k
            own = values * mask[..., None]
            self._count.append(_windows(mask[..., None].astype(np.float64)))
            self._sum.append(_windows(own))
            self._square.append(_windows(np.square(own)).sum(axis=2))

    def variance(self, chosen: Sequence[int]) -> Variance:
        """Return the variance of the pixels of the chosen classes, and that between them."""
        count = np.sum([self._count[k] for k in chosen], axis=0)
        whole = np.sum([self._sum[k] for k in chosen], axis=0)
        square = float(np.sum([self._square[k] for k in chosen]))
        common = float((np.square(whole) / np.maximum(count, 1e-9)).sum())
        own = sum(
            float((np.square(self._sum[k]) / np.maximum(self._count[k], 1e-9)).sum())
            for k in chosen
        )
        present = count >= PRESENT * np.sum(self._count, axis=0)
        for k in chosen:
            present &= self._count[k] >= PRESENT * count
        # Rounding leaves traces where nothing varies.
        total = square - common if square - common > 1e-9 * square else 0.0
        return Variance(total, own - common, present.size, int(present.sum()))


def _windows(values: Doubles) -> Doubles:
    """Return sums of (Y, X, C) in blocks, weighted with a Gaussian around each block."""
    rows, cols = (np.arange(0, length, BLOCK) for length in values.shape[:2])
    sums = np.add.reduceat(np.add.reduceat(values, rows, axis=0), cols, axis=1)
    reach = (REACH / BLOCK, REACH / BLOCK, 0.0)
    blurred: Doubles = ndimage.gaussian_filter(sums, reach, mode="constant")
    return blurred
