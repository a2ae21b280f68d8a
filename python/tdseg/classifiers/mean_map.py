"""The probabilities of a mean of classifiers on one plane, evaluated where needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tdseg.classifiers.base import Floats, LinearClassifier
from tdseg.classifiers.forest import SHARE, RandomForest
from tdseg.classifiers.forest_walk import join, walk
from tdseg.classifiers.settling import settling_leads
from tdseg.classifiers.training import ROWS_PER_BLOCK
from tdseg.runtime.feature_map import FeatureMap, Projected, join_blocks, parts_of

if TYPE_CHECKING:
    from tdseg.classifiers.mean import MeanClassifier, Member


class MeanMap:
    """The probabilities of a mean on one plane.

    Parts of the features that a forest looks at, or that are limited, are evaluated for every
    pixel. The scores of the linear members are projected, part by part; only where a part is
    evaluated anyway and gains nothing from a projection, as classical features do, are they
    computed from its values.

    Parameters
    ----------
    mean
        Whose probabilities.
    features
        Of the plane.
    """

    def __init__(self, mean: MeanClassifier, features: FeatureMap) -> None:
        self._mean = mean
        self.shape = features.shape
        self.names = tuple(str(k) for k in range(mean.n_classes))
        weights, walked = _scores_and_walked(mean)
        kept, factors, projected, first = [], [], [], 0
        is_kept = np.zeros(mean.n_features, bool)
        for part in parts_of(features):
            own = slice(first, first + len(part.names))
            first, used = own.stop, weights[own]
            limited = bool(used.any()) and bool(np.isfinite(mean.limits[:, own]).any())
            wanted = used.any() and not limited
            scores = part.project(used.astype(np.float32)) if wanted else None
            if walked[own].any() or limited:
                kept.append(part)
                is_kept[own] = True
                direct = limited or isinstance(scores, Projected)
                factors.append(used if direct else np.zeros_like(used))
                scores = None if direct else scores
            if scores is not None:
                projected.append(scores)
        self._kept, self._projected = kept, projected
        # Which features the kept blocks have, and where.
        self._is_kept = is_kept
        self._place = np.cumsum(is_kept) - is_kept
        self._factors = np.concatenate(factors) if factors else np.zeros((0, weights.shape[1]))
        self._limits = mean.limits[:, is_kept]

    def block(self, rows: slice, cols: slice) -> Floats:
        """Return the probabilities of a block, (K, h, w) float32."""
        flat, scores = self._evaluated(rows, cols)
        out = np.zeros((self._mean.n_classes, *scores.shape[1:]), np.float32)
        for member, weight, own in self._members(scores):
            found: Floats
            if isinstance(member.classifier, LinearClassifier):
                found = member.classifier.predict_proba_block(own)
            else:
                assert flat is not None
                at = int(self._place[member.start])
                own_features = flat[:, at : at + member.stop - member.start]
                found = member.classifier.predict_proba(own_features).T.reshape(out.shape)
            out += weight * found
        return self._mean.with_factors(out)

    def _evaluated(self, rows: slice, cols: slice) -> tuple[Floats | None, Floats]:
        """Return what is kept, (n, F), and the scores of linear members, (D, h, w), of a block."""
        values = join_blocks(self._kept, rows, cols) if self._kept else None
        height, width = rows.stop - rows.start, cols.stop - cols.start
        scores = np.zeros((self._factors.shape[1], height, width), np.float32)
        for part in self._projected:
            scores += part.block(rows, cols)
        flat = None if values is None else values.reshape(len(values), -1).T
        if flat is not None and self._factors.any():
            scores += _product(flat, self._limits, self._factors).T.reshape(scores.shape)
        return flat, scores

    def _members(self, scores: Floats) -> Iterator[tuple[Member, float, Floats]]:
        """Yield members, their weights, and the scores of those that are linear."""
        count, linear = self._mean.n_classes, 0
        for member, weight in zip(self._mean.members, self._mean.weights, strict=True):
            yield member, float(weight), scores[linear * count : (linear + 1) * count]
            linear += isinstance(member.classifier, LinearClassifier)

    def at(
        self, rows: npt.NDArray[np.int64], cols: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return the probabilities of n pixels, (n, K) float32."""
        one = [
            self.block(slice(r, r + 1), slice(c, c + 1)) for r, c in zip(rows, cols, strict=True)
        ]
        return np.stack(one)[:, :, 0, 0]

    def project(self, weights: npt.NDArray[np.floating]) -> FeatureMap:
        """Return ``probabilities @ weights``, block by block."""
        return Projected(self, weights)

    def bytes_per_pixel(self) -> int:
        """Return the memory of features, scores and probabilities."""
        own = 8 * self._factors.shape[1] + 24 * self._mean.n_classes
        parts = [*self._kept, *self._projected]
        # Kept features that cannot be written where they belong are held twice.
        several = self._kept if len(self._kept) > 1 else []
        own += max((4 * len(p.names) for p in several if not hasattr(p, "fill")), default=0)
        return sum((part.bytes_per_pixel() for part in parts), own)


class LabelMap(MeanMap):
    """Votes on one plane whose first class is that of a mean: its labels, sooner.

    A pixel passes only as many trees as settle its label, beside what linear members say of it
    (`tdseg.classifiers.settling`).

    Parameters
    ----------
    mean
        Whose labels; at least one member is a forest.
    features
        Of the plane.
    """

    def __init__(self, mean: MeanClassifier, features: FeatureMap) -> None:
        super().__init__(mean, features)
        forests = [
            (member, member.classifier, float(weight))
            for member, weight in zip(mean.members, mean.weights, strict=True)
            if isinstance(member.classifier, RandomForest)
        ]
        per_tree = [weight / forest.n_trees for _, forest, weight in forests]
        # All votes together fit 32 bits; those of a tree are as fine as they are stored.
        self._scale = min(SHARE / max(per_tree), 2.0**30) * mean.factors.astype(np.float64)
        self._joined = join(
            [forest.trees for _, forest, _ in forests],
            [int(self._place[member.start]) for member, _, _ in forests],
            [self._scale * one / SHARE for one in per_tree],
            len(self._place[self._is_kept]),
        )
        self._leads = settling_leads(
            self._joined.weights, self._joined.forest, mean.n_classes, alone=False
        )

    def block(self, rows: slice, cols: slice) -> npt.NDArray[Any]:
        """Return the votes of a block, (K, h, w) int32; only which is the greatest is known."""
        flat, scores = self._evaluated(rows, cols)
        assert flat is not None
        count = self._mean.n_classes
        linear = np.zeros((count, *scores.shape[1:]), np.float64)
        for member, weight, own in self._members(scores):
            if isinstance(member.classifier, LinearClassifier):
                linear += weight * member.classifier.predict_proba_block(own)
        given = np.rint(linear.reshape(count, -1).T * self._scale).astype(np.int32)
        out = np.empty((len(given), count), np.int32)

        def keep(part: slice, votes: npt.NDArray[np.int32]) -> None:
            out[part] = votes

        walk(self._joined.trees, flat, self._leads, keep, given)
        return out.T.reshape(linear.shape)


def _scores_and_walked(
    mean: MeanClassifier,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return the linear members' weights side by side, (F, D), and which features forests see."""
    walked = np.zeros(mean.n_features, bool)
    columns = [np.zeros((mean.n_features, 0))]
    for member in mean.members:
        if isinstance(member.classifier, LinearClassifier):
            own = np.zeros((mean.n_features, mean.n_classes))
            own[member.start : member.stop] = member.classifier.weights
            columns.append(own)
        else:
            walked[member.start : member.stop] = True
    return np.concatenate(columns, axis=1), walked


def _product(
    features: Floats, limits: Floats, weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return limited ``features @ weights`` in float64: it depends on no neighbour's value."""
    used = np.flatnonzero(weights.any(axis=1))
    out = np.empty((len(features), weights.shape[1]))
    for start in range(0, len(features), ROWS_PER_BLOCK):
        rows = slice(start, start + ROWS_PER_BLOCK)
        seen = np.clip(features[rows][:, used], *limits[:, used])
        np.matmul(seen.astype(np.float64), weights[used], out=out[rows])
    return out
