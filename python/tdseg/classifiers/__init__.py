"""Pixel classifiers, each a file of its own, and their registry.

A new kind needs a class with the methods of `TrainableClassifier` and one entry in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tdseg.classifiers.base import (
    Classifier,
    LinearClassifier,
    Progress,
    TrainableClassifier,
    training_set,
)
from tdseg.classifiers.forest import RandomForest
from tdseg.classifiers.linear import LinearRegression
from tdseg.classifiers.logistic import LogisticRegression
from tdseg.errors import TdsegError

__all__ = [
    "KINDS",
    "Classifier",
    "LinearClassifier",
    "fit",
    "from_storage",
    "to_storage",
]

KINDS: dict[str, type[TrainableClassifier]] = {
    RandomForest.kind: RandomForest,
    LogisticRegression.kind: LogisticRegression,
    LinearRegression.kind: LinearRegression,
}


def fit(
    kind: str,
    features: np.ndarray,
    labels: np.ndarray,
    n_classes: int,
    *,
    groups: np.ndarray | None = None,
    trees: int = 200,
    balance: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> Classifier:
    """Train a classifier on labelled pixels.

    Parameters
    ----------
    kind : str
        A key of `KINDS`.
    features : ndarray, (n, F) float32
        One row per labelled pixel.
    labels : ndarray, (n,) integer
        Class of each pixel, 0 to `n_classes` - 1. A class may have no pixel: its probability is 0.
    n_classes : int
        K.
    groups : ndarray, (F,) integer, optional
        Kind of each feature, 0 for classical ones; see `TrainingSet`.
    trees : int
        Trees of a random forest; other kinds ignore it.
    balance : bool
        Give every class the same influence, however many pixels it has.
    seed : int
        Fixes every random choice.
    progress : callable, optional
        Called with the fraction done; may raise to stop.

    Returns
    -------
    Classifier

    Raises
    ------
    TdsegError
        When the kind is unknown, a feature is not finite, or fewer than two classes have pixels.
    """
    return _kind(kind).fit(
        training_set(features, labels, n_classes, groups),
        trees=trees,
        balance=balance,
        seed=seed,
        progress=progress,
    )


def to_storage(classifier: Classifier) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return header and arrays of a classifier, for `storage.write_archive`."""
    return classifier.header(), classifier.arrays()


def from_storage(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Classifier:
    """Rebuild the classifier that `to_storage` took apart.

    Raises
    ------
    TdsegError
        When the kind is unknown or the arrays are damaged.
    """
    kind = str(header.get("kind"))
    if kind == "clusters":  # found without labels: a classifier that is not trained here
        from tdseg.unsupervised.classifier import ClusterClassifier

        return ClusterClassifier.from_storage(header, arrays)
    return _kind(kind).from_storage(header, arrays)


def _kind(name: str) -> type[TrainableClassifier]:
    if name not in KINDS:
        raise TdsegError(f"There is no classifier '{name}'; choose one of {', '.join(KINDS)}.")
    return KINDS[name]
