"""Random forest (Breiman, Machine Learning 45, 2001); `tdseg.classifiers.grow` grows its trees.

**Storing.** Trees are renumbered breadth first, so that children follow from which nodes are
leaves. Thresholds become float32, rounded down: ``x <= t`` for a float32 ``x`` then decides as with
scikit-learn's float64 ``t``. A leaf keeps its class shares in 55440ths, which are exact for any
mixture of up to twelve equally weighted pixels.

**Predicting.** CPU seconds for 200 trees, 1024 x 1024 pixels, 76 features, 3 classes, one thread
of an AMD EPYC 9004 that others used too (values vary by a tenth):

====================  ======  ===========  =================  ================
forest grown from     nodes   walked here  ONNX Runtime 1.32  scikit-learn 1.9
====================  ======  ===========  =================  ================
2,764 pixels, easy      4096          1.9                3.5               5.5
5,000 pixels, noisy    75976          4.0               11.7               7.1
20,000 pixels, noisy  202560          7.0               17.5               8.4
====================  ======  ===========  =================  ================

So the walk is compiled here: it is the fastest and needs no further package and no second file
format. Passing lists of pixels down one tree depth first, split at each node, was second (5.2 s
for a noisy forest that took 3.6 s).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from tdseg.classifiers.base import TrainableClassifier
from tdseg.classifiers.extra_tree import breadth_first
from tdseg.classifiers.forest_kernel import NEVER, NODE
from tdseg.classifiers.forest_walk import LaidOut, walk
from tdseg.classifiers.settling import settling_leads
from tdseg.classifiers.stored import stored_array, stored_count
from tdseg.classifiers.training import (
    MAX_TREES,
    Progress,
    TrainingSet,
)
from tdseg.errors import TdsegError
from tdseg.runtime.feature_map import FeatureMap

if TYPE_CHECKING:
    from tdseg.classifiers.grow import GrownTree

SHARE = 55440
"""A leaf's votes sum to this: a multiple of 1 to 12 (and 16) that 16 bits hold."""

LEAF = -1
"""Stands for a feature where a node is a leaf."""


class RandomForest(TrainableClassifier):
    """A forest as compact arrays; independent of scikit-learn once grown.

    Parameters
    ----------
    sizes : ndarray, (T,) int32
        Number of nodes of each tree.
    feature : ndarray, (N,) int
        Feature of each node, trees one after the other, each breadth first; -1 is a leaf.
    threshold : ndarray, (number of inner nodes,) float32
        A pixel goes left where its feature is <= threshold.
    votes : ndarray, (number of leaves, K) uint16
        Class shares of each leaf in 55440ths.
    importance : ndarray, (F,) float64
        Mean decrease of impurity, sum 1.

    Raises
    ------
    TdsegError
        When the arrays do not describe a forest (they may come from a damaged file).
    """

    kind: ClassVar[str] = "random_forest"
    array_names: ClassVar[frozenset[str]] = frozenset(
        {"sizes", "feature", "threshold", "votes", "importance"}
    )

    def __init__(
        self,
        sizes: npt.NDArray[np.int32],
        feature: npt.NDArray[np.signedinteger],
        threshold: npt.NDArray[np.float32],
        votes: npt.NDArray[np.uint16],
        importance: npt.NDArray[np.float64],
    ) -> None:
        self.n_classes = int(votes.shape[1])
        self.n_features = len(importance)
        self.n_trees = len(sizes)
        if self.n_trees > MAX_TREES:  # the sum of votes must fit 32 bits
            raise _broken(f"number of trees, {self.n_trees}; at most {MAX_TREES} are possible")
        self._sizes = sizes.astype(np.int32)
        self._feature = feature
        with np.errstate(over="ignore"):  # checked below
            self._threshold = threshold.astype(np.float32)
        self._votes = votes.astype(np.uint16)
        self._importance = importance.astype(np.float64)
        self._prepare()

    def _prepare(self) -> None:
        """Check the arrays and lay them out for the walk."""
        sizes = self._sizes.astype(np.int64)
        feature = self._feature.astype(np.int64)
        leaf = feature == LEAF
        inner = ~leaf
        n = len(feature)
        if len(sizes) == 0 or sizes.min() < 1 or sizes.sum() != n:
            raise _broken("sizes of trees")
        roots = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        inner_per_tree = np.add.reduceat(inner.astype(np.int64), roots)
        if np.any(2 * inner_per_tree + 1 != sizes):
            raise _broken("numbers of leaves")
        if feature.min() < LEAF or feature.max() >= self.n_features:
            raise _broken("features of nodes")
        if len(self._threshold) != inner.sum() or not np.isfinite(self._threshold).all():
            raise _broken("thresholds")
        if len(self._votes) != leaf.sum() or np.any(self._votes.sum(1, dtype=np.int64) != SHARE):
            raise _broken("votes of leaves")
        tree = np.repeat(np.arange(len(sizes)), sizes)
        inner_before = np.cumsum(inner) - inner
        rank = inner_before - inner_before[roots][tree]
        left = roots[tree] + 1 + 2 * rank
        # A child behind its parent rules out endless walks in a damaged file.
        if np.any(left[inner] <= np.flatnonzero(inner)):
            raise _broken("order of nodes")
        nodes = np.zeros(n, dtype=NODE)
        nodes["threshold"][inner] = self._threshold
        nodes["feature"][inner] = feature[inner]
        nodes["child"][inner] = left[inner]
        nodes["child"][leaf] = np.arange(leaf.sum())
        pure = np.where(self._votes.max(1) == SHARE, self._votes.argmax(1), self.n_classes)
        self.trees = LaidOut(
            nodes,
            leaf.astype(np.uint8),
            roots.astype(np.uint32),
            pure.astype(np.uint32),
            self._votes.astype(np.int32),
            self.n_features,
        )

    def predict_proba(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the mean of the trees' class shares.

        Parameters
        ----------
        features : ndarray, (n, F) float32
            Any memory order; it is not copied as a whole.

        Returns
        -------
        ndarray, (n, K) float32
            Rows sum to 1.

        Raises
        ------
        TdsegError
            When a feature is not finite or their number differs.
        """
        out = np.empty((len(features), self.n_classes), dtype=np.float32)

        def divide(rows: slice, total: npt.NDArray[np.int32]) -> None:
            np.divide(total, SHARE * self.n_trees, out=out[rows], casting="unsafe")

        walk(self.trees, features, np.full(self.n_trees, NEVER, np.int32), divide)
        return out

    def predict(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        """Return the most probable class, (n,) intp: the argmax of `predict_proba`, sooner.

        A pixel passes only as many trees as settle its class (`tdseg.classifiers.settling`): a
        seventh of them where all agree.
        """
        out = np.empty(len(features), dtype=np.intp)

        def winner(rows: slice, total: npt.NDArray[np.int32]) -> None:
            shares = np.empty(total.shape, dtype=np.float32)
            np.divide(total, SHARE * self.n_trees, out=shares, casting="unsafe")
            shares.argmax(axis=1, out=out[rows])

        weights = np.full(self.n_trees, SHARE)
        leads = settling_leads(weights, np.zeros(self.n_trees, np.intp), self.n_classes)
        walk(self.trees, features, leads, winner)
        return out

    def bytes_per_pixel(self, prepared: FeatureMap) -> int:
        """Return the memory of a block's features and votes: the walk takes any memory order."""
        return prepared.bytes_per_pixel() + 16 * self.n_classes

    def importances(self) -> npt.NDArray[np.float64]:
        """Return the mean decrease of Gini impurity of each feature, (F,) float64, sum 1."""
        return self._importance.copy()

    def header(self) -> dict[str, Any]:
        """Return kind, number of classes, features and trees."""
        return {
            "kind": self.kind,
            "n_classes": self.n_classes,
            "n_features": self.n_features,
            "trees": self.n_trees,
        }

    def arrays(self) -> dict[str, npt.NDArray[np.number]]:
        """Return the five arrays of the constructor in the smallest types that hold them."""
        narrow = np.int16 if self.n_features <= np.iinfo(np.int16).max else np.int32
        return {
            "sizes": self._sizes,
            "feature": self._feature.astype(narrow),
            "threshold": self._threshold,
            # Class by class, which compresses better.
            "votes": np.ascontiguousarray(self._votes.T),
            "importance": self._importance.astype(np.float32),
        }

    @classmethod
    def from_storage(
        cls, header: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]
    ) -> Self:
        """Rebuild a forest from `header` and `arrays`."""
        n_features = stored_count(header, "n_features")
        n_classes = stored_count(header, "n_classes")
        trees = stored_count(header, "trees")
        importance = stored_array(arrays, "importance", "f", (n_features,)).astype(np.float64)
        if not np.isfinite(importance).all() or importance.min() < 0 or importance.sum() <= 0:
            raise _broken("importances")
        return cls(
            stored_array(arrays, "sizes", "i", (trees,)),
            stored_array(arrays, "feature", "i", (None,)),
            stored_array(arrays, "threshold", "f", (None,)),
            np.ascontiguousarray(stored_array(arrays, "votes", "u", (n_classes, None)).T),
            importance / importance.sum(),
        )

    @classmethod
    def fit(
        cls,
        training: TrainingSet,
        *,
        trees: int = 200,
        balance: bool = True,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Self:
        """Grow a forest; the result depends on `seed` but not on the number of threads.

        Raises
        ------
        TdsegError
            When `trees` is not within 1 to 10000.
        """
        from tdseg.classifiers.grow import grow_trees

        grown = grow_trees(training, trees=trees, balance=balance, seed=seed, progress=progress)
        return cls.from_trees(grown, training)

    @classmethod
    def from_trees(cls, grown: Sequence[GrownTree], training: TrainingSet) -> Self:
        """Lay grown trees out, breadth first."""
        orders = [breadth_first(tree.feature, tree.children) for tree in grown]

        def joined(name: str) -> npt.NDArray[Any]:
            parts = zip(grown, orders, strict=True)
            return np.concatenate([getattr(tree, name)[order] for tree, order in parts])

        feature = np.maximum(joined("feature"), LEAF)
        leaf = feature == LEAF
        importance = np.sum([tree.importance for tree in grown], axis=0)
        if importance.sum() <= 0:
            importance = np.ones(training.n_features)
        return cls(
            np.array([len(order) for order in orders], dtype=np.int32),
            feature,
            round_down(joined("threshold")[~leaf]),
            to_votes(joined("shares")[leaf]),
            importance / importance.sum(),
        )


def _broken(what: str) -> TdsegError:
    return TdsegError(f"The stored random forest is damaged (its {what}); save it again.")


def round_down(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return the greatest float32 not above each float64."""
    low = values.astype(np.float32)
    above = low.astype(np.float64) > values
    low[above] = np.nextafter(low[above], np.float32(-np.inf))
    return low


def to_votes(shares: npt.NDArray[np.number]) -> npt.NDArray[np.uint16]:
    """Return rows of non-negative shares as uint16 that sum to `SHARE` exactly."""
    exact = shares / shares.sum(1, keepdims=True) * SHARE
    votes: npt.NDArray[np.int64] = np.rint(exact).astype(np.int64)
    # The largest class takes what rounding left over: at most a few 55440ths.
    votes[np.arange(len(votes)), votes.argmax(1)] += SHARE - votes.sum(1)
    return votes.astype(np.uint16)
