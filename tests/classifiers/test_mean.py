import numpy as np
import pytest

from tdseg.classifiers.fitting import fit, from_storage, to_storage
from tdseg.classifiers.mean import MeanClassifier
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
    for start, stop, weight in PARTS:
        own = labelled.features[:, start:stop]
        for kind in ("random_forest", "logistic_regression"):
            alone = fit(
                kind,
                own,
                labelled.codes,
                3,
                sources=SOURCES[start:stop],
                trees=round(20 * weight / 100),
                seed=4,
            )
            expected += weight / 200 * alone.predict_proba(own)
    np.testing.assert_allclose(mean.predict_proba(labelled.features), expected, atol=1e-6)


@pytest.mark.parametrize(
    "parts", [PARTS, [(0, 3, 1.0)], [(3, 6, 1.0)], [(0, 3, 1.0), (3, 6, 1.0)], [(0, 6, 1.0)]]
)
def test_a_plane_equals_its_pixels(labelled, parts):
    mean = MeanClassifier.fit_parts(labelled, parts, trees=12)
    values = np.random.default_rng(1).normal(size=(6, 9, 8)).astype(np.float32)
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
