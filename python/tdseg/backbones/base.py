"""What a backbone is to tdseg: a network that turns an image into grids of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class WeightsInfo:
    """Where a backbone's weights come from; shown by Status and stored in classifiers.

    Parameters
    ----------
    name
        Checkpoint name, for example ``vit_small_patch14_reg4_dinov2.lvd142m``.
    sha256
        Hash of the tensors' names, shapes and bytes (sorted by name), the same for the same
        weights in whatever file they came.
    licence
        SPDX name, or "unknown".
    source
        "hub", "package NAME" or the file's name.
    """

    name: str
    sha256: str
    licence: str
    source: str


@dataclass(frozen=True)
class Level:
    """One grid of tokens that a backbone gives.

    The centre of token (i, j) lies at pixel ``offset + stride * i``, ``offset + stride * j`` of
    the input, where pixel centres are whole numbers.
    """

    name: str
    channels: int
    stride: float
    offset: float


class Backbone(Protocol):
    """A frozen network in evaluation mode.

    `multiple` divides the sizes of its input: callers pad. `window` is the input size that it was
    trained for (pixels, a multiple of `multiple`): large images are seen through windows of
    about this size. `has_global_context` says whether a token depends on the whole input.
    """

    name: str
    weights: WeightsInfo
    levels: tuple[Level, ...]
    multiple: int
    window: int
    has_global_context: bool
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
            A tensor a level, (B, channels, h, w) in `dtype` on `device`.
        """
