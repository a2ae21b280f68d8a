from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tdseg.classifiers.affine import AffineClassifier, standardize
from tdseg.classifiers.base import LinearClassifier
from tdseg.classifiers.fitting import fit
from tdseg.classifiers.linear import LinearRegression
from tdseg.classifiers.training import training_set
from tdseg.errors import TdsegError

LINEAR = ["logistic_regression", "linear_regression"]


def two_classes(pixels):
    keep = pixels.labels < 2
    return pixels.features[keep], pixels.labels[keep]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("balance", [True, False])
def test_logistic_regression_agrees_with_scikit_learn(pixels, n_classes, balance):
    x, y = two_classes(pixels) if n_classes == 2 else (pixels.features, pixels.labels)
    rival = make_pipeline(
        StandardScaler(),
        LogisticRegression(max_iter=5000, tol=1e-8, class_weight="balanced" if balance else None),
    ).fit(x[:1200].astype(np.float64), y[:1200])
    ours = fit("logistic_regression", x[:1200], y[:1200], n_classes, balance=balance)
    expected = rival.predict_proba(x[1200:].astype(np.float64))
    np.testing.assert_allclose(ours.predict_proba(x[1200:]), expected, atol=2e-3)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("balance", [True, False])
def test_linear_regression_decides_as_ridge_classifier(pixels, n_classes, balance):
    x, y = two_classes(pixels) if n_classes == 2 else (pixels.features, pixels.labels)
    rival = make_pipeline(
        StandardScaler(), RidgeClassifier(class_weight="balanced" if balance else None)
    ).fit(x[:1200].astype(np.float64), y[:1200])
    ours = fit("linear_regression", x[:1200], y[:1200], n_classes, balance=balance)
    np.testing.assert_array_equal(ours.predict_proba(x).argmax(1), rival.predict(x))
    scores = rival.decision_function(x)
    if n_classes == 2:
        scores = np.stack([-scores, scores], 1)
    np.testing.assert_allclose(x @ ours.weights + ours.bias, scores, atol=1e-4)


def test_sharpness_makes_the_training_pixels_most_likely(pixels):
    x, y = pixels.features, pixels.labels
    model = fit("linear_regression", x, y, 3, balance=False)
    scores = model.scores(x)

    def loss(factor):
        return -np.log(softmax(factor * scores, axis=1)[np.arange(len(y)), y]).mean()

    best = loss(model.sharpness)
    assert best < loss(model.sharpness * 1.1)
    assert best < loss(model.sharpness / 1.1)


@pytest.mark.parametrize("kind", LINEAR)
def test_scores_from_weights_and_bias_give_the_probabilities(pixels, kind):
    model = fit(kind, pixels.features, pixels.labels, 3)
    assert isinstance(model, LinearClassifier)
    assert model.weights.shape == (24, 3)
    assert model.bias.shape == (3,)
    scores = pixels.features @ model.weights + model.bias
    expected = softmax(model.sharpness * scores, axis=1)
    np.testing.assert_allclose(model.link(scores), expected, atol=1e-6)
    np.testing.assert_allclose(model.predict_proba(pixels.features), expected, atol=1e-6)
    plane = model.link(scores.reshape(50, 60, 3).astype(np.float32))
    assert plane.shape == (50, 60, 3)
    assert plane.dtype == np.float32
    np.testing.assert_allclose(plane.reshape(-1, 3), expected, atol=1e-5)


@pytest.mark.parametrize("kind", LINEAR)
def test_scores_commute_with_averaging(pixels, kind):
    model = fit(kind, pixels.features, pixels.labels, 3)
    pairs = pixels.features.reshape(-1, 2, 24)
    first = model.link(model.scores(pairs.reshape(-1, 24)).reshape(-1, 2, 3).mean(1))
    np.testing.assert_allclose(first, model.predict_proba(pairs.mean(1)), atol=1e-4)


@pytest.mark.parametrize("kind", LINEAR)
def test_large_offsets_and_scales_do_not_matter(pixels, kind):
    # A 16-bit image far from zero: the same decisions as on the standardised one.
    z = StandardScaler().fit_transform(pixels.features.astype(np.float64)).astype(np.float32)
    shifted = (z * 4 + 30_000).astype(np.float32)
    plain = fit(kind, z, pixels.labels, 3).predict_proba(z)
    np.testing.assert_allclose(
        fit(kind, shifted, pixels.labels, 3).predict_proba(shifted), plain, atol=0.01
    )


@pytest.mark.parametrize("kind", LINEAR)
def test_constant_feature_gets_no_weight(pixels, kind):
    x = pixels.features.copy()
    x[:, 3] = 0.1
    model = fit(kind, x, pixels.labels, 3)
    np.testing.assert_array_equal(model.weights[3], 0)
    assert model.importances()[3] == 0


@pytest.mark.parametrize("kind", LINEAR)
def test_important_features_are_those_that_decide(kind):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1000, 5)).astype(np.float32) * np.array([1, 100, 1, 0.01, 1], np.float32)
    y = (x[:, 1] / 100 + x[:, 3] / 0.01 > 0).astype(int)
    importances = fit(kind, x, y, 2).importances()
    assert set(np.argsort(importances)[-2:]) == {1, 3}
    assert importances[[1, 3]].sum() > 0.8


def test_standardize_matches_standard_scaler(pixels):
    training = training_set(pixels.features, pixels.labels, 3)
    standardized, mean, scale = standardize(training)
    scaler = StandardScaler().fit(pixels.features.astype(np.float64))
    np.testing.assert_allclose(mean, scaler.mean_, rtol=1e-6)
    np.testing.assert_allclose(scale, scaler.scale_, rtol=1e-6)
    np.testing.assert_allclose(standardized, scaler.transform(pixels.features), atol=1e-4)


@pytest.mark.parametrize("kind", LINEAR)
def test_any_cut_of_the_pixels_gives_the_same_labels(pixels, kind):
    model = fit(kind, pixels.features, pixels.labels, 3)
    assert isinstance(model, AffineClassifier)
    whole = model.predict_proba(pixels.features)
    parts = [model.predict_proba(pixels.features[a : a + 61]) for a in range(0, 3000, 61)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=2e-7)


def test_weights_that_float32_cannot_hold_are_refused():
    weights = np.ones((3, 2))
    LinearRegression(weights * 1e29, np.zeros(2), np.ones(3), np.ones(2, bool))
    for far in (1e39, np.inf, np.nan):
        weights[1, 1] = far
        with pytest.raises(TdsegError, match="not usable"):
            LinearRegression(weights, np.zeros(2), np.ones(3), np.ones(2, bool))
