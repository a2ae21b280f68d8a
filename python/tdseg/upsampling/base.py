"""What an upsampler is, and which there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ..errors import TdsegError
from .shifts import EncodedPlane, EncodeOptions, Encoder
from .token_field import Group, TokenField

if TYPE_CHECKING:
    from ..backbones.base import Backbone
    from ..features.base import FeatureMap
    from ..progress import Progress
    from .picture import Picture


@dataclass(frozen=True)
class UpsamplingOptions:
    """What upsamplers are told.

    Parameters
    ----------
    encode
        Copies, windows and storage.
    sigma_space, sigma_range
        Of guided upsampling: spacings of the token grid, and shares of the intensity range.
    """

    encode: EncodeOptions = field(default_factory=EncodeOptions)
    sigma_space: float = 0.7
    sigma_range: float = 0.1


class Upsampler(Protocol):
    """Turns an image into features of its pixels, in two steps.

    `encode` runs the network; its result is what a token cache keeps. `field` is cheap and may
    look at the image again. A learned upsampler (JBU, AnyUp, LoftUp) is added by registering a
    function that makes one, see `register_upsampler`.

    `tokens_kind` names what `encode` gives for the same options: upsamplers that share it share
    cached tokens.
    """

    tokens_kind: str

    def encode(self, picture: Picture, progress: Progress | None = None) -> EncodedPlane:
        """Run the backbone."""

    def field(self, encoded: EncodedPlane, picture: Picture, names: Sequence[str]) -> FeatureMap:
        """Return the features of the image's pixels, named `names`."""

    def seconds(self, shape: tuple[int, int]) -> float:
        """Estimate how long `encode` takes for an image of this shape."""


Maker = Callable[["Backbone", UpsamplingOptions], Upsampler]
_MAKERS: dict[str, Maker] = {}


def register_upsampler(name: str, maker: Maker) -> None:
    """Make an upsampler known under a name."""
    _MAKERS[name] = maker


def make_upsampler(name: str, backbone: Backbone, options: UpsamplingOptions) -> Upsampler:
    """Make the upsampler of this name.

    Raises
    ------
    TdsegError
        If there is none; the message lists those there are.
    """
    from . import guided, hrdv2  # noqa: F401 (they register themselves)

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

    def __init__(self, backbone: Backbone, options: UpsamplingOptions) -> None:
        self._encoder = Encoder(backbone, options.encode)

    def encode(self, picture: Picture, progress: Progress | None = None) -> EncodedPlane:
        """Run the backbone on every copy."""
        return self._encoder.encode(picture, progress)

    def field(self, encoded: EncodedPlane, picture: Picture, names: Sequence[str]) -> TokenField:
        """Interpolate; the image itself is not needed any more."""
        return field_of(encoded, names)

    def seconds(self, shape: tuple[int, int]) -> float:
        """Estimate how long `encode` takes."""
        return self._encoder.seconds(shape)


register_upsampler("shifts", ShiftUpsampler)
register_upsampler("bilinear", ShiftUpsampler)
