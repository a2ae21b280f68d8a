"""How good a classifier is on labels that it has not seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from tdseg.classifiers.folds import Classes, Folds, make_folds


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
    choice : str
        What ``augment=auto`` and ``classifier=auto`` chose, and why; empty where nothing was
        chosen.
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
    choice: str = ""

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

    def with_choice(self, reason: str) -> Self:
        """Return a copy that says another choice before its own."""
        return replace(self, choice=f"{reason} {self.choice}".strip())

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
        if self.choice:
            lines.append(f"  {self.choice}")
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
    trained_on: npt.NDArray[np.float32] | None = None,
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
    trained_on : ndarray, (n, F) float32, optional
        Other features of the same pixels to train on; `features` are predicted.

    Returns
    -------
    HeldOutReport

    Raises
    ------
    TdsegError
        When fewer than two classes have pixels.
    """
    began = time.perf_counter()
    folds = make_folds(labels, rois, images, seed=seed, max_samples=max_samples)
    source = features if trained_on is None else trained_on
    predicted = np.full(len(folds.labels), -1, np.int64)
    for trained, held in folds.rounds():
        classifier = fit_function(source[folds.pixels[trained]], folds.labels[trained])
        predicted[held] = classifier.predict(features[folds.pixels[held]])
    return report_of(folds, predicted, class_names, time.perf_counter() - began)


def report_of(
    folds: Folds,
    predicted: npt.NDArray[np.integer],
    class_names: Sequence[str],
    seconds: float,
) -> HeldOutReport:
    """Return the figures of predictions.

    Parameters
    ----------
    folds : Folds
        Of m pixels.
    predicted : ndarray, (m,) int
        Class of each as predicted when it was held out; not looked at where it never was.
    class_names : sequence of str, length K
    seconds : float
        What the predictions cost.
    """
    tested = folds.fold >= 0
    figures = _figures(folds.labels[tested], np.asarray(predicted)[tested], len(class_names))
    return HeldOutReport(
        class_names=tuple(class_names),
        **figures,
        n_folds=len(np.unique(folds.fold[tested])),
        grouping=folds.grouping,
        optimistic_classes=tuple(class_names[c] for c in folds.optimistic if figures["support"][c]),
        untested_classes=tuple(
            name for name, held in zip(class_names, figures["support"], strict=True) if not held
        ),
        seconds=seconds,
    )


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
