"""Growing the trees of a random forest.

The trees are *extremely randomised* (Geurts, Ernst, Wehenkel, Machine Learning 63,
2006): thresholds are drawn, not searched, half of the features compete for each split, and leaves
hold at least five pixels where classes have fifty or more. On sparse labels, where the pixels of a
stroke are nearly copies of each other, searched thresholds fit the stroke; drawn ones give smoother
maps, and cost no sorting. Each tree is grown by scikit-learn on its own draw of pixels: a quarter
of them, at least 1,000 or all, at most 2,500. The draw is made here and not by scikit-learn's
forest, whose way of combining class weights with the bootstrap changed between versions. With
``balance`` every class is drawn equally often, with replacement, as TWS's "homogenize" does once
for the whole training set. Each tree sees all classical features and as many deep ones
(`draw_columns`). What each choice is worth is in ``docs/quality.md``.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tdseg.classifiers.scaling import factors_for_trees
from tdseg.classifiers.training import MAX_TREES, Progress, TrainingSet
from tdseg.errors import TdsegError
from tdseg.runtime.threads import map_threads, thread_count

if TYPE_CHECKING:
    from sklearn.tree import DecisionTreeClassifier

DEEP_ONLY = 32
"""Features of each level that a tree sees where there are no classical ones."""

MAX_LEAF = 5
"""Pixels that a leaf holds at least, where the smallest class has ten times as many."""


def grow_trees(
    training: TrainingSet,
    *,
    trees: int = 200,
    balance: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[DecisionTreeClassifier]:
    """Grow scikit-learn trees on seeded draws of pixels; see the module's notes."""
    from sklearn.tree import ExtraTreeClassifier  # applying a forest does without scikit-learn

    if not 1 <= trees <= MAX_TREES:
        raise TdsegError(f"trees={trees} is not possible; choose from 1 to {MAX_TREES}.")
    n = len(training.codes)
    n_draws = min(n, max(1000, min(n // 4, 2500)))
    leaf_size = int(np.clip(training.counts.min() // 10, 1, MAX_LEAF))
    order = np.argsort(training.codes, kind="stable")
    # scikit-learn takes values closer than 1e-7 for equal, whatever the unit.
    factors = factors_for_trees(training.features, training.sources)
    ends = np.cumsum(training.counts)
    starts = ends - training.counts

    def grow(number: int) -> DecisionTreeClassifier:
        rng = np.random.default_rng([seed, number])
        columns = draw_columns(training.sources, rng)
        if balance:
            drawn_class = np.arange(n_draws) % len(training.present)
            drawn = order[rng.integers(starts[drawn_class], ends[drawn_class])]
        else:
            drawn = rng.integers(n, size=n_draws)
        rows, multiplicity = np.unique(drawn, return_counts=True)
        tree = ExtraTreeClassifier(
            max_features=max(1, len(columns) // 2),
            min_samples_leaf=leaf_size,
            random_state=int(rng.integers(2**31 - 1)),
        )
        whole = len(columns) == training.n_features
        seen = training.features[rows] if whole else training.features[np.ix_(rows, columns)]
        tree.factors_ = factors[columns]
        if (tree.factors_ != 1).any():
            seen = seen * tree.factors_
        tree.fit(
            np.ascontiguousarray(seen),
            training.codes[rows],
            sample_weight=multiplicity.astype(np.float64),
            check_input=False,
        )
        tree.columns_ = columns
        return tree

    grown: list[DecisionTreeClassifier] = []
    step = 4 * thread_count()  # often enough to stop within a second
    with warnings.catch_warnings():
        # Many classes with few pixels each are no mistake here.
        warnings.filterwarnings("ignore", "The number of unique classes")
        for first in range(0, trees, step):
            grown += map_threads(grow, range(first, min(first + step, trees)))
            if progress is not None:
                progress(len(grown) / trees)
    return grown


def draw_columns(sources: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Choose the features that one tree sees, so that sources of features have equal shares.

    Hundreds of channels of a network would drown 76 classical features. A tree sees all classical
    features and as many deep ones, the same number from each level of the backbone as far as
    there are as many; without classical features, `DEEP_ONLY` of each level.

    Returns
    -------
    ndarray, (f,) int64
        Ascending indices; all of them where there is one source only.
    """
    known = np.unique(sources)
    if len(known) == 1:
        return np.arange(len(sources))
    classical = np.flatnonzero(sources == 0)
    levels = [np.flatnonzero(sources == source) for source in known if source != 0]
    share = -(-len(classical) // len(levels)) if len(classical) else DEEP_ONLY
    drawn = [level if len(level) <= share else rng.choice(level, share, False) for level in levels]
    return np.sort(np.concatenate([classical, *drawn]))


def columns_of(grown: DecisionTreeClassifier, training: TrainingSet) -> npt.NDArray[np.int64]:
    """Return the features that a tree has seen; all, if it was grown elsewhere."""
    found: npt.NDArray[np.int64] = getattr(grown, "columns_", np.arange(training.n_features))
    return found


def thresholds_of(grown: DecisionTreeClassifier) -> npt.NDArray[np.float64]:
    """Return the threshold of each node in the units of the features."""
    found: npt.NDArray[np.float64] = grown.tree_.threshold
    if not hasattr(grown, "factors_"):  # grown elsewhere
        return found
    inner = grown.tree_.feature >= 0
    restored = found.copy()
    # A power of two: nothing is rounded.
    restored[inner] /= grown.factors_[grown.tree_.feature[inner]].astype(np.float64)
    return restored
