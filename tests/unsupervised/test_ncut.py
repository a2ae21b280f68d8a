from __future__ import annotations

import numpy as np
import pytest

from tdseg.runtime.feature_map import FeatureMap, Projected
from tdseg.unsupervised.embedding import Embedding, FeatureRun
from tdseg.unsupervised.ncut import SIMILAR, cut_foreground, fiedler_foreground

DEEP = [FeatureRun(6, deep=True)]


class ArrayMap:
    """Features held in memory, (F, Y, X)."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array.astype(np.float32)
        self.names = tuple(str(k) for k in range(len(array)))
        self.shape = array.shape[1:]

    def block(self, rows: slice, cols: slice) -> np.ndarray:
        return self.array[:, rows, cols]

    def at(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(self.array[:, rows, cols].T)

    def project(self, weights: np.ndarray) -> FeatureMap:
        return Projected(self, weights)

    def bytes_per_pixel(self) -> int:
        return 4 * len(self.names)


def _scene(shape: tuple[int, int] = (90, 120)) -> tuple[ArrayMap, np.ndarray]:
    """A thing in the middle, of other features than what surrounds it."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: shape[0], : shape[1]]
    mask = (y - 40) ** 2 + (x - 70) ** 2 < 22**2
    means = rng.normal(size=(2, 6))
    features = means[mask.astype(int)].transpose(2, 0, 1)
    return ArrayMap(features + 0.2 * rng.normal(size=features.shape)), mask


def test_finds_the_thing_in_the_middle() -> None:
    features, mask = _scene()
    found = cut_foreground(features, DEEP)
    assert found.names == ("ncut",)
    values = found.block(slice(None), slice(None))[0]
    assert values.shape == mask.shape
    assert values.min() >= 0
    assert values.max() <= 1
    front = values > 0.5
    assert (front & mask).sum() / (front | mask).sum() > 0.85


def test_is_the_relaxed_normalised_cut() -> None:
    rng = np.random.default_rng(3)
    nodes = rng.normal(size=(2, 6))[rng.integers(0, 2, 48)] + 2.5 * rng.normal(size=(48, 6))
    nodes = nodes.astype(np.float32)
    found = fiedler_foreground(nodes, (6, 8), DEEP).astype(float)
    points = Embedding.fit(nodes, DEEP).transform(nodes).astype(float)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    weights = np.where(points @ points.T > SIMILAR, 1.0, 1e-5)
    degree = np.diag(weights.sum(axis=1))
    # The generalised problem (D - W) y = lambda D y of Shi and Malik, solved densely.
    values, vectors = np.linalg.eig(np.linalg.solve(degree, degree - weights))
    second = vectors[:, np.argsort(values.real)[1]].real
    split = second - second.mean()
    expected = 0.5 + 0.5 * split / np.where(split > 0, split.max(), -split.min())
    assert len(np.unique(expected.round(3))) > 20  # not just two blocks
    assert np.allclose(found, expected, atol=1e-4) or np.allclose(found, 1 - expected, atol=1e-4)


def test_constant_features_have_no_foreground() -> None:
    features = ArrayMap(np.ones((6, 40, 50)))
    assert not cut_foreground(features, DEEP).block(slice(None), slice(None)).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (3, 2), (17, 5)])
def test_tiny_planes(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    found = cut_foreground(ArrayMap(rng.normal(size=(6, *shape))), DEEP)
    values = found.block(slice(None), slice(None))
    assert values.shape == (1, *shape)
    assert np.isfinite(values).all()


def test_same_cut_every_time() -> None:
    features, _ = _scene()
    a, b = (cut_foreground(features, DEEP).block(slice(None), slice(None)) for _ in range(2))
    assert np.array_equal(a, b)
