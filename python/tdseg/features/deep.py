"""Deep features: a backbone's tokens at the resolution of the image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from tdseg.errors import TdsegError
from tdseg.features.hybrid import HybridMap
from tdseg.features.token_cache import TokenCache, token_key
from tdseg.runtime.feature_map import FeatureMap, PlaneInput
from tdseg.runtime.lazy_pixels import LazyPixels, Pixels
from tdseg.runtime.progress import Part, Progress, Silent
from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.picture import Picture
from tdseg.upsampling.registry import make_upsampler
from tdseg.upsampling.shifts import EncodedPlane
from tdseg.upsampling.windowed import Store

if TYPE_CHECKING:
    from tdseg.backbones.base import Backbone, WeightsInfo

_WORTH_AN_ESTIMATE = 2_500_000  # pixels of network input
_SURROUNDINGS = 128  # pixels, roughly, by which a network's input is larger than the image
_USUAL_PATCH = 14
_WORTH_A_NOTE = 5.0  # seconds


class DeepFeatures:
    """The features of a backbone: a `FeatureExtractor`.

    Parameters
    ----------
    backbone
        The network.
    options
        How its tokens become features of pixels.
    cache
        Keeps tokens, so that a second training runs no network; None: nothing is kept.
    progress
        Told of every pass; it may raise to cancel.
    prefix
        What stands before the levels in the features' names, to tell several backbones apart.
    announce
        Called with an image's size before its first pass; default: `announce`.

    Raises
    ------
    TdsegError
        If a level or an upsampler does not exist.
    """

    def __init__(
        self,
        backbone: Backbone,
        options: UpsamplingOptions | None = None,
        cache: TokenCache | None = None,
        progress: Progress | None = None,
        prefix: str = "",
        announce: Callable[[tuple[int, int]], None] | None = None,
    ) -> None:
        self._prefix = prefix
        self._announce = announce or self.announce
        self._backbone = backbone
        self._options = options or UpsamplingOptions()
        self._cache = cache
        self._progress = progress or Silent()
        known = {level.name: level for level in backbone.levels}
        for name in self._options.levels or ():
            if name not in known:
                raise TdsegError(
                    f"Key 'levels': {backbone.name} has no level '{name}'; it has "
                    f"{', '.join(known)}."
                )
        self._levels = [known[name] for name in self._options.levels or known]
        self._upsampler = make_upsampler(backbone, self._options)

    @property
    def upsampler_weights(self) -> WeightsInfo | None:
        """What a learned upsampler learned; None: nothing was."""
        return self._upsampler.weights

    def names(self, channels: tuple[str, ...], rgb: bool) -> tuple[str, ...]:
        """Return ``deep/<prefix><level>/<index>``, with ``[channel]`` where there are several."""
        suffixes = [""] if rgb or len(channels) == 1 else [f" [{name}]" for name in channels]
        return tuple(
            f"deep/{self._prefix}{level.name}/{index}{suffix}"
            for suffix in suffixes
            for level in self._levels
            for index in range(level.channels)
        )

    def extract(self, plane: PlaneInput) -> FeatureMap:
        """Run the backbone on a plane, or take its tokens from the cache.

        The windows of a large plane are run when one of their pixels is first asked for.
        Colours go to the network together; other channels one by one, each repeated threefold.
        """
        names = self.names(plane.channels, plane.rgb)
        pictures = self._pictures(plane)
        each = len(names) // len(pictures)
        parts = []
        for number, picture in enumerate(pictures):
            progress: Progress = self._progress
            if len(pictures) > 1:
                progress = Part(progress, number / len(pictures), (number + 1) / len(pictures))
            own = names[number * each : (number + 1) * each]
            store = self._store(picture)
            parts.append(self._upsampler.features(picture, own, store, progress))
        return parts[0] if len(parts) == 1 else HybridMap(parts)

    def cache_settings(self) -> dict[str, Any]:
        """Return everything but the image that the tokens depend on."""
        import timm
        import torch

        from tdseg._version import __version__

        return {
            # Tokens in a folder may come from other versions.
            "versions": (__version__, timm.__version__, str(torch.__version__)),
            "backbone": self._backbone.name,
            "weights": self._backbone.weights.sha256,
            "geometry": [asdict(level) for level in self._backbone.levels],
            "dtype": str(self._backbone.dtype),
            "device": self._backbone.device.type,
            "position_embedding": getattr(self._backbone, "position_embedding", "native"),
            "tokens": self._upsampler.token_settings(),
        }

    def _store(self, picture: Picture) -> Store:
        """Return how to look up parts of an image; announces the work when none is there."""
        cache, announced = self._cache, False
        key = ""
        if isinstance(picture.pixels, LazyPixels):
            cache = None  # pixels that are not read cannot be told apart
        if cache is not None:
            assert isinstance(picture.pixels, np.ndarray)
            key = token_key(picture.pixels, picture.ranges, self.cache_settings())

        def find(name: str, make: Callable[[], EncodedPlane]) -> EncodedPlane:
            def announce_and_make() -> EncodedPlane:
                nonlocal announced
                if not announced:
                    announced = True
                    self._announce(picture.shape)
                plane = make()
                self._check_finite(plane)
                return plane

            if cache is None:
                return announce_and_make()
            return cache.get_or_make(f"{key}-{name}", announce_and_make)[0]

        return find

    def _check_finite(self, plane: EncodedPlane) -> None:
        """Tell weights that are damaged from pixels that are: pixels were checked before."""
        finite = all(np.isfinite(g.values).all() for grids in plane.levels for g in grids)
        if not finite:
            weights = self._backbone.weights
            raise TdsegError(
                f"Backbone '{self._backbone.name}' gives values that are not finite (NaN or "
                f"infinity), though all pixels are: its weights ({weights.name}, from "
                f"{weights.source}) hold NaN, or {self._backbone.dtype} is too narrow for them; "
                "use other weights, or precision=float32."
            )

    def announce(self, shape: tuple[int, int], others: Sequence[DeepFeatures] = ()) -> None:
        """Say how long it will take, with other backbones' features, where it takes long."""
        parts = (self, *others)
        if sum(part._input_pixels(shape) for part in parts) < _WORTH_AN_ESTIMATE:
            return
        seconds = sum(part._upsampler.seconds(shape) for part in parts)
        if seconds > _WORTH_A_NOTE:
            passes = " and ".join(
                f"{part._upsampler.passes} passes of {part._backbone.name}" for part in parts
            )
            self._progress.note(
                f"Deep features of {shape[1]} x {shape[0]} pixels: {passes} on "
                f"{self._backbone.device.type}, about {seconds:.0f} s."
            )

    def _input_pixels(self, shape: tuple[int, int]) -> int:
        """Return roughly how many pixels the network sees, as of the usual patches."""
        seen = (shape[0] + _SURROUNDINGS) * (shape[1] + _SURROUNDINGS) * self._upsampler.passes
        if self._backbone.has_attention:  # a smaller stride makes more tokens of the same pixels
            finest = min(level.stride for level in self._levels)
            seen = int(seen * max(1.0, (_USUAL_PATCH / finest) ** 2))
        return seen

    def _pictures(self, plane: PlaneInput) -> list[Picture]:
        pixels = plane.pixels
        ranges = plane.ranges
        if ranges is None:
            top = np.iinfo(pixels.dtype.name).max if pixels.dtype.kind == "u" else 1.0
            ranges = np.array([[0.0, top]] * pixels.shape[2])
        ranges = np.asarray(ranges, np.float64)
        if plane.rgb:
            return [Picture(_channels(pixels, 0, 3), ranges[:3])]
        return [
            Picture(_channels(pixels, c, c + 1), ranges[c : c + 1]) for c in range(pixels.shape[2])
        ]


def _channels(pixels: Pixels, first: int, stop: int) -> Pixels:
    """Return some channels of a plane."""
    if isinstance(pixels, LazyPixels):
        return pixels if (first, stop) == (0, pixels.shape[2]) else pixels.some(first, stop)
    some: np.ndarray = pixels[:, :, first:stop]
    return some
