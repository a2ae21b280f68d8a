"""Deep features: a backbone's tokens at the resolution of the image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tdseg.errors import TdsegError
from tdseg.features.hybrid import HybridMap
from tdseg.features.token_cache import TokenCache, token_key
from tdseg.runtime.feature_map import FeatureMap, PlaneInput
from tdseg.runtime.progress import Part, Progress, Silent
from tdseg.upsampling.base import UpsamplingOptions, make_upsampler
from tdseg.upsampling.picture import Picture
from tdseg.upsampling.shifts import EncodedPlane, EncodeOptions, default_windows
from tdseg.upsampling.transforms import HALF_TURN, Orientation, Shift, moore, orientations, subpatch
from tdseg.upsampling.windowed import Store

if TYPE_CHECKING:
    from tdseg.backbones.base import Backbone, WeightsInfo

ONE_PASS = ("bilinear", "jbu")
"""Upsamplers of the tokens as the network gives them, without shifted copies."""

_WORTH_AN_ESTIMATE = 2_500_000  # pixels of network input
_SURROUNDINGS = 128  # pixels, roughly, by which a network's input is larger than the image
_USUAL_PATCH = 14
_WORTH_A_NOTE = 5.0  # seconds


@dataclass(frozen=True)
class DeepOptions:
    """How tokens become features; the backbone is chosen elsewhere.

    Parameters
    ----------
    upsampling
        ``shifts``, ``bilinear``, ``guided``, ``jbu``, ``hrdv2`` or another registered one.
    shifts
        Copies along each axis, shifted by parts of the coarsest stride. For ``hrdv2``: the
        largest distance of its Moore neighbours. ``bilinear`` and ``jbu`` take none.
    flips
        Average over four mirrored copies; ``"turn"``: over two, the image and its half turn.
    rotations
        Average over quarter turns.
    levels
        Names of the backbone's levels; None: all.
    window, overlap
        How large images are seen, in pixels; 0: as suits the backbone.
    sigma_space, sigma_range
        Of ``guided``: spacings of the token grid, shares of the intensity range.
    storage
        Type in which tokens are kept, ``float16`` or ``float32``.
    position_bias
        Subtract what the tokens of featureless images hold at the same place.
    memory_limit_bytes
        Memory that copies may take on a graphics card at a time; a quarter of it is for tokens of
        windows that may be needed again.
    upsampler_weights
        File with the weights of a learned upsampler.
    """

    upsampling: str = "shifts"
    shifts: int = 1
    flips: bool | str = False
    rotations: bool = False
    levels: tuple[str, ...] | None = None
    window: int = 0
    overlap: int = 0
    sigma_space: float = 0.7
    sigma_range: float = 0.1
    storage: str = "float16"
    position_bias: bool = False
    memory_limit_bytes: int = 1024**3
    upsampler_weights: str = ""

    def encode_options(self, backbone: Backbone) -> EncodeOptions:
        """Write out the copies for a backbone."""
        window, overlap = default_windows(backbone)
        return EncodeOptions(
            shifts=self._shifts(backbone),
            orientations=self._orientations(),
            window=self.window or window,
            overlap=self.overlap or overlap,
            levels=self.levels,
            storage=self.storage,
            position_bias=self.position_bias,
            # A processor gains nothing from batches, and one copy at a time bounds memory.
            batch_bytes=0 if backbone.device.type == "cpu" else self.memory_limit_bytes,
        )

    def _orientations(self) -> tuple[Orientation, ...]:
        if self.flips == "turn" and not self.rotations:
            return HALF_TURN
        return orientations(bool(self.flips), self.rotations)

    def _shifts(self, backbone: Backbone) -> tuple[Shift, ...]:
        if self.upsampling in ONE_PASS:
            return ((0, 0),)
        if self.upsampling == "hrdv2":
            return moore(range(1, self.shifts + 1))
        chosen = [v for v in backbone.levels if self.levels is None or v.name in self.levels]
        return subpatch(max(level.stride for level in chosen), self.shifts)


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

    Raises
    ------
    TdsegError
        If a level or an upsampler does not exist.
    """

    def __init__(
        self,
        backbone: Backbone,
        options: DeepOptions | None = None,
        cache: TokenCache | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._backbone = backbone
        self._options = options or DeepOptions()
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
        self._encode = self._options.encode_options(backbone)
        self._upsampler = make_upsampler(
            self._options.upsampling,
            backbone,
            UpsamplingOptions(
                self._encode,
                self._options.sigma_space,
                self._options.sigma_range,
                self._options.memory_limit_bytes // 4,
                self._options.upsampler_weights,
            ),
        )

    @property
    def upsampler_weights(self) -> WeightsInfo | None:
        """What a learned upsampler learned; None: nothing was."""
        return self._upsampler.weights

    def names(self, channels: tuple[str, ...], rgb: bool) -> tuple[str, ...]:
        """Return ``deep/<level>/<index>``, with ``[channel]`` where there are several."""
        suffixes = [""] if rgb or len(channels) == 1 else [f" [{name}]" for name in channels]
        return tuple(
            f"deep/{level.name}/{index}{suffix}"
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

    def estimate_seconds(self, shape: tuple[int, int], channels: int = 1) -> float:
        """Estimate how long a plane takes, from one timed pass over a quarter of a window."""
        return self._upsampler.seconds(shape) * channels

    def cache_settings(self) -> dict[str, Any]:
        """Return everything but the image that the tokens depend on."""
        import timm
        import torch

        from tdseg import __version__

        encode = asdict(replace(self._encode, batch_bytes=0))
        return {
            # Tokens in a folder may come from other versions.
            "versions": (__version__, timm.__version__, str(torch.__version__)),
            "backbone": self._backbone.name,
            "weights": self._backbone.weights.sha256,
            "geometry": [asdict(level) for level in self._backbone.levels],
            "dtype": str(self._backbone.dtype),
            "device": self._backbone.device.type,
            "position_embedding": getattr(self._backbone, "position_embedding", ""),
            "tokens": self._upsampler.tokens_kind,
            "encoding": encode,
        }

    def _store(self, picture: Picture) -> Store:
        """Return how to look up parts of an image; announces the work when none is there."""
        cache, announced = self._cache, False
        key = ""
        if cache is not None:
            key = token_key(picture.pixels, picture.ranges, self.cache_settings())

        def find(name: str, make: Callable[[], EncodedPlane]) -> EncodedPlane:
            def announce_and_make() -> EncodedPlane:
                nonlocal announced
                if not announced:
                    announced = True
                    self._announce(picture.shape)
                return make()

            if cache is None:
                return announce_and_make()
            return cache.get_or_make(f"{key}-{name}", announce_and_make)[0]

        return find

    def _announce(self, shape: tuple[int, int]) -> None:
        """Say how long it will take, where it takes long."""
        passes = len(self._encode.shifts) * len(self._encode.orientations)
        seen = (shape[0] + _SURROUNDINGS) * (shape[1] + _SURROUNDINGS) * passes
        if self._backbone.has_attention:  # a smaller stride makes more tokens of the same pixels
            finest = min(level.stride for level in self._levels)
            seen = int(seen * max(1.0, (_USUAL_PATCH / finest) ** 2))
        if seen < _WORTH_AN_ESTIMATE:
            return
        seconds = self._upsampler.seconds(shape)
        if seconds > _WORTH_A_NOTE:
            self._progress.note(
                f"Deep features of {shape[1]} x {shape[0]} pixels: {passes} passes of "
                f"{self._backbone.name} on {self._backbone.device.type}, about {seconds:.0f} s."
            )

    def _pictures(self, plane: PlaneInput) -> list[Picture]:
        pixels = plane.pixels
        ranges = plane.ranges
        if ranges is None:
            top = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1.0
            ranges = np.array([[0.0, top]] * pixels.shape[2])
        ranges = np.asarray(ranges, np.float64)
        if plane.rgb:
            return [Picture(pixels[:, :, :3], ranges[:3])]
        return [Picture(pixels[:, :, c : c + 1], ranges[c : c + 1]) for c in range(pixels.shape[2])]
