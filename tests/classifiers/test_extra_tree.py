from __future__ import annotations

import numpy as np
import pytest
from sklearn.tree import ExtraTreeClassifier

from tdseg.classifiers.extra_tree import RAND_MAX, grow_tree
from tdseg.classifiers.grow import grow_trees
from tdseg.classifiers.training import training_set

KINDS = ("plain", "ties", "constant features", "one value each")


def pixels_of(kind, rng, n=700, f=12, classes=4):
    x = rng.normal(size=(n, f)).astype(np.float32)
    y = np.digitize(x[:, 0] + x[:, 1] + 0.5 * rng.normal(size=n), np.linspace(-1, 1, classes - 1))
    if kind == "ties":
        x = np.rint(2 * x)
    if kind == "constant features":
        x[:, ::3] = 1
        x[:, 1] = x[:, 1] > 2  # constant in most nodes
        x[:, 4] *= 1e-7  # within the tolerance
    if kind == "one value each":
        x[:] = np.arange(n)[:, None] // 50
    return x.astype(np.float32), y


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("leaf", [1, 5])
def test_a_tree_is_scikit_learns_node_by_node(kind, leaf):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        x, y = pixels_of(kind, rng)
        weights = rng.integers(1, 5, len(x))
        rival = ExtraTreeClassifier(max_features=6, min_samples_leaf=leaf, random_state=seed)
        rival.fit(x, y, sample_weight=weights.astype(float))
        rows = np.argsort(y, kind="stable")
        feature, threshold, children, shares, importance = grow_tree(
            x,
            rows,
            np.arange(x.shape[1]),
            np.ones(x.shape[1], np.float32),
            y[rows],
            weights[rows],
            4,
            6,
            leaf,
            np.random.RandomState(seed).randint(RAND_MAX),
        )
        theirs, inner = rival.tree_, feature >= 0
        np.testing.assert_array_equal(np.where(inner, feature, -2), theirs.feature)
        np.testing.assert_array_equal(threshold[inner], theirs.threshold[inner])
        np.testing.assert_array_equal(children[inner, 0], theirs.children_left[inner])
        np.testing.assert_array_equal(children[inner, 1], theirs.children_right[inner])
        np.testing.assert_array_equal(shares, theirs.value[:, 0])
        scale = importance.sum() or 1
        np.testing.assert_allclose(importance / scale, rival.feature_importances_, atol=1e-12)


def test_columns_and_factors_choose_and_scale_features():
    rng = np.random.default_rng(0)
    x, y = pixels_of("plain", rng)
    rows = np.argsort(y, kind="stable")[::2]
    columns, factors = np.array([2, 0, 7]), np.array([4, 0.5, 1], np.float32)
    rest = (y[rows], np.ones(len(rows), np.int64), 4, 2, 1, 99)
    found = grow_tree(x, rows, columns, factors, *rest)
    seen = x[rows][:, columns] * factors
    cut = np.arange(len(rows)), np.arange(3), np.ones(3, np.float32)
    for ours, expected in zip(found, grow_tree(seen, *cut, *rest), strict=True):
        np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("balance", [True, False])
def test_a_draw_has_its_share_of_each_class(balance):
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1], [1800, 200])
    x = rng.normal(size=(2000, 4)).astype(np.float32)
    grown = grow_trees(training_set(x, y, 3), trees=40, balance=balance)
    roots = np.array([tree.shares[0] for tree in grown])
    assert (roots[:, 2] == 0).all()  # a class without pixels
    expected = 0.5 if balance else 0.1
    np.testing.assert_allclose(roots[:, 1].mean(), expected, atol=0.01)
