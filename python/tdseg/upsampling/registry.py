"""What an upsampler is, and which there are; each brings its own facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tdseg.runtime.registry import Registry

if TYPE_CHECKING:
    from tdseg.backbones.base import Backbone, WeightsInfo
    from tdseg.runtime.feature_map import FeatureMap
    from tdseg.runtime.progress import Progress
    from tdseg.upsampling.options import UpsamplingOptions
    from tdseg.upsampling.picture import Picture
    from tdseg.upsampling.windowed import Store


class Upsampler(Protocol):
    """Turns an image into features of its pixels.

    `weights` says what was learned; None: nothing. `passes` is how often the network sees each
    part of the image.
    """

    weights: WeightsInfo | None
    passes: int

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
            One per feature.
        store
            ``store(name, make)`` returns the tokens of a part of the image, made or from a cache.
        progress
            Told of every pass, now or when a window is first needed; it may raise to cancel.
        """

    def token_settings(self) -> dict[str, Any]:
        """Return all, but the image and the backbone, that the stored tokens depend on.

        Upsamplers that return the same share cached tokens.
        """

    def seconds(self, shape: tuple[int, int]) -> float:
        """Estimate how long the network takes for an image of this shape."""


Maker = Callable[["Backbone", "UpsamplingOptions"], Upsampler]


@dataclass(frozen=True)
class UpsamplerKind:
    """How an upsampler is made, and what it asks of the settings and the backbone.

    Attributes
    ----------
    make
        Takes the backbone and the options; may be the class itself.
    shifts, flips, stride
        What these keys stand for where they are ``auto``; None: as ``quality`` and the backbone
        have it.
    needs_transformer
        Whether the backbone must be a vision transformer.
    by_windows
        Whether a part of a large image needs only the windows around it, and not the tokens or
        pixels of all of it.
    position_embedding
        How the backbone resamples its position embeddings, see `tdseg.backbones.positions`.
    """

    make: Maker
    shifts: int | None = None
    flips: str | None = None
    stride: int | None = None
    needs_transformer: bool = False
    by_windows: bool = False
    position_embedding: str = "native"


UPSAMPLERS: Registry[UpsamplerKind] = Registry(
    "upsampling",
    {
        "shifts": "tdseg.upsampling.interpolated:SHIFTS",
        "bilinear": "tdseg.upsampling.interpolated:BILINEAR",
        "guided": "tdseg.upsampling.guided:GUIDED",
        "jbu": "tdseg.upsampling.jbu:JBU",
        "naf": "tdseg.upsampling.naf:NAF",
        "anyup": "tdseg.upsampling.anyup:ANYUP",
        "hrdv2": "tdseg.upsampling.hrdv2:HRDV2",
    },
)


def register_upsampler(name: str, make: Maker, **facts: Any) -> None:
    """Make an upsampler known under a name, which ``upsampling=`` takes from then on.

    Parameters
    ----------
    name
        As written in macros.
    make
        Takes the backbone and the options, and returns an `Upsampler`; may be its class.
    **facts
        See `UpsamplerKind`.

    Raises
    ------
    TdsegError
        If the name cannot be used.
    """
    UPSAMPLERS.add(name, UpsamplerKind(make, **facts))


def make_upsampler(backbone: Backbone, options: UpsamplingOptions) -> Upsampler:
    """Make the upsampler that the options name.

    Raises
    ------
    TdsegError
        If there is none of this name; the message lists those there are.
    """
    return UPSAMPLERS.get(options.upsampling).make(backbone, options)
