"""Growing the trees of a random forest.

The trees are *extremely randomised* (Geurts, Ernst, Wehenkel, Machine Learning 63,
2006): thresholds are drawn, not searched, half of the features compete for each split, and leaves
hold at least five pixels where classes have fifty or more. On sparse labels, where the pixels of a
stroke are nearly copies of each other, searched thresholds fit the stroke; drawn ones give smoother
maps, and cost no sorting. Each tree is grown (`tdseg.classifiers.extra_tree`) on its own draw of
pixels: a quarter of them, at least 1,000 or all, at most 2,500. With ``balance`` every class is
drawn equally often, with replacement, as TWS's "homogenize" does once for the whole training set.
Each tree sees all classical features and as many deep ones (`draw_columns`). What each choice is
worth is in ``docs/quality.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tdseg.classifiers.extra_tree import RAND_MAX, grow_tree
from tdseg.classifiers.scaling import factors_for_trees
from tdseg.classifiers.training import MAX_TREES, Progress, TrainingSet
from tdseg.errors import TdsegError
from tdseg.runtime.threads import map_threads, thread_count

DEEP_ONLY = 32
"""Features of each level that a tree sees where there are no classical ones."""

MAX_LEAF = 5
"""Pixels that a leaf holds at least, where the smallest class has ten times as many."""


@dataclass(frozen=True)
class GrownTree:
    """A tree of N nodes, the root first.

    Attributes
    ----------
    feature : ndarray, (N,) int
        Among all F; negative in a leaf.
    threshold : ndarray, (N,) float64
        In the units of the features; a pixel goes left where it is at most this.
    children : ndarray, (N, 2) int
        Left and right, of inner nodes.
    shares : ndarray, (N, K) float64
        Of each of all K classes.
    importance : ndarray, (F,) float64
        Mean decrease of impurity.
    """

    feature: npt.NDArray[np.signedinteger]
    threshold: npt.NDArray[np.float64]
    children: npt.NDArray[np.signedinteger]
    shares: npt.NDArray[np.float64]
    importance: npt.NDArray[np.float64]


def grow_trees(
    training: TrainingSet,
    *,
    trees: int = 200,
    balance: bool = True,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[GrownTree]:
    """Grow trees on seeded draws of pixels; see the module's notes."""
    if not 1 <= trees <= MAX_TREES:
        raise TdsegError(f"trees={trees} is not possible; choose from 1 to {MAX_TREES}.")
    n = len(training.codes)
    n_draws = min(n, max(1000, min(n // 4, 2500)))
    leaf_size = int(np.clip(training.counts.min() // 10, 1, MAX_LEAF))
    order = np.argsort(training.codes, kind="stable")
    # Values closer than 1e-7 are taken for equal, whatever the unit.
    factors = factors_for_trees(training.features, training.sources)
    ends = np.cumsum(training.counts)
    starts = ends - training.counts

    def grow(number: int) -> GrownTree:
        rng = np.random.default_rng([seed, number])
        columns = draw_columns(training.sources, rng)
        if balance:
            drawn_class = np.arange(n_draws) % len(training.present)
            drawn = order[rng.integers(starts[drawn_class], ends[drawn_class])]
        else:
            drawn = rng.integers(n, size=n_draws)
        multiplicity = np.bincount(drawn, minlength=n)
        rows = order[multiplicity[order] > 0]
        # The state of scikit-learn's generator for a tree with this random_state.
        start = np.random.RandomState(rng.integers(RAND_MAX)).randint(RAND_MAX)
        feature, threshold, children, own_shares, own_importance = grow_tree(
            training.features,
            rows,
            columns,
            factors[columns],
            training.codes[rows],
            multiplicity[rows],
            len(training.present),
            max(1, len(columns) // 2),
            leaf_size,
            start,
        )
        inner = feature >= 0
        # A power of two: nothing is rounded.
        threshold[inner] /= factors[columns[feature[inner]]].astype(np.float64)
        feature[inner] = columns[feature[inner]]
        shares = np.zeros((len(feature), training.n_classes))
        shares[:, training.present] = own_shares
        importance = np.zeros(training.n_features)
        importance[columns] = own_importance / (own_importance.sum() or 1)
        return GrownTree(feature, threshold, children, shares, importance)

    grown: list[GrownTree] = []
    step = 8 * thread_count()  # often enough to stop within a tenth of a second
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
