"""The mean of forests and logistic regressions, each on its own features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from tdseg.classifiers.base import Floats, LinearClassifier, TrainableClassifier
from tdseg.classifiers.forest import RandomForest
from tdseg.classifiers.logistic import LogisticRegression
from tdseg.classifiers.stored import stored_count, stored_factor
from tdseg.classifiers.training import (
    ROWS_PER_BLOCK,
    Progress,
    TrainingSet,
    check_features,
)
from tdseg.errors import TdsegError
from tdseg.runtime.feature_map import FeatureMap, Projected, parts_of

KINDS: dict[str, type[RandomForest] | type[LogisticRegression]] = {
    kind.kind: kind for kind in (RandomForest, LogisticRegression)
}
MAX_MEMBERS = 16


@dataclass(frozen=True)
class Member:
    """One classifier of a mean.

    Attributes
    ----------
    classifier
        Knows the features `start` to `stop` - 1 only.
    start, stop
        Its features among those of the mean.
    weight
        Its share in the probabilities, relative to the others'.
    """

    classifier: RandomForest | LogisticRegression
    start: int
    stop: int
    weight: float


class MeanClassifier(TrainableClassifier):
    """The weighted mean of the probabilities of its members.

    A forest makes sharp borders, a linear model carries over to other images; their plain mean is
    on average as good as the better of both (``docs/quality.md``). On a plane, the linear members
    are projected as they are alone, so that only what the forests look at is computed for every
    pixel.

    Parameters
    ----------
    members
        At least one; all have the same classes.
    n_features
        F, of the mean.

    Raises
    ------
    TdsegError
        When the members do not fit together (they may come from a damaged file).
    """

    kind: ClassVar[str] = "mean"
    array_names: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, members: Sequence[Member], n_features: int) -> None:
        self.members = tuple(members)
        self.n_features = n_features
        if not 1 <= len(self.members) <= MAX_MEMBERS:
            raise _broken("number of members")
        self.n_classes = self.members[0].classifier.n_classes
        for member in self.members:
            inside = 0 <= member.start < member.stop <= n_features
            if not inside or member.classifier.n_features != member.stop - member.start:
                raise _broken("features of its members")
            if member.classifier.n_classes != self.n_classes:
                raise _broken("classes of its members")
        weights = np.array([member.weight for member in self.members], np.float64)
        self.weights = (weights / weights.sum()).astype(np.float32)

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
        """Train a forest and a logistic regression on all features."""
        whole = [(0, training.n_features, 1.0)]
        return cls.fit_parts(
            training, whole, trees=trees, balance=balance, seed=seed, progress=progress
        )

    @classmethod
    def fit_parts(
        cls,
        training: TrainingSet,
        parts: Sequence[tuple[int, int, float]],
        *,
        trees: int = 200,
        balance: bool = True,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Self:
        """Train a forest and a logistic regression on each part of the features.

        Parameters
        ----------
        training
            With all features.
        parts
            First feature, the one after the last, and weight of each part. The trees are shared
            out by weight, so that several forests cost no more than one.
        trees, balance, seed, progress
            As for the members.

        Returns
        -------
        MeanClassifier
            With two members for each part.
        """
        total = sum(weight for _, _, weight in parts)
        members = []
        for number, (start, stop, weight) in enumerate(parts):
            own = training.with_features(start, stop)
            grown = max(1, round(trees * weight / total))
            for kind in KINDS.values():
                fitted = kind.fit(own, trees=grown, balance=balance, seed=seed)
                members.append(Member(fitted, start, stop, weight))
                if progress is not None:
                    progress((number + 1) / len(parts))
        return cls(members, training.n_features)

    def predict_proba(self, features: Floats) -> Floats:
        """Return the weighted mean of the members' probabilities, (n, K) float32."""
        features = np.asarray(features)
        check_features(features, self.n_features)
        out = np.zeros((len(features), self.n_classes), np.float32)
        for member, weight in zip(self.members, self.weights, strict=True):
            out += weight * member.classifier.predict_proba(features[:, member.start : member.stop])
        return out

    def prepare(self, features: FeatureMap) -> FeatureMap:
        """Return the map of this mean's probabilities, evaluated block by block."""
        return _Probabilities(self, features)

    def predict_proba_block(self, block: Floats) -> Floats:
        """Return a block (K, h, w) of the prepared map, which holds probabilities."""
        return block

    def predict_block(self, block: Floats) -> npt.NDArray[np.intp]:
        """Return the most probable class, (h, w), of a block (K, h, w) of the prepared map."""
        best: npt.NDArray[np.intp] = block.argmax(axis=0)
        return best

    def bytes_per_pixel(self, prepared: FeatureMap) -> int:
        """Return what the prepared map needs for each pixel."""
        return prepared.bytes_per_pixel()

    def importances(self) -> npt.NDArray[np.float64]:
        """Return the weighted mean of the members' importances, (F,) float64, sum 1."""
        out = np.zeros(self.n_features)
        for member, weight in zip(self.members, self.weights, strict=True):
            out[member.start : member.stop] += weight * member.classifier.importances()
        share: npt.NDArray[np.float64] = out / out.sum()
        return share

    def header(self) -> dict[str, Any]:
        """Return kind, number of classes and features, and the members' headers."""
        return {
            "kind": self.kind,
            "n_classes": self.n_classes,
            "n_features": self.n_features,
            "members": [
                {
                    "start": member.start,
                    "stop": member.stop,
                    "weight": member.weight,
                    "classifier": member.classifier.header(),
                }
                for member in self.members
            ],
        }

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the members' arrays, each name after its member's number."""
        return {
            f"member{number}_{name}": array
            for number, member in enumerate(self.members)
            for name, array in member.classifier.arrays().items()
        }

    def stored_names(self) -> frozenset[str]:
        """Return the names of the members' arrays."""
        return frozenset(
            f"member{number}_{name}"
            for number, member in enumerate(self.members)
            for name in member.classifier.stored_names()
        )

    @classmethod
    def from_storage(
        cls, header: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]
    ) -> Self:
        """Rebuild a mean from `header` and `arrays`."""
        entries = header.get("members")
        if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_MEMBERS:
            raise _broken("list of members")
        n_features = stored_count(header, "n_features")
        members = []
        for number, entry in enumerate(entries):
            own = entry.get("classifier") if isinstance(entry, dict) else None
            start = entry.get("start") if isinstance(entry, dict) else None
            if not isinstance(own, dict) or own.get("kind") not in KINDS or type(start) is not int:
                raise _broken(f"member {number + 1}")
            kind = KINDS[own["kind"]]
            prefix = f"member{number}_"
            named = {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
            members.append(
                Member(
                    kind.from_storage(own, named),
                    start,
                    stored_count(entry, "stop"),
                    stored_factor(entry, "weight"),
                )
            )
        found = cls(members, n_features)
        if found.n_classes != stored_count(header, "n_classes"):
            raise _broken("number of classes")
        return found


class _Probabilities:
    """The probabilities of a mean on one plane.

    Parts of the features that a forest looks at are evaluated for every pixel. The scores of the
    linear members are projected, part by part; only where a part is evaluated anyway and gains
    nothing from a projection, as classical features do, are they computed from its values.
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
            scores = part.project(used.astype(np.float32)) if used.any() else None
            if walked[own].any():
                kept.append(part)
                is_kept[own] = True
                direct = isinstance(scores, Projected)
                factors.append(used if direct else np.zeros_like(used))
                scores = None if direct else scores
            if scores is not None:
                projected.append(scores)
        self._kept, self._projected = kept, projected
        # Where each feature is in the kept blocks.
        self._place = np.cumsum(is_kept) - is_kept
        self._factors = np.concatenate(factors) if factors else np.zeros((0, weights.shape[1]))

    def block(self, rows: slice, cols: slice) -> Floats:
        """Return the probabilities of a block, (K, h, w) float32."""
        kept = [part.block(rows, cols) for part in self._kept]
        values = kept[0] if len(kept) == 1 else np.concatenate(kept) if kept else None
        height, width = rows.stop - rows.start, cols.stop - cols.start
        scores = np.zeros((self._factors.shape[1], height, width), np.float32)
        for part in self._projected:
            scores += part.block(rows, cols)
        flat = None if values is None else values.reshape(len(values), -1).T
        if flat is not None and self._factors.any():
            scores += _product(flat, self._factors).T.reshape(scores.shape)
        count, linear = self._mean.n_classes, 0
        out = np.zeros((count, height, width), np.float32)
        for member, weight in zip(self._mean.members, self._mean.weights, strict=True):
            found: Floats
            if isinstance(member.classifier, LinearClassifier):
                own = scores[linear * count : (linear + 1) * count]
                found, linear = member.classifier.predict_proba_block(own), linear + 1
            else:
                assert flat is not None
                at = int(self._place[member.start])
                own_features = flat[:, at : at + member.stop - member.start]
                found = member.classifier.predict_proba(own_features).T.reshape(out.shape)
            out += weight * found
        return out

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
        # Kept features are held twice while they are joined.
        joined = 4 * len(self._factors) if len(self._kept) > 1 else 0
        return sum((part.bytes_per_pixel() for part in parts), joined + own)


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


def _product(features: Floats, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return ``features @ weights`` in float64, so that it depends on no neighbour's value."""
    used = np.flatnonzero(weights.any(axis=1))
    out = np.empty((len(features), weights.shape[1]))
    for start in range(0, len(features), ROWS_PER_BLOCK):
        rows = slice(start, start + ROWS_PER_BLOCK)
        np.matmul(features[rows][:, used].astype(np.float64), weights[used], out=out[rows])
    return out


def _broken(what: str) -> TdsegError:
    return TdsegError(f"The stored mean of classifiers is damaged (its {what}); save it again.")
