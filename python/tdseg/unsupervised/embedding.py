"""A linear map of features to a few normalised dimensions in which clusters are sought.

HR-Dv2 clusters L2-normalised features. Here the features are first centred and projected to their
principal components, and the normalisation follows: sampling, interpolating and projecting
commute, so tokens are projected before they are upsampled and a pixel costs a few dozen numbers
instead of several hundred. Figures behind the choices are in ``docs/unsupervised.md``.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

COMPONENTS = 32
_ROWS = 1 << 12
CLASSICAL_SHARE = 0.1
"""Variance of classical features where deep ones have 1: enough to follow edges, too little to
outvote what deep features see. Measured; equal shares lose what deep features know."""


@dataclass(frozen=True)
class FeatureRun:
    """A run of features of one kind.

    Attributes
    ----------
    count
        How many features.
    deep
        Deep features keep their units and a pixel's projected vector is scaled to length 1: the
        direction tells what it is. Classical features, each in a unit of its own, are
        standardised instead.
    """

    count: int
    deep: bool


@dataclass(frozen=True)
class Embedding:
    """Project F features to D dimensions; normalise each run of dimensions by pixel.

    Attributes
    ----------
    weights
        (F, D) float32.
    bias
        (D,) float32, added to the projections.
    edges
        (P + 1,) where the dimensions of each of the P runs start and end.
    unit
        (P,) bool: whether a run's vector is scaled to length 1.
    scale
        (P,) float32 factor of each run, after that.
    """

    weights: np.ndarray
    bias: np.ndarray
    edges: np.ndarray
    unit: np.ndarray
    scale: np.ndarray

    @property
    def dimensions(self) -> int:
        """Number D of dimensions."""
        return int(self.weights.shape[1])

    @classmethod
    def fit(
        cls, features: np.ndarray, runs: Sequence[FeatureRun], components: int = COMPONENTS
    ) -> Embedding:
        """Find the embedding of (n, F) samples.

        Every run is centred and projected to its first principal components, and runs are
        scaled to fixed total variances (see `CLASSICAL_SHARE`), so that it does not matter how
        many features a run has.

        Parameters
        ----------
        features
            (n, F) float32 pixels of all images.
        runs
            Runs of features that make up F.
        components
            Dimensions a run at most.

        Returns
        -------
        Embedding
            What turns features into points.
        """
        # One thread: sums over samples then have one order, whatever the machine.
        with threadpool_limits(limits=1):
            return cls._fit(features, runs, components)

    @classmethod
    def _fit(cls, features: np.ndarray, runs: Sequence[FeatureRun], components: int) -> Embedding:
        weights: list[np.ndarray] = []
        bias: list[np.ndarray] = []
        start = 0
        for run in runs:
            mean, covariance = _moments(features[:, start : start + run.count])
            spread = np.sqrt(np.diag(covariance))
            constant = spread <= _noise(mean, run)
            unit = np.ones_like(spread) if run.deep else np.where(constant, 1.0, spread)
            gain = np.where(constant, 0.0, 1 / unit)
            axes = _principal_axes(covariance * np.outer(gain, gain), components)
            weights.append(gain[:, None] * axes)
            bias.append(-mean @ weights[-1])
            start += run.count
        edges = np.cumsum([0, *(w.shape[1] for w in weights)])
        joined = np.zeros((start, edges[-1]))
        start = 0
        for k, block in enumerate(weights):
            joined[start : start + len(block), edges[k] : edges[k + 1]] = block
            start += len(block)
        embedding = cls(
            joined.astype(np.float32),
            np.concatenate(bias).astype(np.float32),
            edges.astype(np.int64),
            np.array([run.deep for run in runs], np.bool_),
            np.ones(len(runs), np.float32),
        )
        sample = embedding.transform(features)
        total = [
            float(sample[:, a:b].astype(np.float64).var(axis=0).sum())
            for a, b in itertools.pairwise(edges)
        ]
        share = [1.0 if run.deep else CLASSICAL_SHARE for run in runs]
        scale = np.array(
            [np.sqrt(s / v) if v > 1e-12 else 1.0 for s, v in zip(share, total, strict=True)],
            np.float32,
        )
        return cls(embedding.weights, embedding.bias, embedding.edges, embedding.unit, scale)

    def normalise(self, projected: np.ndarray) -> np.ndarray:
        """Turn ``features @ weights + bias``, (n, D), into the (n, D) float32 points that cluster.

        The input is left as it is.
        """
        points = np.array(projected, np.float32)
        for k, unit in enumerate(self.unit):
            part = points[:, self.edges[k] : self.edges[k + 1]]
            if unit:
                length = np.sqrt(np.einsum("nd,nd->n", part, part))
                part /= np.maximum(length, np.float32(1e-6))[:, None]
            part *= self.scale[k]
        return points

    def transform(self, features: np.ndarray) -> np.ndarray:
        """Turn (n, F) features into (n, D) points."""
        projected = np.asarray(features, np.float32) @ self.weights
        projected += self.bias
        return self.normalise(projected)


def _noise(mean: np.ndarray, run: FeatureRun) -> np.ndarray:
    """Return the spread below which a feature is constant but for rounding.

    Scaling to length 1 must not blow up noise: tokens may be kept in half precision.
    """
    if run.deep:
        size = np.sqrt(np.mean(mean**2))
        return np.full(len(mean), 1e-3 * max(float(size), 1e-6))
    spread: npt.NDArray[np.float64] = 1e-6 * np.maximum(np.abs(mean), 1e-6)
    return spread


def _moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean (F,) and covariance (F, F) in float64, without a float64 copy of all samples."""
    mean = features.mean(axis=0, dtype=np.float64)
    total = np.zeros((len(mean), len(mean)))
    for start in range(0, len(features), _ROWS):
        part = features[start : start + _ROWS] - mean
        total += part.T @ part
    return mean, total / max(len(features), 1)


def _principal_axes(covariance: np.ndarray, components: int) -> np.ndarray:
    """Return the first principal axes, (F, D), by falling variance; at least one."""
    count = max(1, min(components, len(covariance)))
    variance, vectors = np.linalg.eigh(covariance)
    kept = variance[::-1][:count] > 1e-9 * max(float(variance[-1]), 1e-30)
    axes = vectors[:, ::-1][:, :count][:, kept | (np.arange(count) == 0)]
    # Eigenvectors have no sign; fixing it makes runs repeatable.
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    signed: np.ndarray = axes * np.where(signs == 0, 1, signs)
    return signed
