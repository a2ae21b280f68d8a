"""Which labels are held out together.

Pixels of one stroke are nearly copies of each other: a random split of pixels tests on copies of
the training data and reports quality that no other image will show (Roberts et al., Ecography 40,
2017). So whole images are held out where there are several, else whole ROIs.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError

MAX_FOLDS = 3
"""Trainings that held-out figures may cost; each sees two thirds of the labels."""

MIN_PER_CLASS = 200
"""Pixels of a class that subsampling leaves alone."""

Classes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Folds:
    """Which labels are held out together; m of the n labelled pixels.

    Attributes
    ----------
    pixels : ndarray, (m,) int64
        Their numbers among all n, ascending.
    labels, strokes, fold : ndarray, (m,) int64
        Class, stroke (unique over images) and fold of each; fold -1 is always trained on.
    grouping : str
        What is held out as a whole: ``"image"``, ``"roi"`` or ``"pixel"``.
    optimistic : tuple of int
        Classes that are split more finely.
    """

    pixels: Classes
    labels: Classes
    strokes: Classes
    fold: Classes
    grouping: str
    optimistic: tuple[int, ...]

    def rounds(self) -> Iterator[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
        """Yield which of the m pixels train and which are held out, (m,) bool each, by fold."""
        for k in np.unique(self.fold[self.fold >= 0]):
            yield self.fold != k, self.fold == k


def make_folds(
    labels: npt.NDArray[np.int64],
    rois: npt.NDArray[np.signedinteger],
    images: npt.NDArray[np.signedinteger],
    *,
    seed: int = 0,
    max_samples: int = 20_000,
) -> Folds:
    """Divide labelled pixels into folds, as `held_out_report` describes.

    Raises
    ------
    TdsegError
        When fewer than two classes have pixels.
    """
    labels = np.asarray(labels, dtype=np.int64)
    if len(np.unique(labels)) < 2:
        raise TdsegError("Only one class has labels; draw labels of at least two classes.")
    rng = np.random.default_rng(seed)
    keep = _subsample(labels, max_samples, rng)
    labels = labels[keep]
    image = np.unique(np.asarray(images)[keep], return_inverse=True)[1].reshape(-1)
    numbers = np.stack([image, np.asarray(rois)[keep]], 1)
    roi = np.unique(numbers, axis=0, return_inverse=True)[1].reshape(-1)
    fold, grouping, optimistic = _split(labels, image, roi, rng)
    return Folds(keep, labels, roi, fold, grouping, tuple(optimistic))


def _subsample(
    labels: npt.NDArray[np.int64], max_samples: int, rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return sorted indices of about `max_samples` pixels, drawn class by class."""
    if len(labels) <= max_samples:
        return np.arange(len(labels))
    parts = []
    for c in np.unique(labels):
        members = np.flatnonzero(labels == c)
        quota = max(MIN_PER_CLASS, round(max_samples * len(members) / len(labels)))
        parts.append(rng.permutation(members)[:quota])
    return np.sort(np.concatenate(parts))


def _split(
    labels: npt.NDArray[np.int64],
    image: npt.NDArray[np.int64],
    roi: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.int64], str, list[int]]:
    """Return the fold of each pixel (-1: always trained on), the grouping, optimistic classes."""
    levels = [("image", image), ("roi", roi), ("pixel", np.arange(len(labels)))]
    if image.max() == 0:
        levels = levels[1:]
    classes = np.unique(labels)
    # Grouping is the coarsest level that spreads at least one class over the folds.
    while True:
        grouping, unit = levels[0]
        fold = _assign(unit, labels, rng)
        spread = [c for c in classes if len(np.unique(fold[labels == c])) > 1]
        if spread or len(levels) == 1:
            break
        levels = levels[1:]
    optimistic = [int(c) for c in classes] if grouping == "pixel" else []
    for c in classes:
        members = np.flatnonzero(labels == c)
        for _, finer in levels[1:]:
            if len(np.unique(fold[members])) > 1:
                break
            fold[members] = _assign(finer[members], labels[members], rng)
            if c not in optimistic:
                optimistic.append(int(c))
        if len(members) == 1:
            fold[members] = -1
    return fold, grouping, optimistic


def _assign(unit: Classes, labels: Classes, rng: np.random.Generator) -> Classes:
    """Deal whole units into folds so that every class is spread as evenly as possible.

    Units of several pixels go the way of scikit-learn's `StratifiedGroupKFold`; single pixels are
    dealt out at random, class by class.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    fold = np.zeros(len(labels), np.int64)
    units = len(np.unique(unit))
    if units == len(labels):
        for c in np.unique(labels):
            members = rng.permutation(np.flatnonzero(labels == c))
            fold[members] = np.arange(len(members)) % MAX_FOLDS
        return fold
    n_folds = min(MAX_FOLDS, units, int(np.bincount(labels).max()))
    if n_folds < 2:
        return fold
    split = StratifiedGroupKFold(n_folds, shuffle=True, random_state=int(rng.integers(2**31)))
    with warnings.catch_warnings():
        # A class with fewer pixels than folds is no mistake here: it is split more finely.
        warnings.filterwarnings("ignore", "The least populated class")
        for k, (_, held_out) in enumerate(split.split(labels, labels, unit)):
            fold[held_out] = k
    return fold
