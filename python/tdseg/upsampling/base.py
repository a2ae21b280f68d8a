"""What an upsampler is, and which there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tdseg.errors import TdsegError
from tdseg.options.key import add_choice
from tdseg.upsampling.shifts import EncodedPlane, EncodeOptions, Encoder
from tdseg.upsampling.token_field import Group, TokenField, TokenGrid
from tdseg.upsampling.windowed import EncodedWindows, Store, WindowedField

if TYPE_CHECKING:
    from tdseg.backbones.base import Backbone, WeightsInfo
    from tdseg.runtime.feature_map import FeatureMap
    from tdseg.runtime.progress import Progress
    from tdseg.upsampling.picture import Picture


@dataclass(frozen=True)
class UpsamplingOptions:
    """What upsamplers are told.

    Parameters
    ----------
    encode
        Copies, windows and storage.
    sigma_space, sigma_range
        Of guided upsampling: spacings of the token grid, and shares of the intensity range.
    keep_bytes
        Memory for the tokens of windows that may be needed again.
    weights
        File with the weights of a learned upsampler.
    """

    encode: EncodeOptions = field(default_factory=EncodeOptions)
    sigma_space: float = 0.7
    sigma_range: float = 0.1
    keep_bytes: int = 256 * 1024**2
    weights: str = ""


class Upsampler(Protocol):
    """Turns an image into features of its pixels.

    A learned upsampler (as JBU is; AnyUp, LoftUp) is added by registering a function that makes
    one, see `register_upsampler`. `tokens_kind` names what goes into the store for the same
    options: upsamplers that share it share cached tokens. `weights` says what was learned; None:
    nothing.
    """

    tokens_kind: str
    weights: WeightsInfo | None

    def features(
        self,
        picture: Picture,
        names: Sequence[str],
        store: Store | None = None,
        progress: Progress | None = None,
    ) -> FeatureMap:
        """Return the features of the image's pixels.

        Parameters
        ----------
        picture
            The image.
        names
            One a feature.
        store
            ``store(name, make)`` returns the tokens of a part of the image, made or from a cache.
        progress
            Told of every pass, now or when a window is first needed; it may raise to cancel.
        """

    def seconds(self, shape: tuple[int, int]) -> float:
        """Estimate how long the network takes for an image of this shape."""


Maker = Callable[["Backbone", UpsamplingOptions], Upsampler]
_MAKERS: dict[str, Maker] = {}


def register_upsampler(name: str, maker: Maker) -> None:
    """Make an upsampler known under a name, which ``upsampling=`` takes from then on."""
    _MAKERS[name] = maker
    add_choice("upsampling", name)


def make_upsampler(name: str, backbone: Backbone, options: UpsamplingOptions) -> Upsampler:
    """Make the upsampler of this name.

    Raises
    ------
    TdsegError
        If there is none; the message lists those there are.
    """
    from tdseg.upsampling import guided, hrdv2, jbu  # noqa: F401 (they register themselves)

    if name not in _MAKERS:
        raise TdsegError(
            f"Key 'upsampling': '{name}' is not valid; valid are {', '.join(sorted(_MAKERS))}."
        )
    return _MAKERS[name](backbone, options)


def field_of(encoded: EncodedPlane, names: Sequence[str]) -> TokenField:
    """Return the plain interpolation of encoded tokens, level after level."""
    groups, start = [], 0
    for grids in encoded.levels:
        groups.append(Group(start, grids))
        start += grids[0].channels
    return TokenField(groups, names, encoded.shape)


class ShiftUpsampler:
    """Bilinear interpolation of the grid that shifted and mirrored copies form."""

    tokens_kind = "lattice"
    weights: WeightsInfo | None = None

    def __init__(self, backbone: Backbone, options: UpsamplingOptions) -> None:
        self._encoder = Encoder(backbone, options.encode)
        self._keep_bytes = options.keep_bytes

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
            tuple(grid for grid in group.grids if isinstance(grid, TokenGrid))
            for group in field.groups
        )
        return EncodedPlane(tuple(levels), field.shape)

    def seconds(self, shape: tuple[int, int]) -> float:
        """Estimate how long the network takes."""
        return self._encoder.seconds(shape)


register_upsampler("shifts", ShiftUpsampler)
register_upsampler("bilinear", ShiftUpsampler)
