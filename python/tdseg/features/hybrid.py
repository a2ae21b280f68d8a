"""Classical and deep features side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tdseg.runtime.feature_map import FeatureExtractor, FeatureMap, PlaneInput, join_blocks


class HybridMap:
    """Several feature maps of one plane, one after the other."""

    def __init__(self, parts: Sequence[FeatureMap]) -> None:
        self._parts = tuple(parts)

    @property
    def parts(self) -> tuple[FeatureMap, ...]:
        """The feature maps that are joined."""
        return self._parts

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all parts in order."""
        return tuple(name for part in self._parts for name in part.names)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self._parts[0].shape

    def block(self, rows: slice, cols: slice) -> np.ndarray:
        """Return the features of a block, (F, h, w) float32."""
        return join_blocks(self._parts, rows, cols)

    def fill(self, rows: slice, cols: slice, out: np.ndarray) -> None:
        """Write the features of a block into `out`, (F, h, w) float32."""
        join_blocks(self._parts, rows, cols, out)

    def at(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        """Return the features of n pixels, (n, F) float32."""
        return np.concatenate([part.at(rows, cols) for part in self._parts], axis=1)

    def project(self, weights: np.ndarray) -> FeatureMap:
        """Project each part and add: tokens are projected before they are upsampled."""
        edges = np.cumsum([0, *(len(part.names) for part in self._parts)])
        return _Sum(
            [
                part.project(weights[a:b])
                for part, a, b in zip(self._parts, edges[:-1], edges[1:], strict=True)
            ]
        )

    def bytes_per_pixel(self) -> int:
        """Memory of all parts; one that cannot write into the block is held twice."""
        own = [part.bytes_per_pixel() for part in self._parts]
        copied = [0 if hasattr(p, "fill") else n for p, n in zip(self._parts, own, strict=True)]
        return sum(own) + max(copied)


def deep_part(features: FeatureMap) -> FeatureMap | None:
    """Return what a feature map holds of deep features; None: nothing."""
    if not isinstance(features, HybridMap):
        return features if features.names[0].startswith("deep/") else None
    parts = [part for part in map(deep_part, features.parts) if part is not None]
    return HybridMap(parts) if parts else None


class _Sum:
    """The sum of feature maps that have the same names."""

    def __init__(self, parts: Sequence[FeatureMap]) -> None:
        self._parts = tuple(parts)
        self.names = self._parts[0].names
        self.shape = self._parts[0].shape

    def block(self, rows: slice, cols: slice) -> np.ndarray:
        total = self._parts[0].block(rows, cols)
        for part in self._parts[1:]:
            total = total + part.block(rows, cols)
        return total

    def at(self, rows: np.ndarray, cols: np.ndarray) -> np.ndarray:
        total = self._parts[0].at(rows, cols)
        for part in self._parts[1:]:
            total = total + part.at(rows, cols)
        return total

    def project(self, weights: np.ndarray) -> FeatureMap:
        return _Sum([part.project(weights) for part in self._parts])

    def bytes_per_pixel(self) -> int:
        return sum(part.bytes_per_pixel() for part in self._parts)


class HybridFeatures:
    """The features of several extractors, concatenated."""

    def __init__(self, extractors: Sequence[FeatureExtractor]) -> None:
        self._extractors = tuple(extractors)

    def names(self, channels: tuple[str, ...], rgb: bool) -> tuple[str, ...]:
        """Names of all extractors in order."""
        return tuple(n for e in self._extractors for n in e.names(channels, rgb))

    def extract(self, plane: PlaneInput) -> FeatureMap:
        """Prepare the features of a plane."""
        return HybridMap([e.extract(plane) for e in self._extractors])
