"""From the features of labelled pixels to a classifier and its held-out figures."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tdseg.classifiers.evaluation import HeldOutReport, held_out_report
from tdseg.classifiers.fitting import fit
from tdseg.classifiers.mean import MeanClassifier
from tdseg.classifiers.selection import (
    CLASSICAL,
    HYBRID,
    choose,
    format_shares,
    parse_shares,
    parts_of_shares,
)
from tdseg.classifiers.training import training_set
from tdseg.runtime.feature_map import feature_sources
from tdseg.runtime.progress import Progress

if TYPE_CHECKING:
    from tdseg.classifiers.base import Classifier
    from tdseg.options.settings import Settings


@dataclass
class LabelledPixels:
    """Features and classes of the labelled pixels of all images; n pixels, F features.

    Attributes
    ----------
    features
        (n, F) float32.
    classes
        (n,) index into the ascending label values.
    rois
        (n,) ROI or stroke of each pixel, unique over images.
    images
        (n,) number of the image of each pixel.
    planes, rows, cols
        (n,) where in that image.
    around
        (m, D) float32, the deep features of pixels around them; None without deep features.
    changed
        (n, F) float32, what is trained on under ``augment=grey``; None: `features`.
    unlabelled
        (u, F) float32, all features of pixels around them; None where no classifier asks for it.
    """

    features: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int64]
    rois: npt.NDArray[np.int64]
    images: npt.NDArray[np.int32]
    planes: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    cols: npt.NDArray[np.int64]
    around: npt.NDArray[np.float32] | None = None
    changed: npt.NDArray[np.float32] | None = None
    unlabelled: npt.NDArray[np.float32] | None = None

    @property
    def trained_on(self) -> npt.NDArray[np.float32]:
        """What a classifier learns from, (n, F) float32; it is measured on `features`."""
        return self.features if self.changed is None else self.changed


@dataclass(frozen=True)
class Learned:
    """What was learned.

    Attributes
    ----------
    classifier
        Of the features `feature_names`.
    settings
        With the classifier that ``auto`` became; ``features`` are those that it needs.
    feature_names
        Of the features that were trained on: a part of those computed.
    report
        Held-out figures; None where switched off.
    seconds_training, seconds_held_out
        Wall time of the training, and of all work with labels held out.
    """

    classifier: Classifier
    settings: Settings
    feature_names: tuple[str, ...]
    report: HeldOutReport | None
    seconds_training: float
    seconds_held_out: float


def learn(
    data: LabelledPixels,
    class_names: Sequence[str],
    feature_names: tuple[str, ...],
    settings: Settings,
    progress: Progress,
) -> Learned:
    """Train the classifier of the settings, and measure it on held-out labels.

    Parameters
    ----------
    data
        Features of the labelled pixels.
    class_names, feature_names
        K and F names.
    settings
        With nothing on ``auto`` but the classifier.
    progress
        Hears how far the work is, and what ``classifier=auto`` chose; may cancel.

    Returns
    -------
    Learned
        The classifier with its resolved settings, and its report.

    Raises
    ------
    TdsegError
        If fewer than two classes have pixels, or shares name features that there are not.
    """
    began = time.monotonic()
    report: HeldOutReport | None = None
    if settings.shares and settings.classifier not in ("auto", "mean"):
        progress.note(f"Key 'shares' has no effect with classifier={settings.classifier}.")
    if settings.classifier == "auto":
        settings = settings.with_(classifier="mean")
        # Of one kind of features there is nothing to choose, but held-out figures come along.
        several = 0 < np.count_nonzero(feature_sources(feature_names)) < len(feature_names)
        if not settings.shares and (several or settings.held_out):
            progress.update(0.0, "choosing features by held-out labels")
            choice = choose(
                data.features,
                data.classes,
                data.rois,
                data.images,
                class_names,
                feature_sources(feature_names),
                unlabelled=data.unlabelled,
                trees=settings.trees,
                balance=settings.balance,
                seed=settings.seed,
                trained_on=data.changed,
                progress=lambda done: progress.update(0.6 * done),
            )
            if choice.reason:
                progress.note(choice.reason)
            report = choice.report if settings.held_out else None
            settings = settings.with_(shares=format_shares(choice.shares))
    if settings.classifier == "mean":
        data, feature_names, settings = _narrowed(data, feature_names, settings)
    chosen = time.monotonic()
    sources = feature_sources(feature_names)

    def fitted(features: npt.NDArray[np.float32], classes: npt.NDArray[np.int64]) -> Classifier:
        options: dict[str, Any] = {
            "trees": settings.trees,
            "balance": settings.balance,
            "seed": settings.seed,
        }
        if settings.classifier == "mean":
            training = training_set(features, classes, len(class_names), sources)
            parts = parts_of_shares(parse_shares(settings.shares), sources)
            mean = MeanClassifier.fit_parts(training, parts, **options)
            if settings.balance and data.unlabelled is not None:
                mean = mean.with_rare_classes(data.unlabelled)
            return mean
        kind = settings.classifier
        return fit(kind, features, classes, len(class_names), sources=sources, **options)

    progress.update(0.6, "training")
    classifier = fitted(data.trained_on, data.classes)
    trained = time.monotonic()
    if settings.held_out and report is None:
        progress.update(0.7, "measuring on held-out labels")
        report = held_out_report(
            data.features,
            data.classes,
            data.rois,
            data.images,
            list(class_names),
            fitted,
            seed=settings.seed,
            trained_on=data.changed,
        )
    if report is not None:
        report = report.with_top_features(feature_names, classifier.importances())
    held_out = time.monotonic() - trained + chosen - began
    return Learned(
        classifier,
        settings,
        feature_names,
        report,
        trained - chosen,
        held_out,
    )


def _narrowed(
    data: LabelledPixels, feature_names: tuple[str, ...], settings: Settings
) -> tuple[LabelledPixels, tuple[str, ...], Settings]:
    """Leave out features that have no share: they need not be computed to apply the classifier."""
    shares = parse_shares(settings.shares)
    parts = parts_of_shares(shares, feature_sources(feature_names))
    if len(parts) > 1:
        return data, feature_names, settings.with_(shares=format_shares(shares))
    [(start, stop, _)] = parts
    name = next(iter(shares), HYBRID)
    if name == HYBRID or (start, stop) == (0, len(feature_names)):
        return data, feature_names, settings.with_(shares="")
    settings = settings.with_(features=name, shares="")
    if name == CLASSICAL:
        # No network runs; what stands in the settings is where it would have.
        settings = settings.with_(device="cpu", precision="float32")

    def own(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return np.ascontiguousarray(values[:, start:stop])

    changed = None if data.changed is None else own(data.changed)
    around = None if data.unlabelled is None else own(data.unlabelled)
    data = replace(data, features=own(data.features), changed=changed, unlabelled=around)
    return data, feature_names[start:stop], settings
