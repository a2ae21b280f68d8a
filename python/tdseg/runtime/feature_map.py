"""What every kind of feature offers: named float32 planes, evaluated only where needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from tdseg.runtime.lazy_pixels import Pixels


@dataclass(frozen=True)
class PlaneInput:
    """One image plane as feature extractors see it.

    Attributes
    ----------
    pixels
        (Y, X, C), uint8, uint16 or float32; already normalised where the settings ask for it. Of
        large planes they are read when asked for; `array` has them all.
    channels
        One label a channel; ``("",)`` for a single channel.
    rgb
        Whether the three channels are colours: the backbone then sees them together.
    ranges
        (C, 2) float: the values that the backbone sees as 0 and 1, one row per channel.
    """

    pixels: Pixels
    channels: tuple[str, ...] = ("",)
    rgb: bool = False
    ranges: npt.NDArray[np.float64] | None = None

    @property
    def array(self) -> npt.NDArray[np.number]:
        """All pixels in memory."""
        return np.asarray(self.pixels)

    def in_memory(self) -> PlaneInput:
        """Return the plane with all its pixels in memory."""
        return replace(self, pixels=self.array)


@runtime_checkable
class FeatureMap(Protocol):
    """The features of one plane, evaluated lazily; F features on Y x X pixels."""

    @property
    def names(self) -> tuple[str, ...]:
        """The F names."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""

    def block(self, rows: slice, cols: slice) -> npt.NDArray[np.float32]:
        """Return the features of a block, (F, h, w) float32; blocks equal the whole plane."""

    def at(
        self, rows: npt.NDArray[np.int64], cols: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return the features of n pixels, (n, F) float32, equal to `block`'s values."""

    def project(self, weights: npt.NDArray[np.floating]) -> FeatureMap:
        """Return the K feature maps ``features @ weights``, weights (F, K).

        Sampling, averaging and interpolating tokens are linear, so a linear classifier may be
        applied to the tokens first: same values to float rounding, K maps instead of F.
        """

    def bytes_per_pixel(self) -> int:
        """Roughly how much memory `block` works with for each output pixel."""


def feature_sources(names: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return where each feature comes from, (F,) int: 0 classical, 1, 2, ... the backbone's levels.

    Deep features are called ``deep/<level>/<index>``.
    """
    levels: dict[str, int] = {}
    sources = np.zeros(len(names), np.int64)
    for index, name in enumerate(names):
        if name.startswith("deep/"):
            level = name.split("/")[1]
            sources[index] = levels.setdefault(level, len(levels) + 1)
    return sources


def parts_of(features: FeatureMap) -> tuple[FeatureMap, ...]:
    """Return the maps that a map joins, in the order of their features; itself if it joins none."""
    parts: tuple[FeatureMap, ...] | None = getattr(features, "parts", None)
    if parts is None:
        return (features,)
    return tuple(inner for part in parts for inner in parts_of(part))


def join_blocks(
    parts: Sequence[FeatureMap],
    rows: slice,
    cols: slice,
    out: npt.NDArray[np.float32] | None = None,
) -> npt.NDArray[np.float32]:
    """Return the features of several maps on a block, one after the other, (F, h, w) float32.

    A map that has ``fill(rows, cols, out)`` writes them where they belong: `out`, or a new array.
    """
    if len(parts) == 1 and out is None:
        return parts[0].block(rows, cols)
    height, width = parts[0].shape
    (y0, y1, _), (x0, x1, _) = rows.indices(height), cols.indices(width)
    edges = np.cumsum([0, *(len(part.names) for part in parts)])
    if out is None:
        out = np.empty((edges[-1], max(y1 - y0, 0), max(x1 - x0, 0)), np.float32)
    for part, start, stop in zip(parts, edges[:-1], edges[1:], strict=True):
        fill = getattr(part, "fill", None)
        if fill is None:
            out[start:stop] = part.block(rows, cols)
        else:
            fill(rows, cols, out[start:stop])
    return out


class FeatureExtractor(Protocol):
    """Turns planes into features."""

    def names(self, channels: tuple[str, ...], rgb: bool) -> tuple[str, ...]:
        """Return the feature names for planes with these channels."""

    def extract(self, plane: PlaneInput) -> FeatureMap:
        """Prepare the features of a plane: what is global is computed here, once."""


class Projected:
    """``features @ weights`` of any feature map, block by block."""

    def __init__(self, features: FeatureMap, weights: npt.NDArray[np.floating]) -> None:
        self._features = features
        self._weights = np.asarray(weights, np.float32)

    @property
    def names(self) -> tuple[str, ...]:
        """Numbers stand in for names: projections are not features."""
        return tuple(str(k) for k in range(self._weights.shape[1]))

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self._features.shape

    def block(self, rows: slice, cols: slice) -> npt.NDArray[np.float32]:
        """Return the projections of a block, (K, h, w) float32."""
        block = self._features.block(rows, cols)
        count, height, width = block.shape
        flat: npt.NDArray[np.float32] = self._weights.T @ block.reshape(count, -1)
        return flat.reshape(-1, height, width)

    def at(
        self, rows: npt.NDArray[np.int64], cols: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return the projections of n pixels, (n, K) float32."""
        values: npt.NDArray[np.float32] = self._features.at(rows, cols) @ self._weights
        return values

    def project(self, weights: npt.NDArray[np.floating]) -> FeatureMap:
        """Project once more."""
        return Projected(self._features, self._weights @ weights)

    def bytes_per_pixel(self) -> int:
        """Memory of the features and of the projections."""
        return self._features.bytes_per_pixel() + 4 * int(self._weights.shape[1])
