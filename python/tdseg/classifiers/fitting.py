"""Train a classifier by name, take it apart for a file, and rebuild it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.classifiers.base import Classifier, TrainableClassifier
from tdseg.classifiers.registry import CLASSIFIERS, UNTRAINED
from tdseg.classifiers.training import Progress, training_set
from tdseg.errors import TdsegError


def fit(
    kind: str,
    features: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    n_classes: int,
    *,
    sources: npt.NDArray[np.integer] | None = None,
    trees: int = 200,
    balance: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> TrainableClassifier:
    """Train a classifier on labelled pixels.

    Parameters
    ----------
    kind : str
        A name of `CLASSIFIERS`.
    features : ndarray, (n, F) float32
        One row per labelled pixel.
    labels : ndarray, (n,) int
        Class of each pixel, 0 to `n_classes` - 1. A class may have no pixel: its probability is 0.
    n_classes : int
        K.
    sources : ndarray, (F,) int, optional
        Where each feature comes from, 0 for classical ones; see `TrainingSet`.
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
    TrainableClassifier

    Raises
    ------
    TdsegError
        When the kind is unknown, a feature is not finite, or fewer than two classes have pixels.
    """
    return CLASSIFIERS.get(kind).fit(
        training_set(features, labels, n_classes, sources),
        trees=trees,
        balance=balance,
        seed=seed,
        progress=progress,
    )


def to_storage(classifier: Classifier) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Return header and arrays of a classifier, for `storage.write_archive`."""
    return classifier.header(), classifier.arrays()


def from_storage(header: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Classifier:
    """Rebuild the classifier that `to_storage` took apart.

    Raises
    ------
    TdsegError
        When the kind is unknown or the arrays are damaged.
    """
    kind = header.get("kind")
    if isinstance(kind, str) and kind in UNTRAINED:
        return UNTRAINED.get(kind).from_storage(header, arrays)
    if isinstance(kind, str) and kind in CLASSIFIERS:
        return CLASSIFIERS.get(kind).from_storage(header, arrays)
    raise TdsegError(
        f"There is no classifier {kind!r:.80} here; known are {', '.join(CLASSIFIERS)}. If a later "
        "version wrote the file, update tdseg; if an extension did, import it first."
    )
