"""Clusters as a pixel classifier: found without labels, applied and saved like any other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from tdseg.classifiers.base import LinearClassifier
from tdseg.classifiers.stored import stored_array, stored_count, stored_factor
from tdseg.classifiers.training import check_features
from tdseg.errors import TdsegError
from tdseg.unsupervised.distances import nearest_by_class
from tdseg.unsupervised.embedding import Embedding

ROWS = 1 << 15  # pixels at a time: bounds the memory beside the features
CONFIDENT = 0.9


class ClusterClassifier(LinearClassifier):
    """Classes made of clusters: a pixel belongs to the class of the nearest cluster.

    Its scores are the coordinates of an `Embedding`, which is linear up to the normalisation of
    each pixel; so it is applied as linear classifiers are, tokens first and pixels later, and
    `link` does the rest.

    Parameters
    ----------
    embedding
        From F features to D dimensions.
    centres
        (C, D) float32 cluster centres.
    classes
        (C,) class of each cluster, 0 to K - 1, all of them present.
    sharpness
        Of the probabilities, ``softmax(-sharpness * squared distance)``.
    spread
        (F,) standard deviation of each feature over the sample; only for `importances`.

    Raises
    ------
    TdsegError
        If the arrays disagree or are not finite (they may come from a damaged file).
    """

    kind: ClassVar[str] = "clusters"
    array_names: ClassVar[frozenset[str]] = frozenset(
        {"weights", "bias", "edges", "unit", "scale", "centres", "classes", "spread"}
    )

    def __init__(
        self,
        embedding: Embedding,
        centres: np.ndarray,
        classes: np.ndarray,
        sharpness: float,
        spread: np.ndarray,
    ) -> None:
        self.embedding = embedding
        self.centres = np.ascontiguousarray(centres, np.float32)
        self.classes = np.asarray(classes, np.int64)
        self.sharpness = float(sharpness)
        self._spread = np.asarray(spread, np.float64)
        self.weights = embedding.weights
        self.bias = embedding.bias
        self.n_features = len(embedding.weights)
        finite = all(
            np.isfinite(a).all()
            for a in (embedding.weights, embedding.bias, embedding.scale, centres, spread)
        )
        known = np.unique(self.classes)
        self.n_classes = len(known)
        whole = np.array_equal(known, np.arange(len(known)))
        edges = embedding.edges
        shaped = (
            embedding.dimensions > 0
            and edges[0] == 0
            and edges[-1] == embedding.dimensions
            and bool((np.diff(edges) >= 0).all())
        )
        if not (finite and whole and shaped and self.n_classes and 0 < self.sharpness < np.inf):
            raise TdsegError("The stored clusters are damaged; save the classifier again.")

    @classmethod
    def of_clusters(
        cls,
        embedding: Embedding,
        centres: np.ndarray,
        classes: np.ndarray,
        features: np.ndarray,
    ) -> Self:
        """Make a classifier and choose its sharpness.

        Half of the sampled pixels get a probability of at least 0.9 for their class: as sure of
        themselves as trained classifiers typically are, so that the CRF weighs them alike.

        Parameters
        ----------
        embedding, centres, classes
            As above.
        features
            (n, F) the sample that the clusters were found in.

        Returns
        -------
        Self
            A classifier of these clusters.
        """
        count = int(np.max(classes)) + 1
        squares = nearest_by_class(embedding.transform(features), centres, classes, count)
        spread = np.array([features[:, k].std(dtype=np.float64) for k in range(features.shape[1])])
        return cls(embedding, centres, classes, _sharpness(squares), spread)

    def distances(self, scores: np.ndarray) -> np.ndarray:
        """Return squared distances to the nearest cluster of each class, (n, K), of (n, D)."""
        return nearest_by_class(
            self.embedding.normalise(scores), self.centres, self.classes, self.n_classes
        )

    def link(self, scores: np.ndarray) -> np.ndarray:
        """Return probabilities (..., K) float32 of scores (..., D); the nearest has the highest."""
        flat = np.asarray(scores).reshape(-1, scores.shape[-1])
        out = np.empty((len(flat), self.n_classes), np.float32)
        for start in range(0, len(flat), ROWS):
            part = slice(start, start + ROWS)
            out[part] = _softmax(self.distances(flat[part]), self.sharpness)
        return out.reshape(*scores.shape[:-1], self.n_classes)

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """Return the class probabilities, (n, K) float32, of features (n, F) float32."""
        features = np.asarray(features)
        check_features(features, self.n_features)
        out = np.empty((len(features), self.n_classes), np.float32)
        for start in range(0, len(features), ROWS):
            part = slice(start, start + ROWS)
            scores = features[part].astype(np.float32) @ self.weights
            scores += self.bias
            out[part] = self.link(scores)
        return out

    def importances(self) -> np.ndarray:
        """Return how far each feature moves pixels between clusters, (F,) float64, sum 1."""
        apart = self.centres.astype(np.float64).std(axis=0)
        size = self._spread * (np.abs(self.weights.astype(np.float64)) @ apart)
        total = size.sum()
        if total <= 0:
            return np.full(self.n_features, 1 / self.n_features)
        share: np.ndarray = size / total
        return share

    def header(self) -> dict[str, Any]:
        """Return what a file's JSON header keeps."""
        return {
            "kind": self.kind,
            "n_classes": self.n_classes,
            "n_features": self.n_features,
            "sharpness": self.sharpness,
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays a file keeps."""
        return {
            "weights": self.weights,
            "bias": self.bias,
            "edges": self.embedding.edges,
            "unit": self.embedding.unit,
            "scale": self.embedding.scale,
            "centres": self.centres,
            "classes": self.classes,
            "spread": self._spread,
        }

    @classmethod
    def from_storage(cls, header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Self:
        """Rebuild the classifier from what `header` and `arrays` returned."""
        n_features = stored_count(header, "n_features")
        with np.errstate(over="ignore"):  # the constructor checks that all are finite
            arrays = {
                name: array.astype(np.float32)
                if array.dtype.kind == "f" and name != "spread"
                else array
                for name, array in arrays.items()
            }
        weights = stored_array(arrays, "weights", "f", (n_features, None))
        dimensions = weights.shape[1]
        unit = stored_array(arrays, "unit", "b", (None,))
        centres = stored_array(arrays, "centres", "f", (None, dimensions))
        sharpness = stored_factor(header, "sharpness")
        embedding = Embedding(
            weights,
            stored_array(arrays, "bias", "f", (dimensions,)),
            stored_array(arrays, "edges", "i", (len(unit) + 1,)),
            unit,
            stored_array(arrays, "scale", "f", (len(unit),)),
        )
        found = cls(
            embedding,
            centres,
            stored_array(arrays, "classes", "i", (len(centres),)),
            sharpness,
            stored_array(arrays, "spread", "f", (n_features,)),
        )
        if found.n_classes != stored_count(header, "n_classes"):
            raise TdsegError("The stored clusters are damaged; save the classifier again.")
        return found


def _softmax(squares: np.ndarray, sharpness: float) -> np.ndarray:
    """Return ``softmax(-sharpness * squares)`` along the last axis, float32."""
    score = (squares.min(axis=1, keepdims=True) - squares) * np.float32(sharpness)
    out: np.ndarray = np.exp(score, out=score)
    out /= out.sum(axis=1, keepdims=True)
    return out


def _sharpness(squares: np.ndarray) -> float:
    """Find the factor at which the median highest probability is `CONFIDENT`, by bisection."""
    scale = float(np.mean(squares.max(axis=1) - squares.min(axis=1)))
    if squares.shape[1] < 2 or not scale > 1e-12:
        return 1.0
    low, high = -12.0, 24.0  # powers of two
    for _ in range(40):
        middle = 0.5 * (low + high)
        sure = float(np.median(_softmax(squares, 2.0**middle / scale).max(axis=1)))
        low, high = (middle, high) if sure < CONFIDENT else (low, middle)
    return float(2.0**high / scale)
