from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from tdseg.runtime.threads import set_thread_count
from tdseg.unsupervised.distances import nearest_by_class


def _example(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(3000, 7)).astype(np.float32)
    centres = rng.normal(size=(11, 7)).astype(np.float32)
    return points, centres, rng.permutation(np.arange(11) % 4)


def test_equals_brute_force() -> None:
    points, centres, classes = _example()
    found = nearest_by_class(points, centres, classes, 4)
    every = cdist(points.astype(float), centres.astype(float), "sqeuclidean")
    expected = np.stack([every[:, classes == k].min(axis=1) for k in range(4)], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_blocks_and_threads_change_no_bit() -> None:
    points, centres, classes = _example(1)
    try:
        set_thread_count(1)
        whole = nearest_by_class(points, centres, classes, 4)
        set_thread_count(3)
        assert np.array_equal(nearest_by_class(points, centres, classes, 4), whole)
    finally:
        set_thread_count(None)
    parts = [nearest_by_class(points[a : a + 77], centres, classes, 4) for a in range(0, 3000, 77)]
    assert np.array_equal(np.concatenate(parts), whole)


def test_a_class_without_centre_is_infinitely_far() -> None:
    points, centres, _ = _example(2)
    found = nearest_by_class(points, centres, np.zeros(len(centres), int), 2)
    assert np.isinf(found[:, 1]).all()
    assert np.isfinite(found[:, 0]).all()
