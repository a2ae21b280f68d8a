"""Position embeddings of a vision transformer on a grid of another size."""

from __future__ import annotations

import torch
from torch.nn import functional

from tdseg.errors import TdsegError

FLAVOURS = ("native", "plain", "offset")


def check_flavour(flavour: str) -> None:
    """Raise `TdsegError` unless `flavour` is one of `FLAVOURS`."""
    if flavour not in FLAVOURS:
        raise TdsegError(f"position_embedding={flavour} is unknown; use {', '.join(FLAVOURS)}.")


def resample_positions(
    learned: torch.Tensor, grid: tuple[int, int], flavour: str = "native"
) -> torch.Tensor:
    """Resample learned position embeddings to another grid, bicubically.

    Parameters
    ----------
    learned
        (1, m, m, C) float32, the embeddings of the patches.
    grid
        Rows and columns wanted.
    flavour
        ``native``: smoothed when it shrinks, as timm and the register models of DINOv2 do.
        ``plain``: not smoothed, as Hugging Face's Dinov2Model does.
        ``offset``: not smoothed, and sampled with the scale (n + 0.1) / m in each direction,
        as DINO's own code (its ``interpolate_offset``) and what came after it does; untouched
        only on a square grid of m x m.
        The three agree on m x m.

    Returns
    -------
    torch.Tensor
        (1, rows, columns, C) float32.
    """
    side = learned.shape[1], learned.shape[2]
    if grid == side:
        return learned
    planes = learned.permute(0, 3, 1, 2)
    if flavour == "offset":
        scale = ((grid[0] + 0.1) / side[0], (grid[1] + 0.1) / side[1])
        planes = functional.interpolate(
            planes,
            scale_factor=scale,
            mode="bicubic",
            align_corners=False,
            recompute_scale_factor=False,
        )
    else:
        planes = functional.interpolate(
            planes, size=grid, mode="bicubic", align_corners=False, antialias=flavour == "native"
        )
    return planes.permute(0, 2, 3, 1)
