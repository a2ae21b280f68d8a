"""One minus the margin, against sorted probabilities."""

import numpy as np
import pytest

import tdseg


@pytest.mark.parametrize("shape", [(2, 3, 5, 9, 7), (2, 9, 7), (6, 1, 1)])
def test_it_is_one_minus_the_margin_between_the_two_best(shape):
    values = np.random.default_rng(0).dirichlet(np.ones(shape[-3]), (*shape[:-3], *shape[-2:]))
    found = tdseg.uncertainty(np.moveaxis(values, -1, -3).astype(np.float32))
    ordered = np.sort(values, axis=-1)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, 1 - (ordered[..., -1] - ordered[..., -2]), atol=1e-6)


def test_a_class_that_another_step_chose():
    values = np.random.default_rng(0).dirichlet(np.ones(4), (9, 7))
    chosen = np.random.default_rng(1).integers(0, 4, (9, 7))
    found = tdseg.uncertainty(np.moveaxis(values, -1, 0), chosen)
    for y, x in np.ndindex(9, 7):
        others = np.delete(values[y, x], chosen[y, x])
        margin = values[y, x, chosen[y, x]] - others.max()
        assert found[y, x] == pytest.approx(min(1 - margin, 1), abs=1e-6)
    best = values.argmax(axis=2)
    stack = np.moveaxis(values, -1, 0)
    np.testing.assert_array_equal(tdseg.uncertainty(stack, best), tdseg.uncertainty(stack))


def test_its_ends():
    # Certain, undecided, undecided between two of three, nothing known, more than 1 by rounding.
    pixels = np.array(
        [[1, 0, 0], [1 / 3] * 3, [0.5, 0, 0.5], [0, 0, 0], [1 + 1e-6, 0, 0]], np.float32
    )
    found = tdseg.uncertainty(pixels.T[:, None, :])
    np.testing.assert_array_equal(found, [[0, 1, 1, 0, 0]])
    np.testing.assert_array_equal(tdseg.uncertainty(np.ones((1, 2, 2), np.float32)), 0)
