"""``refine=auto``: try the CRF on strokes held out of training, and keep what helps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.classifiers.base import Classifier
from tdseg.classifiers.folds import make_folds
from tdseg.images.intensity import Intensity
from tdseg.options.settings import Settings
from tdseg.refine.strengths import (
    FACTORS,
    LEAST_STROKES,
    UNREFINED,
    Verdict,
    choose_strength,
    least_kept,
    with_strength,
)
from tdseg.runtime.feature_map import FeatureExtractor, FeatureMap
from tdseg.runtime.progress import Part, Progress, Silent
from tdseg.workflow.refine import crf_guide, refine_window

MOST_PIXELS = 1 << 19
"""Pixels of all windows together: what the choice may cost."""

INNER = 256
"""Side of the part of a window whose strokes are judged."""

MARGIN = 128
"""Pixels around it that the CRF sees too."""

ROWS = 64
"""Rows of a window that are classified at a time."""


@dataclass(frozen=True)
class Places:
    """Where the n labelled pixels are: image, plane, row and column, (n,) each."""

    images: npt.NDArray[np.int32]
    planes: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    cols: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Window:
    """A part of a plane, and the labelled pixels in it that are judged."""

    image: int
    plane: int
    rows: slice
    cols: slice
    members: npt.NDArray[np.int64]


def choose_refinement(
    settings: Settings,
    extractor: FeatureExtractor,
    intensities: Sequence[Intensity],
    sizes: Sequence[tuple[int, int]],
    places: Places,
    features: npt.NDArray[np.float32],
    classes: npt.NDArray[np.int64],
    rois: npt.NDArray[np.int64],
    class_names: Sequence[str],
    fitted: Callable[[npt.NDArray[Any], npt.NDArray[Any]], Classifier],
    progress: Progress,
) -> tuple[Settings, dict[str, Any]]:
    """Replace ``refine=auto`` by what held-out strokes say.

    Parameters
    ----------
    settings
        With the CRF's own keys: what is tried are multiples of its strengths.
    extractor, intensities, sizes
        Features; the pixels of each image, and its height and width.
    places, features, classes, rois
        The n labelled pixels; features (n, F), the others (n,).
    class_names
        For what is said.
    fitted
        Trains a classifier.
    progress
        Is told what was chosen, and what it cost; may cancel.

    Returns
    -------
    settings : Settings
        With ``refine`` none or crf, and the strengths of the CRF.
    facts : dict
        For the classifier's summary.
    """
    started = time.monotonic()
    strokes = [len(np.unique(rois[classes == k])) for k in range(len(class_names))]
    if min(strokes) < LEAST_STROKES:
        few = int(np.argmin(strokes))
        progress.note(
            f"refine=auto: class '{class_names[few]}' has {strokes[few]} "
            f"{'stroke' if strokes[few] == 1 else 'strokes'}, too few to tell whether the CRF "
            f"helps; the result is not refined. Draw {LEAST_STROKES} of each class, or choose "
            "refine=crf."
        )
        return settings.with_(refine="none"), {"chosen": UNREFINED, "strokes": strokes}
    drawn = make_folds(classes, rois, places.images, seed=settings.seed)
    keep, fold = drawn.pixels, drawn.fold
    chosen = windows(places, classes, keep[fold >= 0], sizes)
    folds = np.full(len(classes), -1)
    folds[keep] = fold
    right: dict[str, list[npt.NDArray[np.bool_]]] = {n: [] for n in (UNREFINED, *FACTORS)}
    seen: list[npt.NDArray[np.int64]] = []
    pixels = {name: np.zeros(int(classes.max()) + 1, np.int64) for name in right}
    models = {
        int(k): fitted(features[keep[fold != k]], classes[keep[fold != k]])
        for k in np.unique(fold[fold >= 0])
    }
    for done, window in enumerate(chosen):
        part = Part(progress, done / len(chosen), (done + 1) / len(chosen))
        plane = intensities[window.image].plane(window.plane)
        guide = crf_guide(plane, settings)[window.rows, window.cols]
        own = np.unique(folds[window.members])
        maps = _probabilities([models[int(k)] for k in own], extractor.extract(plane), window, part)
        for k, unrefined in zip(own, maps, strict=True):
            members = window.members[folds[window.members] == k]
            rows = places.rows[members] - window.rows.start
            cols = places.cols[members] - window.cols.start
            seen.append(members)
            for name in right:
                found = unrefined
                if name != UNREFINED:
                    found = refine_window(
                        unrefined, guide, with_strength(settings, name), Silent(), {}
                    )
                    progress.update((done + 0.9) / len(chosen), "choosing the refinement")
                labels = found.argmax(axis=0)
                pixels[name] += np.bincount(labels.ravel(), minlength=len(pixels[name]))
                right[name].append(labels[rows, cols] == classes[members])
    judged = np.concatenate(seen)
    verdict = choose_strength(
        classes[judged],
        rois[judged],
        {name: np.concatenate(parts) for name, parts in right.items()},
        {name: least_kept(pixels[UNREFINED].tolist(), pixels[name].tolist()) for name in FACTORS},
    )
    return _kept(settings, verdict, progress, started)


def windows(
    places: Places,
    classes: npt.NDArray[np.int64],
    held: npt.NDArray[np.int64],
    sizes: Sequence[tuple[int, int]],
) -> list[Window]:
    """Cut windows around held-out pixels, rare classes first, of `MOST_PIXELS` in all.

    Parameters
    ----------
    places, classes
        All labelled pixels.
    held
        Indices of those that are held out at some time.
    sizes
        (Y, X) of each image.

    Returns
    -------
    list of Window
        At least one where anything is held out; every pixel belongs to one at most.
    """
    share = 1.0 / np.bincount(classes[held], minlength=int(classes.max(initial=0)) + 1)[classes]
    cells = np.stack(
        [
            places.images[held],
            places.planes[held],
            places.rows[held] // INNER,
            places.cols[held] // INNER,
        ],
        axis=1,
    ).astype(np.int64)
    keys, cell = np.unique(cells, axis=0, return_inverse=True)
    worth = np.bincount(cell.reshape(-1), weights=share[held])
    found: list[Window] = []
    spent = 0
    for index in np.argsort(-worth, kind="stable"):
        image, plane, y, x = (int(v) for v in keys[index])
        rows, cols = (
            slice(max(0, c * INNER - MARGIN), min(length, (c + 1) * INNER + MARGIN))
            for c, length in zip((y, x), sizes[image], strict=True)
        )
        size = (rows.stop - rows.start) * (cols.stop - cols.start)
        if found and spent + size > MOST_PIXELS:
            continue
        spent += size
        found.append(Window(image, plane, rows, cols, held[cell.reshape(-1) == index]))
    return found


def _probabilities(
    models: Sequence[Classifier], features: FeatureMap, window: Window, progress: Progress
) -> list[npt.NDArray[np.float32]]:
    """Return the probabilities (K, h, w) of a window by each of the models."""
    prepared = [model.prepare(features) for model in models]
    height, width = window.rows.stop - window.rows.start, window.cols.stop - window.cols.start
    out = [np.empty((model.n_classes, height, width), np.float32) for model in models]
    for top in range(0, height, ROWS):
        progress.update(0.9 * top / height, "choosing the refinement")
        last = min(top + ROWS, height)
        rows = slice(window.rows.start + top, window.rows.start + last)
        shared: npt.NDArray[np.float32] | None = None
        for model, ready, target in zip(models, prepared, out, strict=True):
            if ready is features:  # the same block for all: it costs more than the classifier
                block = features.block(rows, window.cols) if shared is None else shared
                shared = block
            else:
                block = ready.block(rows, window.cols)
            target[:, top:last] = model.predict_proba_block(block)
    return out


def _kept(
    settings: Settings, verdict: Verdict, progress: Progress, started: float
) -> tuple[Settings, dict[str, Any]]:
    """Write the verdict into the settings, and say it."""
    seconds = round(time.monotonic() - started, 1)
    facts: dict[str, Any] = {
        "chosen": verdict.chosen,
        "seconds": seconds,
        "scores": {name: round(score, 4) for name, score in verdict.scores.items()},
        "shrunk": list(verdict.shrunk),
    }
    tried = ", ".join(
        f"{name} {verdict.scores[name]:.3f}"
        + (f" ± {verdict.errors[name]:.3f}" if np.isfinite(verdict.errors[name]) else "")
        + (" (a class shrinks)" if name in verdict.shrunk else "")
        for name in FACTORS
    )
    what = "no CRF" if verdict.chosen == UNREFINED else f"the CRF, {verdict.chosen}"
    progress.note(
        f"refine=auto chose {what}: right on held-out strokes, mean of the classes, "
        f"{verdict.scores[UNREFINED]:.3f} unrefined, {tried}; {seconds:g} s."
    )
    if verdict.chosen == UNREFINED:
        return settings.with_(refine="none"), facts
    return with_strength(settings, verdict.chosen).with_(refine="crf"), facts
