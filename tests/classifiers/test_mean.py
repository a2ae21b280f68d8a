import numpy as np
import pytest

from tdseg.classifiers.fitting import fit, from_storage, to_storage
from tdseg.classifiers.mean import MeanClassifier, rare_class_factors
from tdseg.classifiers.training import training_set
from tdseg.errors import TdsegError
from tdseg.features.hybrid import HybridMap
from tdseg.runtime.feature_map import Projected

SOURCES = np.array([0, 0, 0, 1, 1, 2])
PARTS = [(0, 3, 30.0), (3, 6, 10.0), (0, 6, 60.0)]


class Stored:
    """A feature map of stored values; one that can be projected cheaply, or not."""

    def __init__(self, values, cheap):
        self.values, self.cheap, self.blocks = values, cheap, 0
        self.names = tuple(f"f{k}" for k in range(len(values)))
        self.shape = values.shape[1:]

    def block(self, rows, cols):
        self.blocks += 1
        return self.values[:, rows, cols]

    def project(self, weights):
        if not self.cheap:
            return Projected(self, weights)
        return Stored(np.tensordot(weights.T, self.values, 1).astype(np.float32), True)

    def bytes_per_pixel(self):
        return 4 * len(self.values)


@pytest.fixture
def labelled():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=600)
    features = rng.normal(size=(600, 6)).astype(np.float32)
    features[np.arange(600), labels] += 2
    features[np.arange(600), 3 + labels] += 1
    return training_set(features, labels, 3, SOURCES)


def test_it_is_the_weighted_mean_of_what_its_members_say_alone(labelled):
    mean = MeanClassifier.fit_parts(labelled, PARTS, trees=20, seed=4)
    expected = np.zeros((600, 3))
    # Of three classical features the forest counts more, of three deep ones the linear model.
    for (start, stop, weight), forest in zip(PARTS, (0.8, 0.2, 0.5), strict=True):
        own = labelled.features[:, start:stop]
        for kind, share in (("random_forest", forest), ("logistic_regression", 1 - forest)):
            alone = fit(
                kind,
                own,
                labelled.codes,
                3,
                sources=SOURCES[start:stop],
                trees=round(20 * weight / 100),
                seed=4,
            )
            expected += weight / 100 * share * alone.predict_proba(own)
    np.testing.assert_allclose(mean.predict_proba(labelled.features), expected, atol=1e-6)


def test_beyond_the_labels_classical_features_lead_a_linear_member_no_further(labelled):
    far = labelled.features[:50] * 100
    mean = MeanClassifier.fit_parts(labelled, [(0, 6, 1.0)], trees=5)
    forest, linear = (
        fit(kind, labelled.features, labelled.codes, 3, sources=SOURCES, trees=5)
        for kind in ("random_forest", "logistic_regression")
    )
    near = far.copy()
    low, high = labelled.features[:, :3].min(axis=0), labelled.features[:, :3].max(axis=0)
    near[:, :3] = np.minimum(np.maximum(far[:, :3], low), high)
    expected = (forest.predict_proba(far) + linear.predict_proba(near)) / 2
    np.testing.assert_allclose(mean.predict_proba(far), expected, atol=1e-6)


def test_only_rare_classes_are_taken_back():
    rng = np.random.default_rng(3)
    even = rng.dirichlet([5, 4, 3], 1000)
    np.testing.assert_array_equal(rare_class_factors(even), 1)
    rare = rng.dirichlet([50, 40, 1], 5000)
    factors = rare_class_factors(rare)
    np.testing.assert_array_equal(factors[:2], 1)
    # A 91st is 0.082 of 0.4 thirds.
    assert factors[2] == pytest.approx(np.sqrt(1 / 91 / (0.4 / 3)), rel=0.1)
    assert rare_class_factors(np.array([[0.5, 0.5, 0.0]]))[2] == 1


def test_a_mean_knows_what_is_rare_beside_the_labels(labelled):
    plain = MeanClassifier.fit_parts(labelled, PARTS, trees=12)
    mostly_first = labelled.features[labelled.codes == 0] + np.float32([3, 0, 0, 3, 0, 0])
    told = plain.with_rare_classes(mostly_first)
    before, after = (m.predict_proba(labelled.features) for m in (plain, told))
    np.testing.assert_allclose(after.sum(axis=1), 1, atol=1e-6)
    odds = (after[:, 1] / after[:, 0]) / (before[:, 1] / before[:, 0])
    np.testing.assert_allclose(odds, told.factors[1] / told.factors[0], rtol=1e-3)
    assert told.factors[1] < told.factors[0] == 1
    restored = from_storage(*to_storage(told))
    np.testing.assert_array_equal(restored.predict_proba(labelled.features), after)


@pytest.mark.parametrize(
    "parts", [PARTS, [(0, 3, 1.0)], [(3, 6, 1.0)], [(0, 3, 1.0), (3, 6, 1.0)], [(0, 6, 1.0)]]
)
def test_a_plane_equals_its_pixels(labelled, parts):
    mean = MeanClassifier.fit_parts(labelled, parts, trees=12)
    mean = MeanClassifier(mean.members, 6, mean.limits, np.array([1, 0.5, 0.8]))
    values = 3 * np.random.default_rng(1).normal(size=(6, 9, 8)).astype(np.float32)
    classical, deep = Stored(values[:3], False), Stored(values[3:], True)
    prepared = mean.prepare(HybridMap([classical, HybridMap([deep])]))
    found = mean.predict_proba_block(prepared.block(slice(2, 7), slice(0, 8)))
    pixels = values[:, 2:7].reshape(6, -1).T
    expected = mean.predict_proba(pixels).T.reshape(3, 5, 8)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    labels = mean.predict_block(prepared.block(slice(2, 7), slice(0, 8)))
    np.testing.assert_array_equal(labels, expected.argmax(axis=0))
    # What no member looks at is not evaluated, what several look at is evaluated once.
    used = [any(a < stop and b > start for a, b, _ in parts) for start, stop in ((0, 3), (3, 6))]
    assert [classical.blocks, deep.blocks] == [2 * u for u in used]


def share_of_changed_labels(mean):
    """Compare labels alone with those of all probabilities."""
    values = np.random.default_rng(1).normal(1, 1.5, (6, 250, 200)).astype(np.float32)
    features = HybridMap([Stored(values[:3], False), Stored(values[3:], True)])
    whole = slice(0, 250), slice(0, 200)
    expected = mean.prepare(features).block(*whole).argmax(axis=0)
    found = mean.predict_block(mean.prepare_labels(features).block(*whole))
    return (found != expected).mean()


@pytest.mark.parametrize(
    "parts", [[(0, 6, 1.0)], [(0, 3, 40.0), (0, 6, 60.0)], PARTS, [(3, 6, 1.0)]]
)
def test_labels_alone_are_those_of_the_probabilities(labelled, parts):
    mean = MeanClassifier.fit_parts(labelled, parts, trees=120, seed=2)
    mean = MeanClassifier(mean.members, 6, mean.limits, np.float32([1, 0.5, 0.8]))
    assert share_of_changed_labels(mean) <= 1e-4


def test_labels_where_linear_members_contradict_the_forest(labelled):
    swapped = training_set(labelled.features, (labelled.codes + 1) % 3, 3, SOURCES)
    right, wrong = (
        MeanClassifier.fit_parts(training, [(0, 6, 1.0)], trees=200)
        for training in (labelled, swapped)
    )
    mean = MeanClassifier([right.members[0], wrong.members[1]], 6)
    assert share_of_changed_labels(mean) <= 1e-4


def test_labels_of_linear_members_alone(labelled):
    whole = MeanClassifier.fit_parts(labelled, [(0, 6, 1.0)], trees=5)
    mean = MeanClassifier(whole.members[1:], 6, whole.limits)
    values = np.random.default_rng(1).normal(1, 1.5, (6, 20, 30)).astype(np.float32)
    features = HybridMap([Stored(values[:3], False), Stored(values[3:], True)])
    block = mean.prepare_labels(features).block(slice(0, 20), slice(0, 30))
    expected = mean.predict_proba(values.reshape(6, -1).T).argmax(axis=1)
    np.testing.assert_array_equal(mean.predict_block(block).ravel(), expected)


def test_importances_are_the_members_own(labelled):
    mean = MeanClassifier.fit_parts(labelled, [(0, 3, 1.0)], trees=20)
    np.testing.assert_array_equal(mean.importances()[3:], 0)
    assert mean.importances().sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "change",
    [
        {"members": []},
        {"n_classes": 4},
        {"n_features": 2},
        {"members": [{"start": 0, "stop": 3, "weight": 1, "classifier": {"kind": "mean"}}]},
        {"members": [{"start": "0", "stop": 3, "weight": 1, "classifier": {}}]},
        {"members": [3]},
    ],
)
def test_damage_is_one_sentence(labelled, change):
    header, arrays = to_storage(MeanClassifier.fit_parts(labelled, PARTS, trees=3))
    assert from_storage(header, arrays).n_features == 6
    with pytest.raises(TdsegError, match=r"mean of classifiers is damaged.*save it again"):
        from_storage({**header, **change}, arrays)
