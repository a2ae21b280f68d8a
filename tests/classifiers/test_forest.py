from __future__ import annotations

import zlib

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score

from tdseg.classifiers.fitting import fit, from_storage, to_storage
from tdseg.classifiers.forest import (
    SHARE,
    RandomForest,
    round_down,
    to_votes,
)
from tdseg.classifiers.grow import GrownTree, grow_trees
from tdseg.classifiers.training import training_set
from tdseg.errors import Cancelled, TdsegError
from tdseg.runtime.threads import set_thread_count


@pytest.fixture(scope="module")
def halves(pixels):
    return (
        pixels.features[:1500],
        pixels.labels[:1500],
        pixels.features[1500:],
        pixels.labels[1500:],
    )


def of_scikit_learn(tree):
    found = tree.tree_
    children = np.stack([found.children_left, found.children_right], axis=1)
    shares = found.value[:, 0]
    return GrownTree(found.feature, found.threshold, children, shares, tree.feature_importances_)


@pytest.mark.parametrize("leaf", [1, 7])
def test_converted_forest_predicts_as_scikit_learn(halves, leaf):
    x, y, x_new, _ = halves
    rival = RandomForestClassifier(
        40, random_state=1, min_samples_leaf=leaf, class_weight="balanced_subsample"
    ).fit(x, y)
    forest = RandomForest.from_trees(
        [of_scikit_learn(tree) for tree in rival.estimators_], training_set(x, y, 3)
    )
    # Ten thousand pixels, among them each value that is a threshold of some tree.
    rng = np.random.default_rng(0)
    many = x_new[rng.integers(len(x_new), size=10_000)]
    for tree in rival.estimators_:
        inner = np.flatnonzero(tree.tree_.feature >= 0)
        rows = rng.integers(len(many), size=len(inner))
        many[rows, tree.tree_.feature[inner]] = tree.tree_.threshold[inner].astype(np.float32)
    ours = forest.predict_proba(many)
    assert np.mean(ours.argmax(1) != rival.predict(many)) <= 1e-4
    np.testing.assert_allclose(ours, rival.predict_proba(many), atol=1e-4)
    np.testing.assert_allclose(forest.importances(), rival.feature_importances_, atol=1e-12)


def test_quality_is_at_least_that_of_scikit_learns_forest(halves):
    x, y, x_new, y_new = halves
    ours = fit("random_forest", x, y, 3, trees=100).predict_proba(x_new).argmax(1)
    rival = RandomForestClassifier(100, random_state=0, class_weight="balanced").fit(x, y)
    theirs = balanced_accuracy_score(y_new, rival.predict(x_new))
    assert balanced_accuracy_score(y_new, ours) > theirs - 0.02


def test_every_memory_order_and_any_cut_gives_the_same(halves):
    x, y, x_new, _ = halves
    forest = fit("random_forest", x, y, 3, trees=10)
    whole = forest.predict_proba(x_new)
    np.testing.assert_array_equal(forest.predict_proba(np.asfortranarray(x_new)), whole)
    parts = [forest.predict_proba(x_new[a : a + 97]) for a in range(0, len(x_new), 97)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert forest.predict_proba(x_new[:0]).shape == (0, 3)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole.sum(1), 1, atol=1e-6)


@pytest.mark.parametrize("trees", [1, 3, 8, 50])
@pytest.mark.parametrize("classes", [2, 5])
def test_deciding_early_gives_the_class_that_all_trees_give(trees, classes):
    rng = np.random.default_rng(trees)
    x = rng.normal(size=(3000, 6)).astype(np.float32)
    y = (x[:, 0] * classes + rng.normal(size=3000)).astype(int) % classes  # many close calls
    forest = RandomForest.fit(training_set(x, y, classes), trees=trees, seed=1)
    new = rng.normal(size=(20000, 6)).astype(np.float32)
    np.testing.assert_array_equal(forest.predict(new), forest.predict_proba(new).argmax(1))


def test_same_seed_gives_the_same_forest_on_any_number_of_threads(pixels):
    # Enough pixels for two bands.
    many = np.tile(pixels.features, (4, 1))
    results = []
    try:
        for threads in (1, 2, 3):
            set_thread_count(threads)
            forest = fit("random_forest", pixels.features, pixels.labels, 3, trees=7, seed=5)
            results.append((forest.arrays(), forest.predict_proba(many)))
    finally:
        set_thread_count(None)
    for arrays, probabilities in results[1:]:
        assert arrays.keys() == results[0][0].keys()
        for name, array in arrays.items():
            np.testing.assert_array_equal(array, results[0][0][name])
        np.testing.assert_array_equal(probabilities, results[0][1])
    other = fit("random_forest", pixels.features, pixels.labels, 3, trees=7, seed=6)
    assert not np.array_equal(other.predict_proba(many), results[0][1])


def test_balance_finds_more_of_a_rare_class():
    rng = np.random.default_rng(0)
    y = (rng.random(4000) < 0.04).astype(int)
    x = (rng.normal(size=(4000, 6)) + 1.2 * y[:, None]).astype(np.float32)
    found = {}
    for balance in (True, False):
        forest = fit("random_forest", x[:2000], y[:2000], 2, trees=60, balance=balance)
        found[balance] = forest.predict_proba(x[2000:][y[2000:] == 1]).argmax(1).mean()
    assert found[True] > found[False] + 0.15


def test_noisy_large_forest_stays_below_ten_megabytes():
    # Pure noise makes the deepest trees; 20 trees stand for 200.
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 76)).astype(np.float32)
    forest = fit("random_forest", x, rng.integers(3, size=20_000), 3, trees=20)
    packed = sum(len(zlib.compress(a.tobytes(), 6)) for a in forest.arrays().values())
    assert 10 * packed < 10e6


def test_constant_features_give_the_shares_of_the_classes():
    x = np.ones((30, 4), np.float32)
    forest = fit("random_forest", x, np.arange(30) % 3, 3, trees=5)
    np.testing.assert_allclose(forest.predict_proba(x[:2]), 1 / 3, atol=0.15)
    np.testing.assert_allclose(forest.importances(), 0.25)


def test_progress_rises_to_one_and_can_stop(pixels):
    seen: list[float] = []
    fit("random_forest", pixels.features, pixels.labels, 3, trees=60, progress=seen.append)
    assert seen == sorted(seen)
    assert len(seen) > 2
    assert seen[-1] == 1

    def stop(done: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        fit("random_forest", pixels.features, pixels.labels, 3, trees=30, progress=stop)


@pytest.mark.parametrize("trees", [0, -1, 100_000])
def test_impossible_number_of_trees_is_refused(pixels, trees):
    with pytest.raises(TdsegError, match=f"trees={trees}"):
        fit("random_forest", pixels.features, pixels.labels, 3, trees=trees)


def test_rounded_thresholds_decide_as_float64_ones():
    rng = np.random.default_rng(0)
    thresholds = np.concatenate([rng.normal(size=2000) * 10.0 ** rng.integers(-20, 20, 2000), [0]])
    near = thresholds.astype(np.float32)
    for x in (near, np.nextafter(near, np.float32(9e30)), np.nextafter(near, np.float32(-9e30))):
        np.testing.assert_array_equal(
            x <= round_down(thresholds), x.astype(np.float64) <= thresholds
        )


def test_votes_sum_exactly_and_keep_the_shares():
    shares = np.random.default_rng(0).dirichlet(np.full(7, 0.2), size=500)
    votes = to_votes(shares)
    assert (votes.sum(1, dtype=int) == SHARE).all()
    np.testing.assert_allclose(votes / SHARE, shares, atol=8 / SHARE)
    thirds = to_votes(np.array([[1, 2, 0], [5, 6, 1]]))
    np.testing.assert_array_equal(thirds.astype(int) * 12, np.array([[4, 8, 0], [5, 6, 1]]) * SHARE)


def test_breadth_first_order_keeps_the_trees(halves):
    x, y, x_new, _ = halves
    training = training_set(x, y, 3)
    grown = grow_trees(training, trees=3)
    found = RandomForest.from_trees(grown, training).predict_proba(x_new[:100])
    for pixel, probabilities in zip(x_new, found, strict=False):
        shares = []
        for tree in grown:
            node = 0
            while tree.feature[node] >= 0:
                goes_right = pixel[tree.feature[node]] > tree.threshold[node]
                node = tree.children[node, int(goes_right)]
            shares.append(tree.shares[node])
        np.testing.assert_allclose(probabilities, np.mean(shares, axis=0), atol=1e-4)


def damage(name, change):
    def apply(header, arrays):
        arrays[name] = change(arrays[name].copy())

    return apply


def put(index, value):
    def change(array):
        array[index] = value
        return array

    return change


@pytest.mark.parametrize(
    "harm",
    [
        damage("sizes", put(0, 1)),
        damage("sizes", put(0, -5)),
        damage("sizes", lambda a: a[:-1]),
        damage("feature", put(0, 24)),
        damage("feature", put(0, -2)),
        damage("feature", put(0, -1)),
        damage("feature", lambda a: a[:-1]),
        damage("feature", lambda a: a.astype(np.float32)),
        damage("threshold", put(0, np.nan)),
        damage("threshold", lambda a: a[1:]),
        damage("votes", put((0, 0), 7)),
        damage("votes", lambda a: a[:, 1:]),
        damage("votes", lambda a: a[1:]),
        damage("importance", put(0, np.nan)),
        damage("importance", lambda a: a[1:]),
        lambda header, arrays: header.update(n_classes="3"),
        lambda header, arrays: header.update(trees=0),
        lambda header, arrays: arrays.pop("votes"),
    ],
)
def test_damaged_arrays_are_refused_before_the_walk(pixels, harm):
    header, arrays = to_storage(fit("random_forest", pixels.features, pixels.labels, 3, trees=3))
    harm(header, arrays)
    with pytest.raises(TdsegError, match=r"save it again|save the classifier again"):
        from_storage(header, arrays)


def test_endless_walk_is_refused(pixels):
    header, arrays = to_storage(fit("random_forest", pixels.features, pixels.labels, 3, trees=1))
    # The root a leaf and the leaf an inner node: the counts agree, the order does not.
    feature = arrays["feature"]
    last = np.flatnonzero(feature == -1)[-1]
    feature[[0, last]] = feature[[last, 0]]
    with pytest.raises(TdsegError, match="order of nodes"):
        from_storage(header, arrays)
