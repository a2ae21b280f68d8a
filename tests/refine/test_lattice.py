from __future__ import annotations

import numpy as np
import pytest

from tdseg.refine.kernels import ExactKernel, LatticeKernel
from tdseg.refine.lattice import build_lattice


def _points(count: int, dimensions: int, extent: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, extent, size=(count, dimensions)).astype(np.float32)


@pytest.mark.parametrize("dimensions", [2, 3, 5, 7])
def test_every_point_lies_in_its_simplex(dimensions):
    lattice = build_lattice(_points(500, dimensions, 5.0))
    assert lattice.corner.min() >= 1
    assert lattice.corner.max() == lattice.corner_count
    assert lattice.weight.min() > -1e-5
    np.testing.assert_allclose(lattice.weight.sum(axis=1), 1.0, atol=1e-5)
    assert all(len(set(row)) == dimensions + 1 for row in lattice.corner.tolist())


@pytest.mark.parametrize("dimensions", [2, 5])
def test_neighbours_are_mutual(dimensions):
    neighbour = build_lattice(_points(400, dimensions, 3.0)).neighbour
    assert (neighbour > 0).any()
    for pairs in neighbour:
        for side in (0, 1):
            here = np.flatnonzero(pairs[:, side])
            np.testing.assert_array_equal(pairs[pairs[here, side], 1 - side], here)


def test_many_corners_keep_their_identity_while_the_table_grows():
    points = _points(6000, 5, 60.0)  # nearly every point has corners of its own
    lattice = build_lattice(points)
    assert lattice.corner_count > 20_000
    again = build_lattice(np.concatenate([points, points]))
    np.testing.assert_array_equal(again.corner[:6000], lattice.corner)
    np.testing.assert_array_equal(again.corner[6000:], lattice.corner)
    assert again.corner_count == lattice.corner_count


@pytest.mark.parametrize(("dimensions", "extent"), [(2, 8.0), (3, 5.0), (5, 2.5)])
def test_filter_approximates_the_gaussian(dimensions, extent):
    points = _points(3000, dimensions, extent)
    values = np.sin(points.sum(axis=1, keepdims=True)).T.astype(np.float32)
    lattice, exact = np.empty_like(values), np.empty_like(values)
    LatticeKernel(points).apply(values, lattice)
    ExactKernel(points).apply(values, exact)
    assert np.corrcoef(lattice[0], exact[0])[0, 1] > 0.99
    assert np.abs(lattice - exact).mean() < 0.2 * np.abs(exact).mean()
