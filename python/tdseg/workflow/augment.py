"""``augment=``: training pixels under other brightness and contrast, and whether that helps."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.classifiers.fitting import fit
from tdseg.classifiers.folds import make_folds
from tdseg.classifiers.selection import MAX_PIXELS, TREES, held_out_loss
from tdseg.images.grey_changes import CHANGES, change_grey
from tdseg.images.intensity import Intensity
from tdseg.options.settings import Settings
from tdseg.runtime.feature_map import FeatureExtractor, feature_sources
from tdseg.runtime.progress import Part, Progress
from tdseg.workflow.learning import LabelledPixels

NONE, GREY = "none", "grey"
LEAST_GAIN = 0.05
"""Of the loss on held-out images: what changed pixels must take away to be trained on.

Where images are classified nearly without fault the losses differ by less, either way, and changed
pixels cost a few thousandths of IoU (``docs/brightness.md``).
"""


def augment(
    data: LabelledPixels,
    settings: Settings,
    extractor: FeatureExtractor,
    intensities: Sequence[Intensity],
    class_names: Sequence[str],
    feature_names: Sequence[str],
    progress: Progress,
) -> tuple[LabelledPixels, Settings, dict[str, Any]]:
    """Compute what ``augment=grey`` trains on, and replace ``augment=auto``.

    One labelled image cannot tell how images differ: there ``auto`` is ``none``. Several are held
    out in turn; the classifier learns from the rest, as they are and changed, and is asked about
    the image held out as it is.

    Parameters
    ----------
    data
        The n labelled pixels.
    settings
        With the key ``augment``.
    extractor, intensities
        Features; the pixels of each image.
    class_names, feature_names
        K and F names.
    progress
        Hears how far the work is, and what was chosen; may cancel.

    Returns
    -------
    data : LabelledPixels
        With `changed`, where that is to be trained on.
    settings : Settings
        With ``augment`` none or grey.
    facts : dict
        For the classifier's summary; empty where nothing was chosen.
    """
    count = len(np.unique(data.images))
    if settings.augment == NONE or (settings.augment == "auto" and count < 2):
        return data, settings.with_(augment=NONE), {}
    began = time.monotonic()
    images = "the image" if count == 1 else f"{count} images"
    progress.note(
        f"augment={settings.augment}: features of {images} are computed under "
        f"{len(CHANGES)} changes of grey values too."
    )
    whole = settings.augment == GREY
    part = Part(progress, 0, 1 if whole else 0.9)
    changed = changed_features(data, settings.seed, extractor, intensities, part)
    if whole:
        return replace(data, changed=changed), settings, {}
    grouping, losses = held_out_losses(
        data, changed, settings, len(class_names), feature_names, Part(progress, 0.9, 1)
    )
    chosen = better(losses) if grouping == "image" else NONE
    facts = {
        "chosen": chosen,
        "reason": _reason(chosen, grouping, losses),
        "losses": {name: round(loss, 4) for name, loss in losses.items()},
        "seconds": round(time.monotonic() - began, 1),
    }
    progress.note(f"{facts['reason']} It took {facts['seconds']:g} s.")
    settings = settings.with_(augment=chosen)
    return (replace(data, changed=changed) if chosen == GREY else data), settings, facts


def changed_features(
    data: LabelledPixels,
    seed: int,
    extractor: FeatureExtractor,
    intensities: Sequence[Intensity],
    progress: Progress,
) -> npt.NDArray[np.float32]:
    """Return features (n, F) of the labelled pixels, each under one change or none.

    Parameters
    ----------
    data
        The labelled pixels, with their features as they are.
    seed
        Draws the change of each pixel, all with the same probability.
    extractor, intensities
        Features; the pixels of each image.
    progress
        Hears how far the work is; may cancel.
    """
    features = data.features.copy()
    change = np.random.default_rng(seed).integers(0, len(CHANGES) + 1, len(features))
    planes = np.stack([data.images, data.planes], axis=1)
    jobs = np.unique(planes, axis=0)
    for done, job in enumerate(jobs):
        image, plane = (int(number) for number in job)
        here = (planes == job).all(axis=1)
        pixels = intensities[image].plane(plane)
        for number, how in enumerate(CHANGES):
            progress.update((done + number / len(CHANGES)) / len(jobs), f"features, {how.name}")
            members = np.flatnonzero(here & (change == number))
            if len(members):
                found = extractor.extract(change_grey(pixels, how))
                features[members] = found.at(data.rows[members], data.cols[members])
    return features


def held_out_losses(
    data: LabelledPixels,
    changed: npt.NDArray[np.float32],
    settings: Settings,
    n_classes: int,
    feature_names: Sequence[str],
    progress: Progress,
) -> tuple[str, dict[str, float]]:
    """Return what was held out, and the loss there without and with changed training pixels.

    Parameters
    ----------
    data, changed
        The labelled pixels; features (n, F) to train on instead.
    settings
        Which classifier, with its keys.
    n_classes, feature_names
        K, and F names.
    progress
        Hears how far the work is; may cancel.

    Returns
    -------
    tuple
        "image", "roi" or "pixel", and the mean log loss of `NONE` and of `GREY`.
    """
    folds = make_folds(
        data.classes, data.rois, data.images, seed=settings.seed, max_samples=MAX_PIXELS
    )
    kind = "mean" if settings.classifier == "auto" else settings.classifier
    rounds = list(folds.rounds())
    losses = {}
    for number, (name, learned_from) in enumerate(((NONE, data.features), (GREY, changed))):
        found = np.full((len(folds.labels), n_classes), np.nan)
        for done, (trained, held) in enumerate(rounds):
            progress.update(0.5 * (number + done / len(rounds)), "holding out images")
            classifier = fit(
                kind,
                learned_from[folds.pixels[trained]],
                folds.labels[trained],
                n_classes,
                sources=feature_sources(feature_names),
                trees=min(settings.trees, TREES),
                balance=settings.balance,
                seed=settings.seed,
            )
            found[held] = classifier.predict_proba(data.features[folds.pixels[held]])
        losses[name] = held_out_loss(found, folds)
    return folds.grouping, losses


def better(losses: Mapping[str, float]) -> str:
    """Return `GREY` where it takes enough of the loss away, else `NONE`."""
    return GREY if losses[GREY] < (1 - LEAST_GAIN) * losses[NONE] else NONE


def _reason(chosen: str, grouping: str, losses: Mapping[str, float]) -> str:
    if grouping != "image":
        return (
            "Brightness: no class has labels in several images, so none can be held out; trained "
            "on the images as they are."
        )
    what = "changed too" if chosen == GREY else "as they are"
    return (
        f"Brightness: trained on grey values {what} (augment={chosen}; log loss on held-out "
        f"images: {losses[NONE]:.2f} without changes, {losses[GREY]:.2f} with)."
    )
