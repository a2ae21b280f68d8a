"""What every classifier offers, and the checks they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from tdseg.errors import TdsegError

Progress = Callable[[float], None]
"""Called now and then with the fraction done, 0 to 1; may raise `tdseg.errors.Cancelled`."""

ROWS_PER_BLOCK = 1 << 15
"""Pixels converted or multiplied at a time: bounds the memory beside the features themselves."""


@runtime_checkable
class Classifier(Protocol):
    """From the features of a pixel to the probabilities of its classes."""

    kind: ClassVar[str]
    n_classes: int
    n_features: int

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Return the class probabilities, (n, K) float32, of features (n, F) float32."""
        ...

    def importances(self) -> np.ndarray:
        """Return how much each feature matters, (F,) float64, not negative, sum 1."""
        ...

    def header(self) -> dict[str, Any]:
        """Return what a file's JSON header keeps, with ``kind``, ``n_classes``, ``n_features``."""
        ...

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays a file keeps; no objects."""
        ...

    @classmethod
    def from_storage(cls, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Self:
        """Rebuild the classifier from what `header` and `arrays` returned."""
        ...


class TrainableClassifier(Classifier, Protocol):
    """A classifier that the registry can train."""

    @classmethod
    def fit(
        cls,
        training: TrainingSet,
        *,
        trees: int = 200,
        balance: bool = True,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Self:
        """Train on checked pixels; a kind ignores the settings that do not concern it."""
        ...


@runtime_checkable
class LinearClassifier(Classifier, Protocol):
    """A classifier whose scores are ``features @ weights + bias``.

    The standardisation of the features is folded into `weights` and `bias`. Scores commute with
    averaging and linear upsampling: project first, upsample the scores, apply `link` last.
    """

    weights: np.ndarray
    bias: np.ndarray

    def link(self, scores: np.ndarray) -> np.ndarray:
        """Return the probabilities, (..., K) float32, of scores (..., K)."""
        ...


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Checked training pixels, as every kind of classifier receives them.

    Parameters
    ----------
    features : ndarray, (n, F) float32, C order
        Finite.
    codes : ndarray, (n,) int64
        Index into `present`: 0 to P-1, every value occurs.
    present : ndarray, (P,) int64
        The classes that have pixels, ascending; P is at least 2.
    n_classes : int
        K, with the classes that have no pixel.
    groups : ndarray, (F,) int64
        Kind of each feature: 0 is classical, 1, 2, ... are the levels of a backbone. Kinds get
        equal shares, however many features they have.
    """

    features: np.ndarray
    codes: np.ndarray
    present: np.ndarray
    n_classes: int
    groups: np.ndarray

    @property
    def n_features(self) -> int:
        """The number of features, F."""
        return int(self.features.shape[1])

    @property
    def counts(self) -> np.ndarray:
        """The number of pixels of each present class, (P,)."""
        return np.bincount(self.codes, minlength=len(self.present))

    @property
    def shares(self) -> np.ndarray:
        """What each feature's standard deviation is multiplied by in linear models, (F,) float64.

        With several kinds of features, each kind has total variance 1 under the penalty, so that
        hundreds of channels do not fit a few strokes by themselves; a single kind is left as it
        is, at variance 1 a feature.
        """
        kinds, inverse, counts = np.unique(self.groups, return_inverse=True, return_counts=True)
        if len(kinds) == 1:
            return np.ones(self.n_features)
        roots: np.ndarray = np.sqrt(counts[inverse].astype(np.float64))
        return roots

    def balanced_weights(self) -> np.ndarray:
        """Return a weight for each pixel, (n,) float64: equal sum per class, n in total."""
        per_class = len(self.codes) / (len(self.present) * self.counts)
        weights: np.ndarray = per_class[self.codes]
        return weights


def training_set(
    features: np.ndarray,
    labels: np.ndarray,
    n_classes: int,
    groups: np.ndarray | None = None,
) -> TrainingSet:
    """Check features and labels and return them as a `TrainingSet`.

    Without `groups` all features are of one kind.

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
    kinds = np.zeros(data.shape[1], np.int64) if groups is None else np.asarray(groups, np.int64)
    return TrainingSet(data, codes.reshape(-1), present, int(n_classes), kinds)


def check_features(features: np.ndarray, n_features: int) -> None:
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
                f"Feature number {bad[0] + 1} has values that are not finite (NaN or infinity); "
                "remove such pixels from the image or leave this feature out."
            )


def spread_columns(columns: np.ndarray, present: np.ndarray, n_classes: int) -> np.ndarray:
    """Return (n, K): column j of `columns` (n, P) at class ``present[j]``, zero elsewhere."""
    if len(present) == n_classes:
        return columns
    out = np.zeros((len(columns), n_classes), dtype=columns.dtype)
    out[:, present] = columns
    return out


def stored_array(
    arrays: Mapping[str, np.ndarray], name: str, kinds: str, shape: tuple[int | None, ...]
) -> np.ndarray:
    """Return ``arrays[name]`` if its dtype kind and shape are right (None: any length).

    Raises
    ------
    TdsegError
        Without the name of the file, which the caller may add.
    """
    found = arrays.get(name)
    if found is None:
        raise TdsegError(f"The classifier lacks the array '{name}'; save it again.")
    fits = len(found.shape) == len(shape) and all(
        b is None or a == b for a, b in zip(found.shape, shape, strict=True)
    )
    if found.dtype.kind not in kinds or not fits:
        raise TdsegError(
            f"The classifier's array '{name}' is {found.dtype} of shape {found.shape}, which does "
            "not fit its header; save the classifier again."
        )
    return found


def stored_count(header: Mapping[str, Any], key: str) -> int:
    """Return a positive integer of the header, or raise a `TdsegError`."""
    value = header.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise TdsegError(
            f"The classifier's header has no valid '{key}' (found {value!r}); save it again."
        )
    return value
