"""How good a classifier is on labels that it has not seen.

Pixels of one stroke are nearly copies of each other: a random split of pixels tests on copies of
the training data and reports quality that no other image will show (Roberts et al., Ecography 40,
2017). So whole images are held out where there are several, else whole ROIs.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError

MAX_FOLDS = 3
"""Trainings a report may cost; each sees two thirds of the labels."""

MIN_PER_CLASS = 200
"""Pixels of a class that subsampling leaves alone."""

Classes = npt.NDArray[np.int64]


class Predictor(Protocol):
    """Anything that gives classes, such as a `tdseg.classifiers.Classifier`."""

    def predict(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.integer]:
        """Return the class, (n,), of (n, F)."""
        ...


@dataclass(frozen=True)
class HeldOutReport:
    """Quality on held-out labels.

    Attributes
    ----------
    class_names : tuple of str, length K
    precision, recall, f1, iou : tuple of float or None, length K
        None where nothing was predicted (precision) or nothing held out (the others).
    support : tuple of int, length K
        Held-out pixels of each class.
    confusion : tuple of tuple of int, (K, K)
        Rows: the label; columns: the prediction.
    n_folds : int
        Trainings with a part held out.
    grouping : str
        What was held out as a whole: ``"image"``, ``"roi"`` or ``"pixel"``.
    optimistic_classes : tuple of str
        Classes with too few ROIs, split more finely than `grouping` or by pixel: their figures
        flatter.
    untested_classes : tuple of str
        Classes with a single pixel, which was needed for training, or none.
    seconds : float
        Wall time that the report cost.
    top_features : tuple of (str, float)
        Most important features of the final classifier, filled in by the caller
        (`with_top_features`).
    """

    class_names: tuple[str, ...]
    precision: tuple[float | None, ...]
    recall: tuple[float | None, ...]
    f1: tuple[float | None, ...]
    iou: tuple[float | None, ...]
    support: tuple[int, ...]
    confusion: tuple[tuple[int, ...], ...]
    n_folds: int
    grouping: str
    optimistic_classes: tuple[str, ...]
    untested_classes: tuple[str, ...]
    seconds: float
    top_features: tuple[tuple[str, float], ...] = ()

    @property
    def accuracy(self) -> float | None:
        """Share of held-out pixels that were predicted right."""
        table = np.array(self.confusion)
        return float(np.trace(table) / table.sum()) if table.sum() else None

    @property
    def mean_iou(self) -> float | None:
        """Mean IoU of the classes that were held out."""
        known = [value for value in self.iou if value is not None]
        return float(np.mean(known)) if known else None

    def with_top_features(
        self, names: Sequence[str], importances: npt.NDArray[np.float64], count: int = 10
    ) -> Self:
        """Return a copy with the `count` most important features, most important first."""
        best = np.argsort(-np.asarray(importances), kind="stable")[:count]
        return replace(self, top_features=tuple((names[i], float(importances[i])) for i in best))

    def rows(self) -> list[dict[str, Any]]:
        """Return a table row a class, ready for a ResultsTable."""
        known = {
            "Precision": self.precision,
            "Recall": self.recall,
            "F1": self.f1,
            "IoU": self.iou,
        }
        return [
            {
                "Class": name,
                **{title: values[k] for title, values in known.items()},
                "Held-out pixels": self.support[k],
                "Held out by": "pixel" if name in self.optimistic_classes else self.grouping,
                "Note": self._note(name),
            }
            for k, name in enumerate(self.class_names)
        ]

    def as_text(self) -> str:
        """Return a few lines for a terminal or a Log."""
        lines = [f"Held-out quality ({self.n_folds} folds by {self.grouping}):"]
        for row in self.rows():
            figures = ", ".join(
                f"{key} {'-' if row[key] is None else format(row[key], '.3f')}"
                for key in ("Precision", "Recall", "F1")
            )
            note = f" ({row['Note']})" if row["Note"] else ""
            lines.append(f"  {row['Class']}: {figures}, {row['Held-out pixels']} pixels{note}")
        if self.top_features:
            lines.append("  Most important: " + ", ".join(name for name, _ in self.top_features))
        return "\n".join(lines)

    def _note(self, name: str) -> str:
        if name in self.untested_classes:
            return "not tested: too few pixels"
        return "optimistic: too few ROIs" if name in self.optimistic_classes else ""

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {key: _plain(value) for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Rebuild a report from `to_dict`; keys it does not know are left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: _frozen(value) for key, value in data.items() if key in known})


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


def held_out_report(
    features: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    rois: npt.NDArray[np.signedinteger],
    images: npt.NDArray[np.signedinteger],
    class_names: Sequence[str],
    fit_function: Callable[[npt.NDArray[Any], npt.NDArray[Any]], Predictor],
    *,
    seed: int = 0,
    max_samples: int = 20_000,
) -> HeldOutReport:
    """Train on a part of the labels, predict the rest, until every label was predicted once.

    Whole images are held out where there are several, else whole ROIs. A class that
    would be missing from a training, because one image or ROI holds all of it, is split by ROI,
    then by pixel, and reported as optimistic.

    Parameters
    ----------
    features : ndarray, (n, F) float32
    labels : ndarray, (n,) int
        Classes 0 to K - 1; a class may have one pixel or none.
    rois : ndarray, (n,) int
        ROI or connected stroke of each pixel; numbers may repeat in another image.
    images : ndarray, (n,) int
        Image of each pixel.
    class_names : sequence of str, length K
    fit_function : callable
        From features (m, F) and labels (m,), of which at least two classes occur, to a classifier
        with K classes.
    seed : int
        Fixes the split and the choice of pixels.
    max_samples : int
        With more pixels than this, about as many are drawn, small classes kept whole.

    Returns
    -------
    HeldOutReport

    Raises
    ------
    TdsegError
        When fewer than two classes have pixels.
    """
    began = time.perf_counter()
    labels = np.asarray(labels, dtype=np.int64)
    n_classes = len(class_names)
    if len(np.unique(labels)) < 2:
        raise TdsegError("Only one class has labels; draw labels of at least two classes.")
    rng = np.random.default_rng(seed)
    keep = _subsample(labels, max_samples, rng)
    labels = labels[keep]
    image = np.unique(np.asarray(images)[keep], return_inverse=True)[1].reshape(-1)
    numbers = np.stack([image, np.asarray(rois)[keep]], 1)
    roi = np.unique(numbers, axis=0, return_inverse=True)[1].reshape(-1)
    fold, grouping, optimistic = _split(labels, image, roi, rng)
    used = np.unique(fold[fold >= 0])
    predicted = np.full(len(labels), -1, np.int64)
    for k in used:
        classifier = fit_function(features[keep[fold != k]], labels[fold != k])
        predicted[fold == k] = classifier.predict(features[keep[fold == k]])
    tested = predicted >= 0
    figures = _figures(labels[tested], predicted[tested], n_classes)
    return HeldOutReport(
        class_names=tuple(class_names),
        **figures,
        n_folds=len(used),
        grouping=grouping,
        optimistic_classes=tuple(class_names[c] for c in optimistic if figures["support"][c]),
        untested_classes=tuple(
            name for name, held in zip(class_names, figures["support"], strict=True) if not held
        ),
        seconds=time.perf_counter() - began,
    )


def held_out_folds(
    labels: npt.NDArray[np.int64],
    rois: npt.NDArray[np.signedinteger],
    images: npt.NDArray[np.signedinteger],
    *,
    seed: int = 0,
    max_samples: int = 20_000,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return indices (m,) of the pixels that a report draws, and the fold (m,) of each.

    Parameters as for `held_out_report`; fold -1 is never held out.
    """
    labels = np.asarray(labels, dtype=np.int64)
    rng = np.random.default_rng(seed)
    keep = _subsample(labels, max_samples, rng)
    image = np.unique(np.asarray(images)[keep], return_inverse=True)[1].reshape(-1)
    numbers = np.stack([image, np.asarray(rois)[keep]], 1)
    roi = np.unique(numbers, axis=0, return_inverse=True)[1].reshape(-1)
    return keep, _split(labels[keep], image, roi, rng)[0]


def _figures(truth: Classes, predicted: Classes, n_classes: int) -> dict[str, Any]:
    """Return precision, recall, F1, IoU, support and confusion as a report holds them."""
    from sklearn.metrics import confusion_matrix, jaccard_score, precision_recall_fscore_support

    if len(truth) == 0:  # scikit-learn takes no empty arrays
        unknown = (None,) * n_classes
        return {
            **dict.fromkeys(("precision", "recall", "f1", "iou"), unknown),
            "support": (0,) * n_classes,
            "confusion": ((0,) * n_classes,) * n_classes,
        }
    every = np.arange(n_classes)
    table = confusion_matrix(truth, predicted, labels=every)
    precision, recall, f1, support = precision_recall_fscore_support(
        truth, predicted, labels=every, zero_division=np.nan
    )
    iou = jaccard_score(truth, predicted, labels=every, average=None, zero_division=0)
    held = support > 0

    def optional(values: npt.NDArray[np.float64]) -> tuple[float | None, ...]:
        return tuple(None if np.isnan(value) else float(value) for value in values)

    return {
        "precision": optional(precision),
        "recall": optional(recall),
        "f1": optional(np.where(held, f1, np.nan)),
        "iou": optional(np.where(held, iou, np.nan)),
        "support": tuple(int(v) for v in support),
        "confusion": tuple(tuple(int(v) for v in row) for row in table),
    }


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
