"""Labelled pixels as classifiers receive them, and the checks of features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError

Progress = Callable[[float], None]
"""Called now and then with the fraction done, 0 to 1; may raise `tdseg.errors.Cancelled`."""

ROWS_PER_BLOCK = 1 << 15
"""Pixels converted or multiplied at a time: bounds the memory beside the features themselves."""

MAX_TREES = 10_000
"""Of a forest: the votes of more than 38,735 would not fit the 32 bits in which they are added."""


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Checked training pixels, as every kind of classifier receives them.

    Attributes
    ----------
    features : ndarray, (n, F) float32, C order
        Finite.
    codes : ndarray, (n,) int64
        Index into `present`: 0 to P-1, every value occurs.
    present : ndarray, (P,) int64
        The classes that have pixels, ascending; P is at least 2.
    n_classes : int
        K, with the classes that have no pixel.
    sources : ndarray, (F,) int64
        Where each feature comes from: 0 is classical, 1, 2, ... are the levels of a backbone.
        Sources get equal shares, however many features they have.
    """

    features: npt.NDArray[np.float32]
    codes: npt.NDArray[np.int64]
    present: npt.NDArray[np.int64]
    n_classes: int
    sources: npt.NDArray[np.int64]

    @property
    def n_features(self) -> int:
        """The number of features, F."""
        return int(self.features.shape[1])

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """The number of pixels of each present class, (P,)."""
        return np.bincount(self.codes, minlength=len(self.present))

    @property
    def shares(self) -> npt.NDArray[np.float64]:
        """What each feature's standard deviation is multiplied by in linear models, (F,) float64.

        With several sources of features, each has total variance 1 under the penalty, so that
        hundreds of channels do not fit a few strokes by themselves; a single source is left as it
        is, at variance 1 for each feature.
        """
        sources, inverse, counts = np.unique(self.sources, return_inverse=True, return_counts=True)
        if len(sources) == 1:
            return np.ones(self.n_features)
        roots: npt.NDArray[np.float64] = np.sqrt(counts[inverse].astype(np.float64))
        return roots

    def with_features(self, start: int, stop: int) -> TrainingSet:
        """Return the same pixels with the features from `start` to `stop` - 1 only."""
        if (start, stop) == (0, self.n_features):
            return self
        own = np.ascontiguousarray(self.features[:, start:stop])
        return replace(self, features=own, sources=self.sources[start:stop])

    def balanced_weights(self) -> npt.NDArray[np.float64]:
        """Return a weight for each pixel, (n,) float64: equal sum per class, n in total."""
        per_class = len(self.codes) / (len(self.present) * self.counts)
        weights: npt.NDArray[np.float64] = per_class[self.codes]
        return weights


def training_set(
    features: npt.NDArray[np.float32],
    labels: npt.NDArray[np.integer],
    n_classes: int,
    sources: npt.NDArray[np.integer] | None = None,
) -> TrainingSet:
    """Check features and labels and return them as a `TrainingSet`.

    Without `sources` all features come from one.

    Raises
    ------
    TdsegError
        When shapes disagree, a label is not a class, a feature is not finite, or fewer than two
        classes have pixels.
    """
    features = np.asarray(features)
    labels = np.asarray(labels)
    if features.ndim != 2 or labels.shape != (len(features),):
        raise TdsegError(
            f"Training needs features of shape (n, F) and labels of shape (n,), not "
            f"{features.shape} and {labels.shape}; pass one row and one label per pixel."
        )
    if len(labels) and (labels.min() < 0 or labels.max() >= n_classes):
        raise TdsegError(
            f"Training labels run from {labels.min()} to {labels.max()}, but there are "
            f"{n_classes} classes; number the classes from 0 to {n_classes - 1}."
        )
    present, codes = np.unique(labels.astype(np.int64), return_inverse=True)
    if len(present) < 2:
        raise TdsegError(
            f"Labels of {len(present)} class{'es' if len(present) == 0 else ''} were found; "
            "draw labels of at least two classes."
        )
    check_features(features, features.shape[1])
    data = np.ascontiguousarray(features, dtype=np.float32)
    origin = np.zeros(data.shape[1]) if sources is None else sources
    return TrainingSet(
        data, codes.reshape(-1), present, int(n_classes), np.asarray(origin, np.int64)
    )


def check_features(features: npt.NDArray[np.float32], n_features: int) -> None:
    """Raise a `TdsegError` unless features are (n, `n_features`) and finite."""
    if features.ndim != 2 or features.shape[1] != n_features:
        raise TdsegError(
            f"The classifier expects {n_features} features per pixel, but got an array of shape "
            f"{features.shape}; compute the features with the classifier's own settings."
        )
    for start in range(0, len(features), ROWS_PER_BLOCK):
        block = features[start : start + ROWS_PER_BLOCK]
        # The sum is a single cheap pass; only when it is not finite is each value looked at.
        with np.errstate(over="ignore", invalid="ignore"):
            suspicious = not np.isfinite(block.sum())
        if suspicious and not np.isfinite(block).all():
            bad = np.flatnonzero(~np.isfinite(block).all(axis=0))
            raise TdsegError(
                f"Feature number {bad[0] + 1} has values that are not finite (NaN or infinity). "
                "Pixels that are finite give such only where they are huge or a network's weights "
                "hold NaN; leave this feature out, or scale the image."
            )
