"""Trees laid out for the compiled walk, alone or several forests as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.classifiers.forest_kernel import walk_forest
from tdseg.classifiers.training import ROWS_PER_BLOCK, check_features
from tdseg.runtime.threads import bands, map_threads


@dataclass(frozen=True)
class LaidOut:
    """The arrays that `tdseg.classifiers.forest_kernel.walk_forest` goes through.

    Attributes
    ----------
    nodes : ndarray, (N,) NODE
        All trees one after the other.
    is_leaf : ndarray, (N,) uint8
    roots : ndarray, (T,) uint32
        In the order in which trees are walked.
    pure_class : ndarray, (L,) uint32
        The one class that a leaf votes for, or K.
    votes : ndarray, (L, K) int32
        Of each leaf.
    n_features : int
        F, of the pixels that pass.
    """

    nodes: npt.NDArray[np.void]
    is_leaf: npt.NDArray[np.uint8]
    roots: npt.NDArray[np.uint32]
    pure_class: npt.NDArray[np.uint32]
    votes: npt.NDArray[np.int32]
    n_features: int


@dataclass(frozen=True)
class Joined:
    """Several forests as one.

    Attributes
    ----------
    trees : LaidOut
        The trees of all forests, which take turns.
    forest : ndarray, (T,) int
        Which forest each tree is of.
    weights : ndarray, (T,) int
        The votes that it gives at most.
    """

    trees: LaidOut
    forest: npt.NDArray[np.intp]
    weights: npt.NDArray[np.int64]


def join(
    forests: Sequence[LaidOut],
    first_features: Sequence[int],
    factors: Sequence[npt.NDArray[np.float64]],
    n_features: int,
) -> Joined:
    """Join forests, each of which looks at a part of the features.

    Parameters
    ----------
    forests
        At least one.
    first_features
        The place of each forest's first feature among all.
    factors
        (K,) of each forest: its votes are multiplied by them and rounded.
    n_features
        F, of all features.

    Returns
    -------
    Joined
        The trees of all, in turn.
    """
    nodes, votes, pure, roots, turn, owner, weights = [], [], [], [], [], [], []
    node_count = leaf_count = 0
    for number, (trees, first, factor) in enumerate(
        zip(forests, first_features, factors, strict=True)
    ):
        own = trees.nodes.copy()
        leaf = trees.is_leaf.astype(bool)
        own["feature"][~leaf] += np.uint32(first)
        own["child"] += np.where(leaf, leaf_count, node_count).astype(np.uint32)
        nodes.append(own)
        scaled = np.rint(trees.votes * factor).astype(np.int32)
        votes.append(scaled)
        pure.append(trees.pure_class)
        roots.append(trees.roots + np.uint32(node_count))
        count = len(trees.roots)
        turn.append((np.arange(count) + 0.5) / count)
        owner.append(np.full(count, number))
        weights.append(np.full(count, int(scaled.max())))
        node_count, leaf_count = node_count + len(own), leaf_count + len(scaled)
    order = np.argsort(np.concatenate(turn), kind="stable")
    return Joined(
        LaidOut(
            np.concatenate(nodes),
            np.concatenate([trees.is_leaf for trees in forests]),
            np.concatenate(roots)[order],
            np.concatenate(pure),
            np.concatenate(votes),
            n_features,
        ),
        np.concatenate(owner)[order],
        np.concatenate(weights)[order],
    )


def walk(
    trees: LaidOut,
    features: npt.NDArray[np.float32],
    leads: npt.NDArray[np.int32],
    use: Callable[[slice, npt.NDArray[np.int32]], Any],
    given: npt.NDArray[np.int32] | None = None,
) -> None:
    """Send all pixels through the trees, and hand the votes (n, K) of rows to `use`.

    Parameters
    ----------
    trees
        Where they go.
    features : ndarray, (n, F) float32
        Any memory order; it is not copied as a whole.
    leads : ndarray, (T,) int32
        The lead that lets a pixel leave before each tree.
    use
        Called with rows and their votes, from several threads.
    given : ndarray, (n, K) int32, optional
        Votes that are added to those of the trees.
    """
    features = np.asarray(features)
    count = trees.votes.shape[1]
    nothing = np.empty((0, count), np.int32)
    # A block of pixels stays in the second-level cache while all trees pass over it.
    block = int(np.clip((1 << 18) // (4 * trees.n_features), 64, 1024))
    arrays = (trees.nodes, trees.is_leaf, trees.roots, trees.pure_class, trees.votes)

    def band(limits: tuple[int, int]) -> None:
        for start in range(limits[0], limits[1], ROWS_PER_BLOCK):
            rows = slice(start, min(start + ROWS_PER_BLOCK, limits[1]))
            part = features[rows].astype(np.float32, copy=False)
            check_features(part, trees.n_features)
            total = np.empty((len(part), count), dtype=np.int32)
            own = nothing if given is None else given[rows]
            walk_forest(part.T, *arrays, block, leads, own, total)
            use(rows, total)

    check_features(features[:0], trees.n_features)
    map_threads(band, bands(len(features), at_least=4096))
