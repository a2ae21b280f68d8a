"""The first principal components of many features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tdseg.runtime.feature_map import FeatureMap

SAMPLE_PIXELS = 20_000


@dataclass(frozen=True)
class PrincipalComponents:
    """Standardise F features and project them to K components.

    Attributes
    ----------
    mean, scale
        (F,) statistics of the sample; constant features have scale 1.
    axes
        (K, F) orthonormal rows, by falling variance; the largest entry of each is positive.
    """

    mean: np.ndarray
    scale: np.ndarray
    axes: np.ndarray

    @classmethod
    def fit(cls, features: np.ndarray, components: int) -> PrincipalComponents:
        """Find the components of (n, F) samples (eigenvectors of the correlation matrix).

        scikit-learn's PCA refuses more components than there are samples, which a small image has,
        and got this solver only after the oldest version that tdseg runs with.
        """
        values = np.asarray(features, np.float64)
        mean = values.mean(axis=0)
        scale = values.std(axis=0)
        scale[scale < 1e-12] = 1.0
        standard = (values - mean) / scale
        _, vectors = np.linalg.eigh(standard.T @ standard / max(len(standard), 1))
        axes = vectors[:, ::-1][:, :components].T.copy()
        # Eigenvectors have no sign; fixing it makes pictures and seeds repeatable.
        signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
        return cls(mean, scale, axes * signs[:, None])

    @classmethod
    def fit_maps(
        cls, maps: Sequence[Callable[[], FeatureMap]], components: int, seed: int
    ) -> PrincipalComponents:
        """Fit on about 20,000 pixels drawn from all planes."""
        rng = np.random.default_rng(seed)
        each = max(1, SAMPLE_PIXELS // len(maps))
        samples = []
        for make in maps:
            features = make()
            height, width = features.shape
            count = min(each, height * width)
            pick = np.sort(rng.choice(height * width, count, replace=False))
            samples.append(features.at(*np.divmod(pick, width)))
        return cls.fit(np.concatenate(samples), components)

    def transform(self, features: np.ndarray) -> np.ndarray:
        """Project (n, F) features to (n, K) float32."""
        projected: np.ndarray = ((features - self.mean) / self.scale) @ self.axes.T
        return projected.astype(np.float32)

    def transform_block(self, block: np.ndarray) -> np.ndarray:
        """Project a block (F, h, w) to (K, h, w) float32."""
        count, height, width = block.shape
        return self.transform(block.reshape(count, -1).T).T.reshape(-1, height, width)
