"""The mean of forests and logistic regressions, each on its own features.

Two things keep the mean right far from the strokes. Filters of wide scales take values at a border
between two phases that no stroke inside a phase shows, tens of thousands of standard deviations
beyond; a linear model would follow them anywhere, and move the border by the width of the filter.
So linear members see classical features limited to the range of the labelled pixels. And classes
that were drawn alike need not be alike in the image: `rare_class_factors` says what to do then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from tdseg.classifiers.base import Floats, LinearClassifier, TrainableClassifier
from tdseg.classifiers.forest import RandomForest
from tdseg.classifiers.logistic import LogisticRegression
from tdseg.classifiers.mean_map import LabelMap, MeanMap
from tdseg.classifiers.stored import stored_array, stored_count, stored_factor
from tdseg.classifiers.training import Progress, TrainingSet, check_features
from tdseg.errors import TdsegError
from tdseg.runtime.feature_map import FeatureMap

KINDS: dict[str, type[RandomForest] | type[LogisticRegression]] = {
    kind.kind: kind for kind in (RandomForest, LogisticRegression)
}
MAX_MEMBERS = 16
FOREST_SHARES = {"classical": 0.8, "deep": 0.2, "both": 0.5}
"""Of a part's weight, what its forest gets: forests make sharp borders of classical features,
linear models carry deep ones over to other places."""
RARE = 0.4
"""A class is rare where its mean probability is below this part of an even share."""


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

    A forest makes sharp borders, a linear model carries over to other images; their mean is on
    average as good as the better of both (``docs/quality.md``). On a plane, the linear members
    are projected as they are alone, so that only what the forests look at is computed for every
    pixel.

    Parameters
    ----------
    members
        At least one; all have the same classes.
    n_features
        F, of the mean.
    limits
        (2, F) least and greatest value of each feature that linear members see; infinite where
        they see all. None: infinite throughout.
    factors
        (K,) what the mean of each class is multiplied by; then their sum is made 1 again. None: 1.

    Raises
    ------
    TdsegError
        When the members do not fit together (they may come from a damaged file).
    """

    kind: ClassVar[str] = "mean"
    array_names: ClassVar[frozenset[str]] = frozenset({"limits", "factors"})

    def __init__(
        self,
        members: Sequence[Member],
        n_features: int,
        limits: Floats | None = None,
        factors: Floats | None = None,
    ) -> None:
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
        if limits is None:
            limits = np.repeat(np.array([[-np.inf], [np.inf]], np.float32), n_features, axis=1)
        if not (limits[0] <= limits[1]).all():
            raise _broken("limits of features")
        self.limits = limits.astype(np.float32)
        self.factors = np.ones(self.n_classes, np.float32)
        if factors is not None:
            self.factors = factors.astype(np.float32)
        if not ((self.factors > 0) & (self.factors <= 1)).all():
            raise _broken("factors of classes")

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
            forest = _forest_share(own)
            for kind, share in ((RandomForest, forest), (LogisticRegression, 1 - forest)):
                fitted = kind.fit(own, trees=grown, balance=balance, seed=seed)
                members.append(Member(fitted, start, stop, weight * share))
                if progress is not None:
                    progress((number + 1) / len(parts))
        limits = np.stack([training.features.min(axis=0), training.features.max(axis=0)])
        limits[:, training.sources != 0] = [[-np.inf], [np.inf]]
        return cls(members, training.n_features, limits)

    def with_rare_classes(self, unlabelled: Floats) -> Self:
        """Return the same mean that does not overstate what is rare in the images.

        Parameters
        ----------
        unlabelled
            (m, F) features of pixels from all over the images.
        """
        factors = rare_class_factors(self.predict_proba(unlabelled))
        return type(self)(self.members, self.n_features, self.limits, self.factors * factors)

    def predict_proba(self, features: Floats) -> Floats:
        """Return the weighted mean of the members' probabilities, (n, K) float32."""
        features = np.asarray(features)
        check_features(features, self.n_features)
        limited = np.clip(features, *self.limits)
        out = np.zeros((len(features), self.n_classes), np.float32)
        for member, weight in zip(self.members, self.weights, strict=True):
            seen = limited if isinstance(member.classifier, LinearClassifier) else features
            out += weight * member.classifier.predict_proba(seen[:, member.start : member.stop])
        return self.with_factors(out.T).T

    def with_factors(self, probabilities: Floats) -> Floats:
        """Return probabilities (K, ...) times the factors of their classes, sum 1."""
        if (self.factors == 1).all():
            return probabilities
        out = probabilities * self.factors.reshape(-1, *[1] * (probabilities.ndim - 1))
        out /= out.sum(axis=0)
        return out

    def prepare(self, features: FeatureMap) -> FeatureMap:
        """Return the map of this mean's probabilities, evaluated block by block."""
        return MeanMap(self, features)

    def prepare_labels(self, features: FeatureMap) -> FeatureMap:
        """Return the map of votes whose first class is this mean's."""
        walked = any(isinstance(member.classifier, RandomForest) for member in self.members)
        return (LabelMap if walked else MeanMap)(self, features)

    def predict_proba_block(self, block: Floats) -> Floats:
        """Return a block (K, h, w) of the prepared map, which holds probabilities."""
        return block

    def predict_block(self, block: Floats) -> npt.NDArray[np.intp]:
        """Return the most probable class, (h, w), of a block (K, h, w) of a prepared map."""
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
        """Return limits, factors and the members' arrays, named after their member's number."""
        return {"limits": self.limits, "factors": self.factors} | {
            f"member{number}_{name}": array
            for number, member in enumerate(self.members)
            for name, array in member.classifier.arrays().items()
        }

    def stored_names(self) -> frozenset[str]:
        """Return the names of what `arrays` returns."""
        return self.array_names | frozenset(
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
        limits = stored_array(arrays, "limits", "f", (2, n_features))
        factors = stored_array(arrays, "factors", "f", (found.n_classes,))
        return cls(members, n_features, limits, factors)


def rare_class_factors(probabilities: npt.NDArray[np.floating]) -> Floats:
    """Return what to multiply probabilities by where classes are rare, (K,) float32.

    Strokes show every class about equally often, so classifiers take a pixel that could be of any
    for one of the rarest as readily. The mean probability over the images says which are rare
    there, too mildly; its whole correction (Saerens, Latinne, Decaestecker, Neural Computation 14,
    2002) would wipe out a class that was recognised badly. So only a class below `RARE` times an
    even share is taken back, by the root of what it lacks.

    Parameters
    ----------
    probabilities
        (m, K) of pixels from all over the images.
    """
    part = probabilities.mean(axis=0, dtype=np.float64) * probabilities.shape[1] / RARE
    # A class without labels has probability 0, which no factor changes.
    return np.sqrt(np.where(part > 0, np.minimum(part, 1), 1)).astype(np.float32)


def _forest_share(training: TrainingSet) -> float:
    classical = training.sources == 0
    kind = "both" if classical.any() and not classical.all() else None
    return FOREST_SHARES[kind or ("classical" if classical.all() else "deep")]


def _broken(what: str) -> TdsegError:
    return TdsegError(f"The stored mean of classifiers is damaged (its {what}); save it again.")
