"""The compiled walk of a random forest.

Pixels go through one tree at a time, in blocks that fit the cache: their features are copied there,
plane by plane, from whatever order they lie in. All pixels of a block take one step per round and
those that reached a leaf are dropped from the list, so that many independent loads are in flight
and no branch depends on the data. A node's feature, threshold and child lie side by side. Votes
are integers: their sum depends neither on the order of trees nor on blocks. Where only the first
class is wanted, a pixel leaves once the trees still to come cannot, or hardly, change it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tdseg.runtime.compiled import compiled

NODE = np.dtype([("threshold", np.float32), ("feature", np.uint32), ("child", np.uint32)])
"""An inner node: left child (the right one follows it); a leaf: its row in the table of votes."""

NEVER = np.iinfo(np.int32).max
"""A lead that no pixel has: nobody looks before this tree."""


@compiled()
def walk_forest(
    features: npt.NDArray[np.float32],
    nodes: npt.NDArray[np.void],
    is_leaf: npt.NDArray[np.uint8],
    roots: npt.NDArray[np.uint32],
    pure_class: npt.NDArray[np.uint32],
    votes: npt.NDArray[np.int32],
    block: int,
    leads: npt.NDArray[np.int32],
    given: npt.NDArray[np.int32],
    out: npt.NDArray[np.int32],
) -> None:
    """Add the votes of the trees into `out`.

    Parameters
    ----------
    features : (F, n) float32
        Any memory order.
    nodes : (N,) NODE
        All trees one after the other; children are numbered in the whole array.
    is_leaf : (N,) uint8
    roots : (T,) uint32
    pure_class : (L,) uint32
        The one class a leaf votes for, or K.
    votes : (L, K) int32
    block : int
        Pixels that go through a tree together.
    leads : (T,) int32
        Before each tree: a pixel whose first class leads by more votes is left alone; `NEVER`
        where nobody looks.
    given : (n, K) int32
        Votes that do not come from trees; (0, K): none. They count in proportion to the trees
        that have voted.
    out : (n, K) int32
        Overwritten by the votes of the trees and the given ones.
    """
    n_features, n_pixels = features.shape
    n_classes = np.uint32(votes.shape[1])
    n_trees = roots.size
    at = np.empty(block, np.uint32)
    active = np.empty(block, np.uint32)
    open_ = np.empty(block, np.uint32)
    x = np.empty((n_features, block), np.float32)
    for first in range(0, n_pixels, block):
        count = np.uint32(min(block, n_pixels - first))
        for f in range(n_features):
            for i in range(count):
                x[f, i] = features[f, first + i]
        total = out[first : first + count]
        total[:] = 0
        for i in range(count):
            open_[i] = i
        for tree in range(n_trees):
            if leads[tree] < NEVER:
                if len(given) > 0:
                    part = tree / n_trees
                    count = _undecided_with(
                        total, given[first : first + block], part, open_, count, leads[tree]
                    )
                else:
                    count = _undecided(total, open_, count, leads[tree])
                if count == 0:
                    break
            root = roots[tree]
            if is_leaf[root]:
                for j in range(count):
                    at[open_[j]] = root
            else:
                # All pixels pass the root, whose values stay in registers.
                node = nodes[root]
                threshold = node.threshold
                feature = node.feature
                child = node.child
                n_active = np.uint32(0)
                for j in range(count):
                    i = open_[j]
                    to = child + np.uint32(x[feature, i] > threshold)
                    at[i] = to
                    active[n_active] = i
                    n_active += np.uint32(1 - is_leaf[to])
                while n_active > 0:
                    kept = np.uint32(0)
                    for j in range(n_active):
                        i = active[j]
                        node = nodes[at[i]]
                        to = node.child + np.uint32(x[node.feature, i] > node.threshold)
                        at[i] = to
                        active[kept] = i
                        kept += np.uint32(1 - is_leaf[to])
                    n_active = kept
            for j in range(count):
                i = open_[j]
                leaf = nodes[at[i]].child
                only = pure_class[leaf]
                if only < n_classes:
                    total[i, only] += votes[leaf, only]
                else:
                    for k in range(n_classes):
                        total[i, k] += votes[leaf, k]
        if len(given) > 0:
            for j in range(count):
                i = open_[j]
                for k in range(n_classes):
                    total[i, k] += given[first + i, k]


@compiled()
def _undecided(
    total: npt.NDArray[np.int32], open_: npt.NDArray[np.uint32], count: int | np.uint32, lead: int
) -> np.uint32:
    """Keep in open_[:result] the pixels whose first class leads by at most `lead` votes."""
    kept = np.uint32(0)
    for j in range(count):
        i = open_[j]
        best, second = total[i, 0], np.int32(-1)
        for k in range(1, total.shape[1]):
            if total[i, k] > best:
                second = best
                best = total[i, k]
            elif total[i, k] > second:
                second = total[i, k]
        open_[kept] = i
        kept += np.uint32(best - second <= lead)
    return kept


@compiled()
def _undecided_with(
    total: npt.NDArray[np.int32],
    given: npt.NDArray[np.int32],
    part: float,
    open_: npt.NDArray[np.uint32],
    count: int | np.uint32,
    lead: int,
) -> np.uint32:
    """Keep what `_undecided` keeps where `part` of the given votes is added to the total.

    Where a pixel leaves, that part is added for good.
    """
    kept = np.uint32(0)
    for j in range(count):
        i = open_[j]
        best, second = total[i, 0] + part * given[i, 0], -np.inf
        for k in range(1, total.shape[1]):
            votes = total[i, k] + part * given[i, k]
            if votes > best:
                second = best
                best = votes
            elif votes > second:
                second = votes
        open_[kept] = i
        if best - second <= lead:
            kept += np.uint32(1)
        else:
            for k in range(total.shape[1]):
                total[i, k] += np.int32(part * given[i, k])
    return kept
