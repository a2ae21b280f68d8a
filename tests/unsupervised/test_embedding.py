from __future__ import annotations

import itertools

import numpy as np

from tdseg.unsupervised.embedding import CLASSICAL_SHARE, Embedding, FeatureRun


def _features(n: int = 800) -> np.ndarray:
    rng = np.random.default_rng(3)
    mixing = rng.normal(size=(6, 20))
    deep = rng.normal(size=(n, 6)) @ mixing + rng.normal(size=20)
    classical = rng.normal(size=(n, 5)) * [1, 1e4, 1e-3, 20, 3] + [0, 1e5, 1, 100, 7]
    return np.concatenate([classical, deep], axis=1).astype(np.float32)


def test_deep_features_keep_their_directions() -> None:
    features = _features()[:, 5:]
    embedding = Embedding.fit(features, [FeatureRun(20, deep=True)])
    points = embedding.transform(features).astype(np.float64)
    # Six dimensions hold all the variance, so angles of the centred features survive.
    assert embedding.dimensions == 6
    centred = features - features.mean(axis=0, dtype=np.float64)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    scaled = points / np.linalg.norm(points, axis=1, keepdims=True)
    np.testing.assert_allclose(scaled @ scaled.T, unit @ unit.T, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), embedding.scale[0], rtol=1e-5)


def test_classical_features_are_standardised() -> None:
    features = _features()[:, :5]
    embedding = Embedding.fit(features, [FeatureRun(5, deep=False)])
    points = embedding.transform(features).astype(np.float64)
    mean, spread = features.mean(axis=0, dtype=float), features.std(axis=0, dtype=float)
    standard = (features - mean) / spread
    # A rotation and one factor are left: distances agree.
    ours = np.linalg.norm(points[:50, None] - points[None, :50], axis=2)
    theirs = np.linalg.norm(standard[:50, None] - standard[None, :50], axis=2) * np.sqrt(
        CLASSICAL_SHARE / 5
    )
    np.testing.assert_allclose(ours, theirs, atol=2e-3)


def test_families_have_fixed_shares() -> None:
    features = _features()
    embedding = Embedding.fit(features, [FeatureRun(5, deep=False), FeatureRun(20, deep=True)])
    points = embedding.transform(features)
    edges = embedding.edges
    totals = [points[:, a:b].var(axis=0).sum() for a, b in itertools.pairwise(edges)]
    np.testing.assert_allclose(totals, [CLASSICAL_SHARE, 1], rtol=1e-3)


def test_constant_features_do_not_matter() -> None:
    features = _features()[:, 5:]
    constant = np.full((len(features), 4), 3.7, np.float32)
    constant += np.float32(1e-6) * np.arange(len(features), dtype=np.float32)[:, None] % 2
    wide = np.concatenate([features, constant], axis=1)
    a = Embedding.fit(features, [FeatureRun(20, deep=True)]).transform(features)
    b = Embedding.fit(wide, [FeatureRun(24, deep=True)]).transform(wide)
    np.testing.assert_allclose(a, b, atol=1e-4)
    # Nothing but constants, with rounding noise as half precision leaves it: one point.
    noisy = constant * (1 + 1e-4 * np.random.default_rng(0).choice([-1, 1], constant.shape))
    lone = Embedding.fit(noisy.astype(np.float32), [FeatureRun(4, deep=True)])
    assert np.ptp(lone.transform(noisy.astype(np.float32)), axis=0).max() == 0


def test_normalise_leaves_its_input_alone() -> None:
    features = _features()[:, 5:]
    embedding = Embedding.fit(features, [FeatureRun(20, deep=True)])
    scores = features @ embedding.weights + embedding.bias
    before = scores.copy()
    embedding.normalise(scores)
    assert np.array_equal(scores, before)
