from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist
from sklearn.metrics import adjusted_rand_score

from tdseg.unsupervised.clustering import (
    Clusters,
    classes_of_clusters,
    initial_clusters,
    merge_clusters,
    semantic_classes,
    semantic_distance,
)

CORNERS = np.array([[0, 0, 0], [9, 0, 0], [0, 9, 0], [0, 0, 9]], np.float32)


def _blobs(sizes: tuple[int, ...] = (500, 300, 150, 50)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    truth = np.repeat(np.arange(len(sizes)), sizes)
    points = CORNERS[truth] + rng.normal(size=(len(truth), 3))
    order = rng.permutation(len(truth))
    return points[order].astype(np.float32), truth[order]


def test_blobs_are_found_whatever_their_sizes() -> None:
    points, truth = _blobs()
    first = initial_clusters(points, 30, seed=0)
    assert len(first.centres) == 30
    assert first.sizes.sum() == len(points)
    found = classes_of_clusters(points, first, 4, seed=0)
    assert adjusted_rand_score(truth, found.assigned) > 0.99
    # The largest class comes first.
    assert list(found.sizes) == sorted(found.sizes, reverse=True)
    np.testing.assert_allclose(found.centres, CORNERS, atol=0.5)


def test_same_seed_same_clusters() -> None:
    points, _ = _blobs()
    a, b, c = (initial_clusters(points, 12, seed) for seed in (0, 0, 1))
    assert np.array_equal(a.centres, b.centres)
    assert not np.array_equal(a.centres, c.centres)


@pytest.mark.parametrize("method", ["complete", "ward"])
def test_merging_equals_scipy_where_clusters_are_of_one_size(method: str) -> None:
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(25, 4)).astype(np.float32)
    sizes = np.full(25, 7)
    expected = fcluster(linkage(centres.astype(float), method), 6, "maxclust")
    found = merge_clusters(centres, sizes, count=6, method=method)
    assert adjusted_rand_score(expected, found) == 1
    assert list(np.unique(found)) == list(range(6))


def test_ward_minds_sizes() -> None:
    # Three points in a row; the middle one is a little nearer to the left. Ward joins the pair
    # whose union costs least, which is the two small clusters.
    centres = np.array([[0.0], [1.0], [2.2]], np.float32)
    found = merge_clusters(centres, np.array([1000, 1000, 1]), count=2, method="ward")
    assert found[1] == found[2] != found[0]


def test_semantic_distance_is_the_edge_of_the_fullest_bin() -> None:
    rng = np.random.default_rng(2)
    centres = rng.normal(size=(30, 3)).astype(np.float32)
    density = rng.random(30)
    distances = sorted(
        float(np.linalg.norm(a - b))
        for a, p in zip(centres.astype(float), density, strict=True)
        for b, q in zip(centres.astype(float), density, strict=True)
        if p > density.mean() > q
    )
    width = (distances[-1] - distances[0]) / 20
    edges = [distances[0] + width * k for k in range(21)]
    counts = [
        sum(low <= d < high or (k == 19 and d == distances[-1]) for d in distances)
        for k, (low, high) in enumerate(itertools.pairwise(edges))
    ]
    expected = edges[int(np.argmax(counts)) + 1]
    assert semantic_distance(centres, density) == pytest.approx(expected, rel=1e-9)
    assert semantic_distance(centres, density, 1.3) == pytest.approx(1.3 * expected, rel=1e-9)
    assert semantic_distance(centres, np.ones(30)) is None


def test_number_of_classes_follows_the_distance() -> None:
    points, _ = _blobs()
    first = initial_clusters(points, 30, seed=0)
    density = cdist(first.centres, CORNERS).argmin(axis=1) == 1  # one blob stands out
    counts = [semantic_classes(first, density.astype(float), scale) for scale in (0.3, 1, 50)]
    assert counts[0] > counts[1] >= 2
    assert counts[2] == 2  # never one class
    distance = semantic_distance(first.centres, density.astype(float))
    tree = linkage(first.centres.astype(float), "complete")
    assert counts[1] == max(2, fcluster(tree, distance, "distance").max())


def test_equal_points_are_one_cluster() -> None:
    found = initial_clusters(np.ones((40, 3), np.float32), 8, seed=0)
    assert len(found.centres) == 1
    assert found.sizes.tolist() == [40]
    assert semantic_classes(found, np.ones(1)) == 1
    again = classes_of_clusters(np.ones((40, 3), np.float32), found, 3, seed=0)
    assert isinstance(again, Clusters)
    assert len(again.centres) == 1
