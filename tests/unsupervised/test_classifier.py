from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from tdseg.classifiers.base import Classifier, LinearClassifier
from tdseg.classifiers.fitting import from_storage, to_storage
from tdseg.classifiers.storage import read_archive, write_archive
from tdseg.errors import TdsegError
from tdseg.unsupervised.classifier import ClusterClassifier
from tdseg.unsupervised.embedding import Embedding, FeatureRun


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=(2000, 4))
    values = hidden @ rng.normal(size=(4, 12)) + 0.3 * rng.normal(size=(2000, 12)) + 5
    return values.astype(np.float32)


@pytest.fixture(scope="module")
def classifier(features: np.ndarray) -> ClusterClassifier:
    embedding = Embedding.fit(features, [FeatureRun(5, deep=False), FeatureRun(7, deep=True)])
    centres = embedding.transform(features[:9])
    return ClusterClassifier.of_clusters(embedding, centres, np.arange(9) % 3, features)


def test_is_a_classifier_whose_features_may_be_projected_first(
    classifier: ClusterClassifier, features: np.ndarray
) -> None:
    assert isinstance(classifier, Classifier)
    assert isinstance(classifier, LinearClassifier)
    found = classifier.predict_proba(features)
    assert found.dtype == np.float32
    assert found.shape == (2000, 3)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    scores = features.astype(float) @ classifier.weights + classifier.bias
    np.testing.assert_allclose(classifier.link(scores), found, atol=2e-4)
    folded = classifier.link(scores.reshape(40, 50, -1))
    np.testing.assert_allclose(folded.reshape(2000, 3), found, atol=2e-4)


def test_the_nearest_cluster_wins(classifier: ClusterClassifier, features: np.ndarray) -> None:
    points = classifier.embedding.transform(features)
    every = cdist(points.astype(float), classifier.centres.astype(float))
    expected = classifier.classes[every.argmin(axis=1)]
    two = np.sort(every, axis=1)
    clear = two[:, 1] - two[:, 0] > 1e-3
    found = classifier.predict_proba(features).argmax(axis=1)
    assert np.array_equal(found[clear], expected[clear])
    assert clear.mean() > 0.9


def test_half_of_the_pixels_are_sure(classifier: ClusterClassifier, features: np.ndarray) -> None:
    highest = classifier.predict_proba(features).max(axis=1)
    assert np.median(highest) == pytest.approx(0.9, abs=2e-3)


def test_storage_keeps_every_bit(
    classifier: ClusterClassifier, features: np.ndarray, tmp_path: Path
) -> None:
    header, arrays = to_storage(classifier)
    write_archive(tmp_path / "a.tdseg", {"classifier": json.loads(json.dumps(header))}, arrays)
    stored, read = read_archive(tmp_path / "a.tdseg")
    again = from_storage(stored["classifier"], read)
    assert isinstance(again, ClusterClassifier)
    assert np.array_equal(again.predict_proba(features), classifier.predict_proba(features))
    np.testing.assert_array_equal(again.importances(), classifier.importances())


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("centres", lambda a: a[:, :-1]),
        ("centres", lambda a: np.full_like(a, np.nan)),
        ("classes", lambda a: a + 1),
        ("classes", lambda a: a * 0 - 5),
        ("edges", lambda a: a[::-1].copy()),
        ("weights", lambda a: a.astype(int)),
        ("scale", lambda a: a[:1]),
    ],
)
def test_damaged_arrays_are_refused(classifier: ClusterClassifier, name: str, damage) -> None:
    header, arrays = to_storage(classifier)
    with pytest.raises(TdsegError):
        from_storage(header, {**arrays, name: damage(arrays[name])})


def test_wrong_features_are_refused(classifier: ClusterClassifier, features: np.ndarray) -> None:
    with pytest.raises(TdsegError, match="12 features"):
        classifier.predict_proba(features[:, :11])
    bad = features[:5].copy()
    bad[2, 3] = np.nan
    with pytest.raises(TdsegError, match="not finite"):
        classifier.predict_proba(bad)


def test_importances_point_at_what_separates() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(500, 4)).astype(np.float32)
    values[:250, 2] += 40
    embedding = Embedding.fit(values, [FeatureRun(4, deep=True)])
    centres = embedding.transform(values[[0, 400]])
    found = ClusterClassifier.of_clusters(embedding, centres, np.arange(2), values).importances()
    assert found.sum() == pytest.approx(1)
    assert found.argmax() == 2


def test_one_class_is_certain(features: np.ndarray) -> None:
    embedding = Embedding.fit(features, [FeatureRun(12, deep=True)])
    centres = embedding.transform(features[:1])
    lone = ClusterClassifier.of_clusters(embedding, centres, np.zeros(1, int), features)
    assert np.array_equal(lone.predict_proba(features), np.ones((2000, 1), np.float32))
