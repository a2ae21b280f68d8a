"""The mean of what surrounds sampled pixels, by which classes are found.

Deep features of a pixel tell a stone from its joint; that both are brick is seen in what surrounds
them. So classes are sought among means over a neighbourhood, and pixels are given to them by their
own features, whose borders are sharp.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from tdseg.runtime.feature_map import FeatureMap
from tdseg.unsupervised.embedding import Embedding

SIGMA = 6.0
"""Of the Gaussian, in pixels. Measured: smaller ones split textures, larger ones lose small things
(``docs/unsupervised.md``)."""

Place = tuple[Callable[[], FeatureMap], npt.NDArray[np.int64], npt.NDArray[np.int64]]

_STEPS = np.array([-1.6, -0.8, 0.0, 0.8, 1.6])  # standard deviations


class Surroundings:
    """Means over the neighbourhoods of sampled pixels, plane by plane.

    Parameters
    ----------
    places
        For each plane what computes its features, and rows and columns of the sampled pixels.
    """

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places

    def points(self, embedding: Embedding) -> npt.NDArray[np.float32]:
        """Return the mean embedded features around each pixel, (n, D) float32.

        The Gaussian is sampled at 25 points; beyond the border the border's pixels are taken.
        """
        return np.concatenate([_around(embedding, f(), y, x) for f, y, x in self._places])


def _around(
    embedding: Embedding,
    features: FeatureMap,
    rows: npt.NDArray[np.int64],
    cols: npt.NDArray[np.int64],
) -> npt.NDArray[np.float32]:
    height, width = features.shape
    projected = features.project(embedding.weights)
    shifts = np.rint(_STEPS * SIGMA).astype(np.int64)
    shares = np.exp(-0.5 * (shifts / SIGMA) ** 2)
    shares /= shares.sum()
    total = np.zeros((len(rows), embedding.dimensions), np.float32)
    for (y, share), (x, other) in itertools.product(zip(shifts, shares, strict=True), repeat=2):
        near = projected.at(np.clip(rows + y, 0, height - 1), np.clip(cols + x, 0, width - 1))
        total += np.float32(share * other) * embedding.normalise(near + embedding.bias)
    return total
