"""Which levels of a backbone the labels can judge: those whose variety they show.

A coarse token sees hundreds of pixels. Under labels in one part of an image such tokens hardly
change, and what differs between them is where the strokes lie. A classifier learns just that, and
is wrong wherever else the tokens take other values (``docs/positional-bias.md``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tdseg.options.settings import Settings
from tdseg.runtime.progress import Progress

LEAST_COVERAGE = 0.5
"""Of seven labelled images, levels that misled had 0.28 and 0.31, all others 0.68 and more."""
SAMPLE_PIXELS = 2000
UNLABELLED_PIXELS = 1000
"""Of all features, for classifiers that ask what is in the images beside the labels."""
AROUND = 256
"""Pixels around the labels to compare with: more might need windows that nothing else needs."""


def pixels_around(
    rows: npt.NDArray[np.integer],
    cols: npt.NDArray[np.integer],
    shape: tuple[int, int],
    count: int,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Draw pixels evenly from the rectangle of the labels, grown on every side.

    Parameters
    ----------
    rows, cols
        (n,) the labelled pixels.
    shape
        Height and width of the plane.
    count
        How many to draw; a pixel may come twice.
    rng
        Where they come from.

    Returns
    -------
    tuple of ndarray
        Rows and columns, (count,) each.
    """
    drawn = [
        rng.integers(max(int(p.min()) - AROUND, 0), min(int(p.max()) + AROUND + 1, length), count)
        for p, length in ((rows, shape[0]), (cols, shape[1]))
    ]
    return drawn[0], drawn[1]


def coverage(
    levels: npt.NDArray[np.str_],
    labelled: npt.NDArray[np.float32],
    classes: npt.NDArray[np.int64],
    around: npt.NDArray[np.float32],
) -> dict[str, float]:
    """Say how much of a level's variety the labels show.

    Parameters
    ----------
    levels
        (F,) the level of each feature.
    labelled
        (n, F) features of the labelled pixels.
    classes
        (n,) their classes.
    around
        (m, F) features of the pixels around them.

    Returns
    -------
    dict
        By level: the variance of the labelled pixels, every class with the same weight, as a share
        of the variance around them, both summed over the level's features. 1 where nothing varies.
    """
    counts = np.bincount(classes)
    weights = 1 / counts[classes] / np.count_nonzero(counts)
    found = {}
    for level in dict.fromkeys(levels.tolist()):
        own = levels == level
        inside = labelled[:, own].astype(np.float64)
        total = around[:, own].astype(np.float64)
        middle = weights @ inside
        varies = float(total.var(axis=0).sum())
        noise = 1e-8 * float(np.square(total).mean(axis=0).sum())
        shown = float((weights @ np.square(inside - middle)).sum())
        found[level] = shown / varies if varies > noise else 1.0
    return found


def covered_levels(
    levels: str, backbones: str, found: Mapping[str, float]
) -> tuple[str, list[str]]:
    """Return the levels to train with, and those left out.

    Parameters
    ----------
    levels, backbones
        The keys of these names, resolved; of several backbones, joined by ``+``.
    found
        `coverage` by the level's name in the features: ``<level>``, with several backbones
        ``<backbone>.<level>``.

    Returns
    -------
    tuple
        The key ``levels``, and the names in the features of what it lacks. Every backbone keeps at
        least the level that the labels show best.
    """
    names = backbones.split("+")
    groups, out = [], []
    for name, group in zip(names, levels.split("+"), strict=True):
        prefix = f"{name}." if len(names) > 1 else ""
        own = group.split(",")
        best = max(own, key=lambda level: found[prefix + level])
        kept = [v for v in own if v == best or found[prefix + v] >= LEAST_COVERAGE]
        groups.append(",".join(kept))
        out += [prefix + level for level in own if level not in kept]
    return "+".join(groups), out


def levels_shown(
    names: Sequence[str],
    labelled: npt.NDArray[np.float32],
    classes: npt.NDArray[np.int64],
    around: npt.NDArray[np.float32],
    settings: Settings,
    progress: Progress,
) -> str:
    """Return the key ``levels`` with what the labels can judge; say which levels are left out.

    Parameters
    ----------
    names
        Of the F features.
    labelled, classes
        (n, F) features and (n,) classes of the labelled pixels.
    around
        (m, D) deep features of the pixels around them.
    settings
        Resolved: which backbones and levels there are.
    progress
        Hears of levels that are left out.
    """
    deep = [k for k, name in enumerate(names) if name.startswith("deep/")]
    of_feature = np.array([names[k].split("/")[1] for k in deep])
    found = coverage(of_feature, labelled[:, deep], classes, around)
    levels, out = covered_levels(settings.levels, settings.backbone, found)
    if out:
        shares = ", ".join(f"{level} ({100 * found[level]:.0f} %)" for level in out)
        progress.note(
            "Left out, since labels so close together show little of how these levels vary: "
            f"{shares}. Such coarse features would tell where the labels lie, not what they show; "
            "label places that are farther apart, or name levels with levels=."
        )
    return levels
