"""Pixels that resemble real ones: correlated, noisy features, some of few distinct values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest


@dataclass(frozen=True)
class Pixels:
    features: np.ndarray
    labels: np.ndarray


def make_pixels(n: int, n_features: int, n_classes: int = 3, seed: int = 0) -> Pixels:
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n, 6))
    features = hidden @ rng.normal(size=(6, n_features)) + rng.normal(size=(n, n_features))
    features *= np.exp(rng.normal(size=n_features) * 2)
    features += rng.normal(size=n_features) * 20
    features[:, ::4] = np.round(features[:, ::4])
    score = np.stack(
        [np.sin(2 * hidden[:, k]) + hidden[:, k + 1] * hidden[:, k + 2] for k in range(n_classes)]
    )
    labels = (score + rng.gumbel(size=score.shape) * 0.4).argmax(0)
    return Pixels(features.astype(np.float32), labels)


@pytest.fixture(scope="session")
def pixels() -> Pixels:
    return make_pixels(3000, 24)
