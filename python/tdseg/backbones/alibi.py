"""Vision transformers whose positions were replaced by distances: ALiBi retrofits.

Pawlowsky et al., "What DINO saw: ALiBi positional encoding reduces positional bias in Vision
Transformers" (arXiv 2603.16840, 2026). Learned or rotary positions are gone; instead, each head's
attention between two patches is lowered by their distance (Press et al., "Train Short, Test Long",
ICLR 2022). Distances are Euclidean on a torus (the grid's opposite edges meet) and divided by
the largest. Class token and registers are at no distance from anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import torch

from tdseg.backbones.base import TimmNetwork
from tdseg.backbones.checkpoints import put_tensors, read_tensors
from tdseg.backbones.hashing import tensors_sha256
from tdseg.backbones.naming import to_timm
from tdseg.errors import TdsegError

_SLOPE = re.compile(r"(?:^|\.)blocks\.(\d+)\.attn\.m$")


def patch_distances(grid: tuple[int, int], prefix: int) -> torch.Tensor:
    """Return how far apart the tokens of a grid are.

    Parameters
    ----------
    grid
        Rows and columns of patches.
    prefix
        How many tokens without a place come first.

    Returns
    -------
    torch.Tensor
        (N, N) float32 with N = prefix + rows * columns, 0 to 1; 0 from and to the prefix.
    """
    sides = []
    for count in grid:
        apart = (torch.arange(count)[:, None] - torch.arange(count)).abs()
        sides.append(torch.minimum(apart, count - apart).to(torch.float32))
    rows, cols = sides
    between = torch.hypot(rows[:, None, :, None], cols[None, :, None, :]).flatten(2).flatten(0, 1)
    between = between / between.max().clamp(min=1e-9)
    return torch.nn.functional.pad(between, (prefix, 0, prefix, 0))


def load_retrofit(
    network: TimmNetwork,
    file: str | Path,
    name: str,
    note: Callable[[str], object] = lambda line: None,
) -> tuple[str, torch.Tensor]:
    """Put a retrofit's weights into a network of timm's.

    Parameters
    ----------
    network
        `VisionTransformer` or `Eva`; changed.
    file
        As the paper's programs save it: names as in `tdseg.backbones.naming.to_timm`. Slopes that
        were learned are ``blocks.N.attn.m``; a file without them has slopes of 1.
    name
        The backbone's, for messages.
    note
        See `tdseg.backbones.checkpoints.read_tensors`.

    Returns
    -------
    tuple
        SHA-256 of the tensors, and the slopes (blocks, heads) float32.

    Raises
    ------
    TdsegError
        If the file does not fit the network.
    """
    depth, heads = len(network.blocks), int(network.blocks[0].attn.num_heads)
    slopes = torch.ones(depth, heads)
    learned: dict[str, torch.Tensor] = {}
    tensors = {}
    for key, value in read_tensors(file, note=note).items():
        match = _SLOPE.search(key)
        if match is None:
            tensors[key] = value
            continue
        if int(match[1]) >= depth or value.numel() != heads:
            raise TdsegError(
                f"{Path(file).name} does not hold the weights of {name}: {key} is "
                f"{tuple(value.shape)} for {depth} blocks of {heads} heads; choose the backbone "
                "that the file belongs to."
            )
        slopes[int(match[1])] = value.to(torch.float32).flatten()
        learned[f"blocks.{match[1]}.attn.m"] = value
    own = network.state_dict()
    found = to_timm(_masked(tensors), own)
    if "pos_embed" in own:
        stored = found.setdefault("pos_embed", torch.zeros_like(own["pos_embed"]))
        if stored.any():
            note(f"{Path(file).name} holds positions that are not zero; they are added as there.")
    digest = put_tensors(network, found, Path(file).name, name)
    return (tensors_sha256({**found, **learned}) if learned else digest), slopes


def _masked(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Apply DINOv3's masks of biases: where one is 0, training never saw the bias."""
    masked = dict(tensors)
    for key, mask in tensors.items():
        bias = key.removesuffix("_mask")
        if key.endswith(".bias_mask") and bias in masked and not mask.isnan().any():
            masked[bias] = masked[bias] * mask
    return masked
