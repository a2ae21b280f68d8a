"""Plain interpolation of tokens: of one pass, or of shifted and mirrored copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tdseg.runtime.feature_map import FeatureMap
from tdseg.runtime.progress import Progress
from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.picture import Picture
from tdseg.upsampling.registry import UpsamplerKind
from tdseg.upsampling.shifts import EncodedPlane, Encoder
from tdseg.upsampling.token_field import LevelGrids, TokenField, TokenGrid
from tdseg.upsampling.windowed import EncodedWindows, Store, WindowedField

if TYPE_CHECKING:
    from tdseg.backbones.base import Backbone, WeightsInfo


def field_of(encoded: EncodedPlane, names: Sequence[str]) -> TokenField:
    """Return the plain interpolation of encoded tokens, level after level."""
    levels, start = [], 0
    for grids in encoded.levels:
        levels.append(LevelGrids(start, grids))
        start += grids[0].channels
    return TokenField(levels, names, encoded.shape)


class ShiftUpsampler:
    """Bilinear interpolation of the grid that shifted and mirrored copies form."""

    weights: WeightsInfo | None = None

    def __init__(self, backbone: Backbone, options: UpsamplingOptions) -> None:
        self._encoder = Encoder(backbone, options)
        self._keep_bytes = options.keep_bytes
        self.passes = self._encoder.passes

    def features(
        self,
        picture: Picture,
        names: Sequence[str],
        store: Store | None = None,
        progress: Progress | None = None,
    ) -> FeatureMap:
        """Encode the image; a large one when its windows are first needed."""
        plan = self._encoder.plan(picture.shape)
        if len(plan.windows) > 1:
            source = EncodedWindows(self._encoder, picture, plan, store, progress, self._keep_bytes)
            starts = np.cumsum([0, *source.channels[:-1]]).tolist()
            return WindowedField(source, starts, names)
        store = store or (lambda name, make: make())
        encoded = store("whole", lambda: self._encoder.encode(picture, plan, (0, 0), progress))
        return field_of(encoded.with_pixels(), names)

    def encoded(
        self,
        picture: Picture,
        names: Sequence[str],
        store: Store | None = None,
        progress: Progress | None = None,
    ) -> EncodedPlane:
        """Return the tokens that `ShiftUpsampler.features` interpolates, of all windows at once."""
        field = ShiftUpsampler.features(self, picture, names, store, progress)
        if isinstance(field, WindowedField):
            return field.whole()
        assert isinstance(field, TokenField)
        levels = (
            tuple(grid for grid in level.grids if isinstance(grid, TokenGrid))
            for level in field.levels
        )
        return EncodedPlane(tuple(levels), field.shape)

    def token_settings(self) -> dict[str, Any]:
        """Return what the tokens depend on."""
        return {"kind": "lattice", **self._encoder.settings()}

    def seconds(self, shape: tuple[int, int]) -> float:
        """Estimate how long the network takes."""
        return self._encoder.seconds(shape)


def one_pass(options: UpsamplingOptions) -> UpsamplingOptions:
    """Return the options without shifted copies: the tokens as the network gives them."""
    return replace(options, shifts=1)


def _bilinear(backbone: Backbone, options: UpsamplingOptions) -> ShiftUpsampler:
    return ShiftUpsampler(backbone, one_pass(options))


SHIFTS = UpsamplerKind(ShiftUpsampler, by_windows=True)
BILINEAR = UpsamplerKind(_bilinear, shifts=1, flips="false", by_windows=True)
