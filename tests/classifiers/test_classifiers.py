from __future__ import annotations

import json

import numpy as np
import pytest

from tdseg.classifiers.base import Classifier
from tdseg.classifiers.fitting import fit, from_storage, to_storage
from tdseg.classifiers.registry import CLASSIFIERS
from tdseg.classifiers.storage import read_archive, write_archive
from tdseg.errors import TdsegError
from tdseg.runtime.threads import set_thread_count

# Clusters are registered too, but found without labels.
TRAINABLE = list(CLASSIFIERS)


@pytest.mark.parametrize("kind", TRAINABLE)
def test_learns_classes_that_are_far_apart(kind):
    rng = np.random.default_rng(0)
    y = rng.integers(4, size=800)
    x = rng.normal(size=(800, 9)).astype(np.float32)
    x[np.arange(800), y] += 6
    model = fit(kind, x[:400], y[:400], 4, trees=30)
    assert isinstance(model, Classifier)
    assert (model.kind, model.n_classes, model.n_features) == (kind, 4, 9)
    probabilities = model.predict_proba(x[400:])
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-6)
    assert np.mean(probabilities.argmax(1) == y[400:]) > 0.97
    importances = model.importances()
    assert importances.shape == (9,)
    assert importances.dtype == np.float64
    assert importances.sum() == pytest.approx(1)
    assert importances[:4].sum() > 0.7


@pytest.mark.parametrize("kind", TRAINABLE)
def test_absent_class_has_probability_zero_and_changes_nothing(pixels, kind):
    spread = np.array([1, 3, 4])[pixels.labels]
    model = fit(kind, pixels.features, spread, 6, trees=10)
    probabilities = model.predict_proba(pixels.features)
    assert probabilities.shape == (3000, 6)
    np.testing.assert_array_equal(probabilities[:, [0, 2, 5]], 0)
    dense = fit(kind, pixels.features, pixels.labels, 3, trees=10)
    np.testing.assert_allclose(
        probabilities[:, [1, 3, 4]], dense.predict_proba(pixels.features), atol=1e-6
    )


@pytest.mark.parametrize("balance", [True, False])
@pytest.mark.parametrize("kind", TRAINABLE)
def test_one_pixel_of_a_class_and_few_features_are_enough(kind, balance):
    x = np.array([[0.0], [0.1], [0.2], [9.0]], np.float32)
    model = fit(kind, x, np.array([0, 0, 0, 1]), 2, trees=30, balance=balance)
    np.testing.assert_array_equal(model.predict_proba(x[[0, 3]]).argmax(1), [0, 1])


@pytest.mark.parametrize("kind", TRAINABLE)
def test_saved_classifier_predicts_the_same_pixels(pixels, kind, tmp_path):
    model = fit(kind, pixels.features, np.array([0, 1, 3])[pixels.labels], 4, trees=20)
    header, arrays = to_storage(model)
    json.dumps(header)
    write_archive(tmp_path / "a.tdseg", {"classifier": header}, arrays)
    stored, read = read_archive(tmp_path / "a.tdseg")
    again = from_storage(stored["classifier"], read)
    assert type(again) is type(model)
    np.testing.assert_array_equal(
        again.predict_proba(pixels.features), model.predict_proba(pixels.features)
    )
    np.testing.assert_allclose(again.importances(), model.importances(), rtol=1e-5)
    # Saved once more, it is the same file.
    header, arrays = to_storage(again)
    write_archive(tmp_path / "b.tdseg", {"classifier": header}, arrays)
    assert (tmp_path / "a.tdseg").read_bytes() == (tmp_path / "b.tdseg").read_bytes()


@pytest.mark.parametrize("kind", TRAINABLE)
def test_training_is_repeatable_on_any_number_of_threads(pixels, kind):
    results = []
    try:
        for threads in (1, 2):
            set_thread_count(threads)
            model = fit(kind, pixels.features, pixels.labels, 3, trees=8)
            results.append(model.arrays())
    finally:
        set_thread_count(None)
    for name, array in results[0].items():
        np.testing.assert_array_equal(array, results[1][name])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", TRAINABLE)
def test_values_that_are_not_finite_are_refused(pixels, kind, value):
    bad = pixels.features.copy()
    bad[1700, 5] = value
    with pytest.raises(TdsegError, match=r"Feature number 6 .* not finite"):
        fit(kind, bad, pixels.labels, 3)
    model = fit(kind, pixels.features, pixels.labels, 3, trees=3)
    with pytest.raises(TdsegError, match=r"Feature number 6 .* not finite"):
        model.predict_proba(bad)


def test_huge_but_finite_values_are_accepted(pixels):
    huge = pixels.features.copy()
    huge[:, 0] = np.float32(3e38)
    fit("random_forest", huge, pixels.labels, 3, trees=2).predict_proba(huge)


@pytest.mark.parametrize("kind", TRAINABLE)
def test_fewer_than_two_classes_are_refused(pixels, kind):
    with pytest.raises(TdsegError, match="draw labels of at least two classes"):
        fit(kind, pixels.features, np.ones(3000, int), 3)
    with pytest.raises(TdsegError, match="draw labels of at least two classes"):
        fit(kind, pixels.features[:0], pixels.labels[:0], 3)


@pytest.mark.parametrize("kind", TRAINABLE)
def test_wrong_number_of_features_is_refused(pixels, kind):
    model = fit(kind, pixels.features, pixels.labels, 3, trees=3)
    with pytest.raises(TdsegError, match="expects 24 features"):
        model.predict_proba(pixels.features[:, :20])


def test_labels_beyond_the_classes_are_refused(pixels):
    with pytest.raises(TdsegError, match="from 0 to 1"):
        fit("random_forest", pixels.features, pixels.labels, 2)
    with pytest.raises(TdsegError, match="shape"):
        fit("random_forest", pixels.features, pixels.labels[:-1], 3)


def test_unknown_kind_names_the_known_ones(pixels):
    with pytest.raises(TdsegError, match=r"svm.*random_forest, logistic_regression"):
        fit("svm", pixels.features, pixels.labels, 3)
    with pytest.raises(TdsegError, match="There is no classifier"):
        from_storage({}, {})


@pytest.mark.parametrize("kind", ["logistic_regression", "linear_regression"])
@pytest.mark.parametrize(
    "harm",
    [
        lambda header, arrays: arrays["weights"].__setitem__((0, 0), np.nan),
        lambda header, arrays: arrays.update(weights=arrays["weights"].T),
        lambda header, arrays: arrays.update(present=np.zeros(3, bool)),
        lambda header, arrays: arrays.pop("bias"),
        lambda header, arrays: header.update(sharpness="much"),
        lambda header, arrays: header.update(sharpness=0),
        lambda header, arrays: header.update(n_features=None),
    ],
)
def test_damaged_linear_classifier_is_refused(pixels, kind, harm):
    header, arrays = to_storage(fit(kind, pixels.features, pixels.labels, 3))
    harm(header, arrays)
    with pytest.raises(TdsegError, match=r"save it again|save the classifier again"):
        from_storage(header, arrays)
