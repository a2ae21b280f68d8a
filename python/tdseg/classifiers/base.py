"""What every classifier offers; a kind of its own overrides what it does better."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from tdseg.classifiers.training import Progress, TrainingSet
from tdseg.runtime.feature_map import FeatureMap

Floats = npt.NDArray[np.float32]


class Classifier(ABC):
    """From the features of a pixel to the probabilities of its K classes.

    A plane is classified in two steps: `prepare` its features, once, then `predict_block` or
    `predict_proba_block` for each block of what came back.
    """

    kind: ClassVar[str]
    """Its name in the registry and in files."""
    array_names: ClassVar[frozenset[str]]
    """The arrays that `arrays` returns, where they are the same for all of a kind."""
    n_classes: int
    n_features: int

    @abstractmethod
    def predict_proba(self, features: Floats) -> Floats:
        """Return the class probabilities, (n, K) float32, of features (n, F) float32."""

    def predict(self, features: Floats) -> npt.NDArray[np.intp]:
        """Return the most probable class, (n,): the argmax of `predict_proba`."""
        best: npt.NDArray[np.intp] = self.predict_proba(features).argmax(axis=1)
        return best

    def prepare(self, features: FeatureMap) -> FeatureMap:
        """Return the map whose blocks this classifier takes; the features themselves by default."""
        return features

    def prepare_labels(self, features: FeatureMap) -> FeatureMap:
        """Return the map whose blocks `predict_block` takes, where only labels are wanted."""
        return self.prepare(features)

    def predict_proba_block(self, block: Floats) -> Floats:
        """Return probabilities (K, h, w) float32 of a block (F, h, w) of the prepared map."""
        found = self.predict_proba(_pixels(block))
        return found.T.reshape(-1, *block.shape[1:])

    def predict_block(self, block: Floats) -> npt.NDArray[np.intp]:
        """Return the most probable class, (h, w), of a block (F, h, w) of the prepared map."""
        return self.predict(_pixels(block)).reshape(block.shape[1:])

    def bytes_per_pixel(self, prepared: FeatureMap) -> int:
        """Return roughly how much memory each pixel of a block takes, its features included."""
        # A copy of the block in another order, and a few numbers for each class.
        return prepared.bytes_per_pixel() + 20 * len(prepared.names) + 16 * self.n_classes

    @abstractmethod
    def importances(self) -> npt.NDArray[np.float64]:
        """Return how much each feature matters, (F,), not negative, sum 1."""

    @abstractmethod
    def header(self) -> dict[str, Any]:
        """Return what a file's JSON header keeps, with ``kind``, ``n_classes``, ``n_features``."""

    @abstractmethod
    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays a file keeps; no objects."""

    def stored_names(self) -> frozenset[str]:
        """Return the names of what `arrays` returns."""
        return self.array_names

    @classmethod
    @abstractmethod
    def from_storage(
        cls, header: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]
    ) -> Self:
        """Rebuild the classifier from what `header` and `arrays` returned.

        Raises
        ------
        TdsegError
            When they are damaged: every array is checked before anything relies on it.
        """


class TrainableClassifier(Classifier):
    """A classifier that learns from labelled pixels."""

    @classmethod
    @abstractmethod
    def fit(
        cls,
        training: TrainingSet,
        *,
        trees: int = 200,
        balance: bool = True,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Self:
        """Train on checked pixels; a kind ignores the settings that do not concern it."""


class LinearClassifier(Classifier):
    """A classifier of scores ``features @ weights + bias``.

    The standardisation of the features is folded into `weights` (F, D) and `bias` (D,). Scores
    commute with averaging and linear upsampling, so a plane is projected first, which leaves D
    maps instead of F to upsample, and `link` comes last.
    """

    weights: npt.NDArray[np.float64]
    bias: npt.NDArray[np.float64]

    @abstractmethod
    def link(self, scores: npt.NDArray[np.floating]) -> Floats:
        """Return the probabilities, (..., K) float32, of scores (..., D)."""

    def prepare(self, features: FeatureMap) -> FeatureMap:
        """Project the features to scores without their bias."""
        return features.project(np.asarray(self.weights, np.float32))

    def predict_proba_block(self, block: Floats) -> Floats:
        """Return probabilities (K, h, w) float32 of a block (D, h, w) of projections."""
        scores = np.ascontiguousarray(_pixels(block)) + np.asarray(self.bias, np.float32)
        return self.link(scores).T.reshape(-1, *block.shape[1:])

    def predict_block(self, block: Floats) -> npt.NDArray[np.intp]:
        """Return the class, (h, w), of the highest probability of a block (D, h, w)."""
        best: npt.NDArray[np.intp] = self.predict_proba_block(block).argmax(axis=0)
        return best


def _pixels(block: Floats) -> Floats:
    """Return a view (n, F) of a block (F, h, w)."""
    flat: Floats = block.reshape(len(block), -1).T
    return flat
