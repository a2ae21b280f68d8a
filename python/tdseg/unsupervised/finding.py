"""From a sample of pixels to a classifier: classes by clusters, or foreground by attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tdseg.errors import TdsegError
from tdseg.unsupervised.classifier import ClusterClassifier
from tdseg.unsupervised.clustering import (
    classes_of_clusters,
    initial_clusters,
    semantic_classes,
)
from tdseg.unsupervised.embedding import Embedding, FeatureRun
from tdseg.unsupervised.foreground import cluster_densities, foreground_classes
from tdseg.unsupervised.sampling import PixelSample
from tdseg.unsupervised.surroundings import classes_by_surroundings


@dataclass(frozen=True)
class FoundClasses:
    """What was found in a sample.

    Attributes
    ----------
    classifier
        Gives every pixel its class; None where nothing stands out.
    class_names
        One per class.
    pixels
        (K,) sampled pixels of each class.
    densities
        (K,) mean attention of each class; None where it was not looked at.
    initial
        Number of clusters before merging.
    """

    classifier: ClusterClassifier | None
    class_names: tuple[str, ...]
    pixels: tuple[int, ...]
    densities: tuple[float, ...] | None
    initial: int


def find_classes(
    sample: PixelSample,
    runs: Sequence[FeatureRun],
    clusters: int | str,
    cutoff_scale: float,
    initial: int,
    seed: int,
) -> FoundClasses:
    """Find classes of similar pixels.

    Parameters
    ----------
    sample
        Pixels; with attention if `clusters` is "auto".
    runs
        Kinds of features.
    clusters
        Number of classes or "auto".
    cutoff_scale
        Factor of the semantic distance, for "auto".
    initial
        Clusters of k-means before merging.
    seed
        Fixes k-means' starts.

    Returns
    -------
    FoundClasses
        The classifier, and how many pixels each class has.

    Raises
    ------
    TdsegError
        If there are fewer different pixels than classes.
    """
    embedding = Embedding.fit(sample.features, runs)
    points = embedding.transform(sample.features)
    wanted = 2 if clusters == "auto" else int(clusters)
    first = initial_clusters(points, max(initial, wanted), seed)
    if clusters == "auto":
        wanted = semantic_classes(first, _densities(sample, first.assigned), cutoff_scale)
    classes = classes_of_clusters(points, first, wanted, seed)
    around = sample.surroundings if clusters != "auto" and all(run.deep for run in runs) else None
    if around is not None:
        means = around.points(embedding)
        classes = classes_by_surroundings(points, means, classes, max(initial, wanted), seed)
    count = len(classes.centres)
    if clusters != "auto" and count < wanted:
        raise TdsegError(
            f"clusters={wanted} is not possible: the images have only {count} "
            f"{'kind' if count == 1 else 'kinds'} of pixels that differ; ask for fewer clusters "
            "or choose other features."
        )
    classifier = ClusterClassifier.of_clusters(
        embedding, classes.centres, np.arange(count), sample.features
    )
    densities = None
    if sample.attention is not None:
        densities = tuple(float(d) for d in _densities(sample, classes.assigned))
    names = tuple(f"class {k + 1}" for k in range(count))
    pixels = tuple(int(n) for n in classes.sizes)
    return FoundClasses(classifier, names, pixels, densities, len(first.centres))


def find_foreground(
    sample: PixelSample,
    runs: Sequence[FeatureRun],
    cutoff_scale: float,
    initial: int,
    seed: int,
) -> FoundClasses:
    """Find the classes that attention prefers, and join them to a foreground.

    Parameters
    ----------
    sample
        Pixels with attention.
    runs, cutoff_scale, initial, seed
        As for `find_classes`.

    Returns
    -------
    FoundClasses
        The classifier of foreground and background.
    """
    found = find_classes(sample, runs, "auto", cutoff_scale, initial, seed)
    assert found.densities is not None
    assert found.classifier is not None
    front = foreground_classes(np.array(found.densities))
    pixels = np.array(found.pixels)
    density = np.array(found.densities)
    names = ("background", "foreground")
    if not front.any():
        return FoundClasses(None, names, (int(pixels.sum()), 0), None, found.initial)
    sides = [~front, front]
    classifier = ClusterClassifier.of_clusters(
        found.classifier.embedding, found.classifier.centres, front.astype(int), sample.features
    )
    return FoundClasses(
        classifier,
        names,
        tuple(int(pixels[side].sum()) for side in sides),
        tuple(float(np.average(density[side], weights=pixels[side])) for side in sides),
        found.initial,
    )


def _densities(sample: PixelSample, assigned: np.ndarray) -> np.ndarray:
    if sample.attention is None:
        raise ValueError("the sample has no attention")
    return cluster_densities(assigned, sample.attention, int(assigned.max()) + 1)
