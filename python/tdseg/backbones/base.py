"""What a backbone is to tdseg: a network that turns an image into grids of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import torch

# A network of timm's. "Tensor or module", its members' types, are no help, so none are claimed.
TimmNetwork: TypeAlias = Any


@dataclass(frozen=True)
class WeightsInfo:
    """Where a backbone's weights come from; shown by Status and stored in classifiers.

    Attributes
    ----------
    name
        Checkpoint name, for example ``vit_small_patch14_reg4_dinov2.lvd142m``.
    sha256
        Hash of the tensors' names, shapes and bytes (sorted by name), the same for the same
        weights in whatever file they came.
    licence
        SPDX name, or "unknown".
    source
        "hub", "package NAME", "random" or the file's name.
    """

    name: str
    sha256: str
    licence: str
    source: str


@dataclass(frozen=True)
class Level:
    """One grid of tokens that a backbone gives.

    The centre of token (i, j) lies at pixel ``offset + stride * i``, ``offset + stride * j`` of
    the input, where pixel centres are whole numbers. `offset` may be negative: then the first
    row of tokens is centred outside the image.

    `reach` is the largest distance, in pixels, of a pixel that a token depends on from the
    token's centre; None where it depends on the whole input.
    """

    name: str
    channels: int
    stride: float
    offset: float
    reach: float | None = None


class Backbone(Protocol):
    """A frozen network in evaluation mode.

    `multiple` divides the sizes of its input: callers pad. `window` is the input size that it was
    trained for (pixels, a multiple of `multiple`): large images are seen through windows of
    about this size. `has_global_context` says whether a token depends on the whole input.
    `has_attention` says whether it is an `AttentionBackbone`.
    """

    name: str
    weights: WeightsInfo
    levels: tuple[Level, ...]
    multiple: int
    window: int
    has_global_context: bool
    has_attention: bool
    device: torch.device
    dtype: torch.dtype

    def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Run the network.

        Parameters
        ----------
        images
            (B, 3, H, W) float32, 0 to 1, H and W multiples of `multiple`. The backbone applies
            its own mean and standard deviation.

        Returns
        -------
        list of torch.Tensor
            One tensor per level, (B, channels, h, w) in `dtype` on `device`. h and w are what the
            network gives, not always H / stride: `Level` says where the tokens lie.
        """


class AttentionBackbone(Backbone, Protocol):
    """A backbone whose last block has a class token that attends to the patches."""

    def attention(self, images: torch.Tensor) -> torch.Tensor:
        """Return the class token's attention to every patch, (B, heads, h, w) float32.

        The grid is that of the first level. Softmax runs over all tokens, so the sum over the
        patches is at most 1.
        """

    def value_attention(self, images: torch.Tensor) -> torch.Tensor:
        """Return HR-Dv2's attention facet "o", (B, heads, h, w) float32.

        A head's plane is the dot product of the class token's attention output with the value
        vector of every patch; no softmax, so it may be negative.
        """
