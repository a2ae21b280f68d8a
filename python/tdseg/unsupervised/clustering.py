"""K-means on a sample of pixels, and the merging of its clusters to classes.

After HR-Dv2 ("Upsampling DINOv2 features for unsupervised vision tasks and weakly supervised
materials segmentation"): many small clusters first; complete linkage of their centres, cut where
foreground and background typically differ, says how many classes there are. Unlike there, the
classes themselves come from Ward's linkage, which minds how many pixels a cluster has, followed by
k-means from these classes: complete linkage spends classes on outliers (``docs/unsupervised.md``).
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

INITIAL_CLUSTERS = 80
SAMPLE_PIXELS = 50_000
_BINS = 20


@dataclass(frozen=True)
class Clusters:
    """What k-means found.

    Attributes
    ----------
    centres
        (C, D) float32, the largest cluster first.
    assigned
        (n,) cluster of each sampled point.
    sizes
        (C,) points of each cluster; none is empty.
    """

    centres: np.ndarray
    assigned: np.ndarray
    sizes: np.ndarray


def classes_of_clusters(points: np.ndarray, clusters: Clusters, count: int, seed: int) -> Clusters:
    """Merge clusters to `count` classes and let their centres settle among the points."""
    count = min(count, len(clusters.centres))
    classes = merge_clusters(clusters.centres, clusters.sizes, count=count, method="ward")
    weights = clusters.sizes.astype(np.float64)
    centres = np.stack(
        [
            np.average(clusters.centres[classes == k], axis=0, weights=weights[classes == k])
            for k in range(count)
        ]
    )
    return refine_classes(points, centres, seed)


def own_classes(points: np.ndarray, classes: Clusters, seed: int) -> Clusters:
    """Move classes that were found among other points of the same pixels to the pixels' own.

    Parameters
    ----------
    points
        (n, D) the pixels' own points.
    classes
        Found among means of what surrounds the pixels.
    seed
        Of k-means, which starts from the mean point of each class.

    Returns
    -------
    Clusters
        Where k-means comes to rest.
    """
    means = [
        points[classes.assigned == k].mean(axis=0, dtype=np.float64)
        for k in range(len(classes.centres))
    ]
    return refine_classes(points, np.stack(means), seed)


def initial_clusters(points: np.ndarray, count: int, seed: int) -> Clusters:
    """Group (n, D) points by k-means (k-means++ starts, Lloyd's iterations).

    Fewer clusters than `count` come back where there are fewer different points. One thread: sums
    over points then have one order, and the same seed gives the same clusters everywhere.

    Parameters
    ----------
    points
        (n, D) float32.
    count
        Number of clusters.
    seed
        Of the starts.

    Returns
    -------
    Clusters
        Centres, sizes, and the cluster of each point.
    """
    return _k_means(points, min(count, len(points)), seed)


def refine_classes(points: np.ndarray, centres: np.ndarray, seed: int) -> Clusters:
    """Move class centres (K, D) to where k-means, started from them, comes to rest."""
    return _k_means(points, len(centres), seed, centres)


def _k_means(points: np.ndarray, count: int, seed: int, init: np.ndarray | None = None) -> Clusters:
    points = np.ascontiguousarray(points, np.float32)
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # Fewer distinct points than clusters is no news to the user: the caller counts.
        warnings.simplefilter("ignore", ConvergenceWarning)
        means = KMeans(
            n_clusters=count,
            init="k-means++" if init is None else np.ascontiguousarray(init, np.float32),
            n_init=1,
            max_iter=100,
            tol=1e-4,
            random_state=seed,
        ).fit(points)
    # Centres that coincide or lost their points (a constant image) are no clusters of their own.
    kept, assigned = np.unique(means.labels_, return_inverse=True)
    centres = means.cluster_centers_[kept].astype(np.float32)
    centres, same = np.unique(centres, axis=0, return_inverse=True)
    assigned = same.ravel()[assigned.ravel()]
    sizes = np.bincount(assigned, minlength=len(centres))
    order = np.argsort(-sizes, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return Clusters(centres[order], rank[assigned], sizes[order])


def semantic_distance(centres: np.ndarray, density: np.ndarray, scale: float = 1.0) -> float | None:
    """Return how far foreground and background clusters typically are from each other.

    The distances between every cluster of above-average and every cluster of below-average
    attention fall into 20 bins; the upper edge of the fullest is the distance at which clusters
    are different things.

    Parameters
    ----------
    centres
        (C, D) cluster centres.
    density
        (C,) mean attention of each cluster.
    scale
        Factor of the distance: above 1 gives fewer classes.

    Returns
    -------
    float or None
        None where no cluster stands out.
    """
    mean = density.mean()
    front, back = density > mean, density < mean
    if not front.any() or not back.any():
        return None
    distances = cdist(centres[front].astype(np.float64), centres[back].astype(np.float64))
    counts, edges = np.histogram(distances, bins=_BINS)
    return float(edges[counts.argmax() + 1]) * scale


def semantic_classes(clusters: Clusters, density: np.ndarray, scale: float = 1.0) -> int:
    """Return how many classes there are: complete linkage, cut at the semantic distance.

    At least 2 where there are two clusters: one class is no segmentation.
    """
    distance = semantic_distance(clusters.centres, density, scale)
    if distance is None:
        return min(2, len(clusters.centres))
    classes = merge_clusters(clusters.centres, clusters.sizes, distance=distance, method="complete")
    return max(min(2, len(clusters.centres)), int(classes.max()) + 1)


def merge_clusters(
    centres: np.ndarray,
    sizes: np.ndarray,
    *,
    count: int | None = None,
    distance: float | None = None,
    method: Literal["complete", "ward"] = "complete",
) -> npt.NDArray[np.int64]:
    """Merge clusters to classes by agglomeration, until `count` are left or `distance` is reached.

    Parameters
    ----------
    centres, sizes
        Clusters, (C, D) and (C,).
    count
        Number of classes.
    distance
        Or: the largest distance at which classes still merge.
    method
        "complete" linkage (HR-Dv2) or "ward" (weighted by the clusters' sizes).

    Returns
    -------
    numpy.ndarray
        (C,) class of each cluster from 0, the largest class first.
    """
    if len(centres) == 1:
        return np.zeros(1, np.int64)
    if method == "ward":
        tree = _weighted_ward(centres, sizes)
    else:
        tree = linkage(centres.astype(np.float64), method)
    if count is not None:
        merged = fcluster(tree, count, "maxclust")
    else:
        merged = fcluster(tree, math.inf if distance is None else distance, "distance")
    _, classes = np.unique(merged, return_inverse=True)
    classes = classes.ravel()
    pixels = np.bincount(classes, weights=sizes)
    rank = np.empty(len(pixels), np.int64)
    rank[np.argsort(-pixels, kind="stable")] = np.arange(len(pixels))
    return rank[classes]


def _weighted_ward(centres: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Ward's linkage of clusters of different sizes, as scipy's (C - 1, 4) tree."""
    count = len(centres)
    middle = {k: centres[k].astype(np.float64) for k in range(count)}
    weight = {k: float(sizes[k]) for k in range(count)}
    tree = np.zeros((count - 1, 4))
    members = dict.fromkeys(range(count), 1)
    for step in range(count - 1):
        keys = np.array(sorted(middle))
        x = np.stack([middle[k] for k in keys])
        w = np.array([weight[k] for k in keys])
        cost = cdist(x, x, "sqeuclidean") * (w[:, None] * w / (w[:, None] + w))
        np.fill_diagonal(cost, np.inf)
        a, b = (int(keys[i]) for i in np.unravel_index(cost.argmin(), cost.shape))
        a, b = min(a, b), max(a, b)
        new = count + step
        weight[new] = weight[a] + weight[b]
        middle[new] = (weight[a] * middle[a] + weight[b] * middle[b]) / weight[new]
        members[new] = members[a] + members[b]
        tree[step] = a, b, np.sqrt(2 * cost.min()), members[new]
        for k in (a, b):
            del middle[k], weight[k]
    return tree
