"""What the linear classifiers share: standardisation, scores, storage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from tdseg.classifiers.base import LinearClassifier, TrainableClassifier
from tdseg.classifiers.scaling import NEGLIGIBLE_RANGE, range_factors
from tdseg.classifiers.stored import stored_array, stored_count, stored_factor
from tdseg.classifiers.training import ROWS_PER_BLOCK, TrainingSet, check_features
from tdseg.errors import TdsegError
from tdseg.runtime.threads import bands, map_threads

MOST = 1e30
"""What a feature's standard deviation may add to a score: blocks are scored in float32."""
ABSENT_SCORE = -1e4
"""Score of a class without training pixels: finite, so that scores can still be averaged."""


class AffineClassifier(LinearClassifier, TrainableClassifier):
    """Scores ``features @ weights + bias`` followed by a softmax of ``sharpness`` times them.

    Parameters
    ----------
    weights : ndarray, (F, K) float64
        In the units of the features: their standardisation is folded in.
    bias : ndarray, (K,) float64
    scale : ndarray, (F,) float64
        Standard deviation of each feature over the training pixels; only for `importances`.
    present : ndarray, (K,) bool
        The classes that had training pixels; the others have probability 0.
    sharpness : float
        Factor on the scores in the softmax.

    Raises
    ------
    TdsegError
        When the arrays disagree or are not finite (they may come from a damaged file).
    """

    array_names: ClassVar[frozenset[str]] = frozenset({"weights", "bias", "scale", "present"})

    def __init__(
        self,
        weights: npt.NDArray[np.float64],
        bias: npt.NDArray[np.float64],
        scale: npt.NDArray[np.float64],
        present: npt.NDArray[np.bool_],
        sharpness: float = 1.0,
    ) -> None:
        self.weights = np.ascontiguousarray(weights, dtype=np.float64)
        self.bias = np.asarray(bias, dtype=np.float64)
        self.present = np.asarray(present, dtype=bool)
        self.sharpness = float(sharpness)
        self._scale = np.asarray(scale, dtype=np.float64)
        self.n_features, self.n_classes = self.weights.shape
        if not self._usable() or not 0 < self.sharpness < np.inf or self.present.sum() < 2:
            raise TdsegError(
                f"The stored {self.kind} classifier is damaged (its weights are not usable); "
                "save it again."
            )

    def _usable(self) -> bool:
        # Weights alone may be as large as float32 allows: those of heights in metres are.
        weights = np.abs(self.weights)
        with np.errstate(over="ignore", invalid="ignore"):
            effects = weights * np.abs(self._scale)[:, None]
        return bool(
            np.isfinite(self._scale).all()
            and (weights <= np.finfo(np.float32).max).all()
            and (effects <= MOST).all()
            and (np.abs(self.bias) <= MOST).all()
        )

    def scores(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return ``features @ weights + bias``.

        Computed in float64, so that the sum does not depend on how many pixels come at a time.

        Parameters
        ----------
        features : ndarray, (n, F) float32

        Returns
        -------
        ndarray, (n, K) float64

        Raises
        ------
        TdsegError
            When a feature is not finite or their number differs.
        """
        features = np.asarray(features)
        check_features(features, self.n_features)
        out = np.empty((len(features), self.n_classes))

        def band(limits: tuple[int, int]) -> None:
            step = ROWS_PER_BLOCK // 8
            for start in range(limits[0], limits[1], step):
                rows = slice(start, min(start + step, limits[1]))
                np.matmul(features[rows].astype(np.float64), self.weights, out=out[rows])

        map_threads(band, bands(len(features), at_least=4096))
        out += self.bias
        return out

    def predict_proba(self, features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return ``link(scores(features))``, (n, K) float32."""
        return self.link(self.scores(features))

    def link(self, scores: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Return the probabilities of scores.

        Parameters
        ----------
        scores : ndarray, (..., K)
            As ``features @ weights + bias``, or any average or interpolation of such.

        Returns
        -------
        ndarray, (..., K) float32
            Sums to 1; exactly 0 for a class without training pixels. The greatest probability
            belongs to the greatest score.
        """
        scores = np.asarray(scores)
        out = np.zeros(scores.shape, dtype=np.float32)
        classes = np.flatnonzero(self.present)
        # Class by class: NumPy is slow along a short last axis.
        highest = scores[..., classes[0]].copy()
        for k in classes[1:]:
            np.maximum(highest, scores[..., k], out=highest)
        total = np.zeros(scores.shape[:-1], dtype=np.float32)
        for k in classes:
            out[..., k] = np.exp(self.sharpness * (scores[..., k] - highest))
            total += out[..., k]
        out /= total[..., None]
        return out

    def importances(self) -> npt.NDArray[np.float64]:
        """Return the mean absolute weight of each standardised feature, (F,) float64, sum 1."""
        size = np.abs(self.weights[:, self.present]).mean(1) * self._scale
        total = size.sum()
        if total <= 0:
            return np.full(self.n_features, 1 / self.n_features)
        share: npt.NDArray[np.float64] = size / total
        return share

    def header(self) -> dict[str, Any]:
        """Return kind, number of classes and features, and sharpness of the softmax."""
        return {
            "kind": self.kind,
            "n_classes": self.n_classes,
            "n_features": self.n_features,
            "sharpness": self.sharpness,
        }

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return weights, bias, scale and present."""
        return {
            "weights": self.weights,
            "bias": self.bias,
            "scale": self._scale,
            "present": self.present,
        }

    @classmethod
    def from_storage(
        cls, header: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]
    ) -> Self:
        """Rebuild a classifier from `header` and `arrays`."""
        n_features = stored_count(header, "n_features")
        n_classes = stored_count(header, "n_classes")
        sharpness = stored_factor(header, "sharpness")
        return cls(
            stored_array(arrays, "weights", "f", (n_features, n_classes)),
            stored_array(arrays, "bias", "f", (n_classes,)),
            stored_array(arrays, "scale", "f", (n_features,)),
            stored_array(arrays, "present", "b", (n_classes,)),
            sharpness,
        )

    @classmethod
    def from_standardized(
        cls,
        training: TrainingSet,
        mean: npt.NDArray[np.float64],
        scale: npt.NDArray[np.float64],
        weights: npt.NDArray[np.float64],
        bias: npt.NDArray[np.float64],
        sharpness: float = 1.0,
    ) -> Self:
        """Fold ``(x - mean) / scale`` into weights (F, P) and bias (P,) of the present classes."""
        full = np.zeros((training.n_features, training.n_classes))
        full[:, training.present] = weights / scale[:, None]
        offset = np.full(training.n_classes, ABSENT_SCORE)
        offset[training.present] = bias - mean @ full[:, training.present]
        present = np.zeros(training.n_classes, dtype=bool)
        present[training.present] = True
        return cls(full, offset, scale / training.shares, present, sharpness)


def standardize(
    training: TrainingSet,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return standardised features and what standardised them.

    Returns
    -------
    standardized : ndarray, (n, F) float32
        Mean 0 and standard deviation ``1 / shares`` over the pixels; a constant feature is 0
        throughout.
    mean, scale : ndarray, (F,) float64
        The scale of a constant feature is that of a standard deviation of 1.
    """
    data = training.features
    # Squares of very small numbers would vanish in float32.
    factors = range_factors(data)
    mean = data.mean(0, dtype=np.float64)
    middle = mean.astype(np.float32)
    squares = np.zeros(training.n_features)
    for start in range(0, len(data), ROWS_PER_BLOCK):
        centred = (data[start : start + ROWS_PER_BLOCK] - middle) * factors
        squares += (centred * centred).sum(0, dtype=np.float64)
    scale = np.sqrt(squares / len(data)) / factors
    low = data.min(0)
    constant = data.max(0).astype(np.float64) - low <= NEGLIGIBLE_RANGE
    # Rounding of the mean must not turn a constant feature into noise.
    mean[constant] = data[0, constant]
    scale[constant | (scale == 0)] = 1.0
    scale *= training.shares
    standardized = np.empty_like(data)
    for start in range(0, len(data), ROWS_PER_BLOCK):
        rows = slice(start, start + ROWS_PER_BLOCK)
        standardized[rows] = (data[rows] - mean) / scale
    return standardized, mean, scale
