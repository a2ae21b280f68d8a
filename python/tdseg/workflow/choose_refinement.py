"""``refine=auto``: segment a part of the training images, and refine it as far as that helps."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.classifiers.base import Classifier
from tdseg.images.intensity import Intensity
from tdseg.options.settings import Settings
from tdseg.refine.explained import LocalMoments, Variance
from tdseg.refine.guide_noise import is_noisy
from tdseg.refine.strengths import (
    LEAST_EXPLAINED,
    UNREFINED,
    choose_strength,
    guarded,
    guided_share,
    strengths,
    with_strength,
)
from tdseg.runtime.feature_map import FeatureExtractor, FeatureMap
from tdseg.runtime.progress import Part, Progress
from tdseg.workflow.refine import crf_guide, refine_window, scaled_plane

MOST_PIXELS = 1 << 19
"""Pixels of all windows together: what the choice may cost."""

SIDE = 640
"""Longest side of a window."""

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
    """A part of a plane that has labels."""

    image: int
    plane: int
    rows: slice
    cols: slice


@dataclass
class _Part:
    """A window as the classifier and the CRF see it: (K, h, w) and (h, w, C)."""

    probabilities: npt.NDArray[np.float32]
    guide: npt.NDArray[np.number]


def choose_refinement(
    settings: Settings,
    extractor: FeatureExtractor,
    intensities: Sequence[Intensity],
    sizes: Sequence[tuple[int, int]],
    places: Places,
    classes: npt.NDArray[np.int64],
    class_names: Sequence[str],
    classifier: Classifier,
    progress: Progress,
) -> tuple[Settings, dict[str, Any]]:
    """Replace ``refine=auto`` by what the training images say.

    Parameters
    ----------
    settings
        With the CRF's own keys: what is tried are multiples of its strengths.
    extractor, intensities, sizes
        Features; the pixels of each image, and its height and width.
    places, classes
        The n labelled pixels, around which is looked; classes (n,).
    class_names
        For what is said.
    classifier
        Segments the windows.
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
    chosen = windows(places, classes, sizes)
    parts: list[_Part] = []
    noisy = False
    for done, window in enumerate(chosen):
        part = Part(progress, 0.6 * done / len(chosen), 0.6 * (done + 1) / len(chosen))
        plane = intensities[window.image].plane(window.plane)
        noisy = noisy or is_noisy(scaled_plane(plane), settings.crf_bilateral_range)
        found = _probabilities(classifier, extractor.extract(plane), window, part)
        cut = (window.rows, window.cols)
        parts.append(_Part(found, crf_guide(plane, settings)[cut]))
    share, pair = _guided(parts, len(class_names))
    shares: dict[str, float] = {}
    if share >= LEAST_EXPLAINED:
        names = [UNREFINED, *strengths(noisy)]
        for done, name in enumerate(names):
            step = Part(
                progress, 0.6 + 0.4 * done / len(names), 0.6 + 0.4 * (done + 1) / len(names)
            )
            shares[name] = _explained(parts, settings, name, step)
    strength = choose_strength(shares, noisy) if shares else UNREFINED
    facts: dict[str, Any] = {
        "chosen": strength,
        "seconds": round(time.monotonic() - started, 1),
        "guided": round(share, 3),
        "noisy": noisy,
        "shares": {name: round(value, 4) for name, value in shares.items()},
    }
    which = (
        "the labels explain"
        if pair is None
        else "'{}' and '{}' explain".format(*(class_names[k] for k in pair))
    )
    if not shares:
        why = (
            f"{which} {share:.0%} of how the image varies around them, and where that is less than "
            f"{LEAST_EXPLAINED:.0%} its edges are no guide"
        )
    else:
        tried = ", ".join(f"{k} {v:.1%}" for k, v in shares.items() if k != UNREFINED)
        why = f"labels explain {shares[UNREFINED]:.1%} of how the image varies, refined {tried}"
        if noisy:
            why += "; stronger ones are not tried on noise"
    what = "no CRF" if strength == UNREFINED else f"the CRF, {strength}"
    progress.note(f"refine=auto chose {what}: {why}; {facts['seconds']:g} s.")
    if strength == UNREFINED:
        return settings.with_(refine="none"), facts
    return guarded(with_strength(settings, strength)).with_(refine="crf"), facts


def windows(
    places: Places, classes: npt.NDArray[np.int64], sizes: Sequence[tuple[int, int]]
) -> list[Window]:
    """Cut windows that have labels, those of rare classes first, of `MOST_PIXELS` in all.

    Parameters
    ----------
    places, classes
        All labelled pixels.
    sizes
        (Y, X) of each image.

    Returns
    -------
    list of Window
        At least one; they do not overlap.
    """
    worth: dict[tuple[int, int, int, int], float] = defaultdict(float)
    share = 1.0 / np.bincount(classes)[classes]
    counts = np.array([[-(-length // SIDE) for length in size] for size in sizes])
    lengths = np.array(sizes)
    where = np.stack([places.rows, places.cols], axis=1)
    cells = where * counts[places.images] // lengths[places.images]
    keys = np.column_stack([places.images, places.planes, cells])
    for key, value in zip(map(tuple, keys.tolist()), share, strict=True):
        worth[key] += float(value)
    found: list[Window] = []
    spent = 0
    for key in sorted(worth, key=lambda k: (-worth[k], k)):
        image, plane, *cell = key
        rows, cols = (
            # The pixels p whose cell, p * count // length, is this one.
            slice(-(-c * length // count), -(-(c + 1) * length // count))
            for c, count, length in zip(cell, counts[image].tolist(), sizes[image], strict=True)
        )
        size = (rows.stop - rows.start) * (cols.stop - cols.start)
        if found and spent + size > MOST_PIXELS:
            continue
        spent += size
        found.append(Window(image, plane, rows, cols))
    return found


def _probabilities(
    classifier: Classifier, features: FeatureMap, window: Window, progress: Progress
) -> npt.NDArray[np.float32]:
    """Return the probabilities (K, h, w) of a window."""
    prepared = classifier.prepare(features)
    height, width = window.rows.stop - window.rows.start, window.cols.stop - window.cols.start
    out = np.empty((classifier.n_classes, height, width), np.float32)
    for top in range(0, height, ROWS):
        progress.update(top / height, "choosing the refinement")
        last = min(top + ROWS, height)
        rows = slice(window.rows.start + top, window.rows.start + last)
        out[:, top:last] = classifier.predict_proba_block(prepared.block(rows, window.cols))
    return out


def _guided(parts: Sequence[_Part], classes: int) -> tuple[float, tuple[int, int] | None]:
    """Return how much of the guide the unrefined labels explain, and the pair that does least."""
    moments = [LocalMoments(p.guide, p.probabilities.argmax(axis=0), classes) for p in parts]
    pairs = {
        pair: sum((m.variance(pair) for m in moments), Variance())
        for pair in combinations(range(classes), 2)
    }
    return guided_share(sum((m.variance(range(classes)) for m in moments), Variance()), pairs)


def _explained(parts: Sequence[_Part], settings: Settings, name: str, progress: Progress) -> float:
    """Return how much of the guide the labels explain when refined with a strength."""
    total = Variance()
    for done, part in enumerate(parts):
        found = part.probabilities
        if name != UNREFINED:
            options = guarded(with_strength(settings, name))
            told = Part(progress, done / len(parts), (done + 1) / len(parts))
            found = refine_window(found, part.guide, options, told, {})
        moments = LocalMoments(part.guide, found.argmax(axis=0), len(found))
        total += moments.variance(range(len(found)))
    return total.share
