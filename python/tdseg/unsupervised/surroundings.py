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
from tdseg.unsupervised.clustering import (
    Clusters,
    classes_of_clusters,
    initial_clusters,
    own_classes,
)
from tdseg.unsupervised.embedding import Embedding

SIGMA = 6.0
"""Of the Gaussian, in pixels. Measured: smaller ones split textures, larger ones lose small things
(``docs/unsupervised.md``)."""

TELLING = 0.22
"""Share of the pixels' variance that classes of surroundings must explain. Measured: 0.27 to 0.36
on mosaics of textures; 0.17 on an image of spots and lines, where they are but vague regions."""

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


def classes_by_surroundings(
    points: npt.NDArray[np.floating],
    around: npt.NDArray[np.float32],
    own: Clusters,
    initial: int,
    seed: int,
) -> Clusters:
    """Seek classes among the surroundings, and keep the pixels' own where those tell little.

    Parameters
    ----------
    points
        (n, D) the pixels' own points.
    around
        (n, D) means of what surrounds them.
    own
        Classes found among the pixels' own points.
    initial
        Clusters of k-means before merging.
    seed
        Of k-means.

    Returns
    -------
    Clusters
        As many as `own` has, or `own` itself.
    """
    count = len(own.centres)
    first = initial_clusters(around, initial, seed)
    found = own_classes(points, classes_of_clusters(around, first, count, seed), seed)
    telling = _explained(points, found.assigned) >= TELLING
    return found if telling and len(found.centres) == count else own


def _explained(points: npt.NDArray[np.floating], assigned: npt.NDArray[np.integer]) -> float:
    """Return the share of the points' variance that lies between classes."""
    total = len(points) * points.var(axis=0, dtype=np.float64).sum()
    centre = points.mean(axis=0, dtype=np.float64)
    between = sum(
        len(of_class) * ((of_class.mean(axis=0, dtype=np.float64) - centre) ** 2).sum()
        for of_class in (points[assigned == k] for k in np.unique(assigned))
    )
    return float(between / total) if total else 0.0


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
