"""Choose whether to refine, and how strongly, by what refinement does to held-out strokes.

A dense CRF helps where the image shows the phases' edges and harms where it does not, and neither
is seen from the image alone. Strokes that a classifier was not trained on tell: each is judged
without and with refinement, and refinement must prove itself beyond the spread between strokes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tdseg.options.groups import CrfOptions

Booleans = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

UNREFINED = "none"

FACTORS: Mapping[str, float] = {"weak": 0.3, "default": 1.0, "strong": 3.0}
"""What the strengths of both kernels are multiplied by, the weakest first."""

LEAST_STROKES = 5
"""Of each class: a classifier that misses one of three strokes is too unlike the one that is
applied, and makes a CRF look good by what it fills in (``docs/refine.md``)."""

KEPT = 0.8
"""Part of its predicted pixels that a class must keep, however well its strokes do: strokes lie
inside phases, and what is lost at their borders no stroke sees."""

Crf = TypeVar("Crf", bound=CrfOptions)


def with_strength(options: Crf, name: str) -> Crf:
    """Return the options with both kernels' strengths multiplied by the factor of a name."""
    factor = FACTORS[name]
    return replace(
        options,
        crf_spatial_compat=options.crf_spatial_compat * factor,
        crf_bilateral_compat=options.crf_bilateral_compat * factor,
    )


@dataclass(frozen=True)
class Verdict:
    """Which strength was chosen, and why.

    Attributes
    ----------
    chosen
        `UNREFINED` or a name of `FACTORS`.
    scores
        Share of the held-out pixels that are right, averaged over classes, by name.
    errors
        Standard error of each score's gain over `UNREFINED`, from leaving out each stroke in turn.
    shrunk
        Names that were ruled out because a class lost too many pixels.
    """

    chosen: str
    scores: dict[str, float]
    errors: dict[str, float]
    shrunk: tuple[str, ...]


def choose_strength(
    classes: Integers,
    strokes: Integers,
    right: Mapping[str, Booleans],
    kept: Mapping[str, float],
) -> Verdict:
    """Choose the weakest strength that is as good as the best, if the best proves itself.

    Parameters
    ----------
    classes, strokes : (n,) int
        Class and stroke of each held-out pixel.
    right : mapping of (n,) bool
        By name, `UNREFINED` among them, whether each pixel gets its class.
    kept : mapping of float
        By name of a strength: the least part of its predicted pixels that a class keeps.

    Returns
    -------
    Verdict
        `UNREFINED` unless a gain exceeds its standard error (over strokes, by the jackknife) and
        every class keeps at least `KEPT` of its pixels. Of the strengths that do, the weakest that
        is within one standard error of the best.
    """
    units, unit = np.unique(strokes, return_inverse=True)
    unit = unit.reshape(-1)
    names = [name for name in FACTORS if name in right]
    scores = {name: _balanced(classes, right[name]) for name in (UNREFINED, *names)}
    errors = {
        name: _jackknife(classes, unit, len(units), right[name], right[UNREFINED]) for name in names
    }
    shrunk = tuple(name for name in names if kept[name] < KEPT)
    gain = {name: scores[name] - scores[UNREFINED] for name in names}
    proven = [n for n in names if n not in shrunk and gain[n] > errors[n]]
    chosen = UNREFINED
    if proven:
        best = max(proven, key=lambda name: gain[name])
        chosen = next(n for n in proven if gain[n] >= gain[best] - errors[best])
    return Verdict(chosen, scores, errors, shrunk)


def _balanced(classes: Integers, right: Booleans) -> float:
    """Return the share of right pixels, averaged over the classes that occur."""
    return float(np.mean([right[classes == c].mean() for c in np.unique(classes)]))


def _jackknife(
    classes: Integers, unit: Integers, units: int, right: Booleans, before: Booleans
) -> float:
    """Return the standard error of the gain; infinite where strokes cannot tell."""
    count = int(classes.max()) + 1
    total = np.zeros((units, count))
    gained = np.zeros((units, count))
    np.add.at(total, (unit, classes), 1.0)
    np.add.at(gained, (unit, classes), right.astype(float) - before)
    present = total.sum(axis=0) > 0
    rest = total.sum(axis=0) - total
    # A stroke that is all there is of its class cannot be left out.
    usable = (rest[:, present] > 0).all(axis=1)
    if usable.sum() < 2:
        return float("inf")
    share = (gained.sum(axis=0) - gained)[:, present] / np.maximum(rest[:, present], 1)
    without = share[usable].mean(axis=1)
    m = len(without)
    return float(np.sqrt((m - 1) / m * ((without - without.mean()) ** 2).sum()))


def least_kept(before: Sequence[int], after: Sequence[int]) -> float:
    """Return the least ratio of a class's pixels after and before, 1 where no class had any."""
    ratios = [b / a for a, b in zip(before, after, strict=True) if a]
    return float(min(ratios, default=1.0))
