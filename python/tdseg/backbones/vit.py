"""Vision transformers of timm (DINO, DINOv2, DINOv3, any plain ViT) as backbones.

Oquab et al., "DINOv2", TMLR 2024; Darcet et al., "Vision Transformers Need Registers", ICLR 2024;
the stride override and the attention facet follow HR-Dv2 (Docherty et al., 2024).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torch.nn import functional

from tdseg.backbones.alibi import patch_distances
from tdseg.backbones.base import Level, TimmNetwork, WeightsInfo
from tdseg.backbones.devices import evaluation, torch_dtype
from tdseg.backbones.positions import check_flavour, resample_positions
from tdseg.backbones.vit_attention import class_attention, project, value_attention
from tdseg.errors import TdsegError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class _Read:
    """A place where tokens are read: after a block, with or without the final norm."""

    name: str
    block: int
    norm: bool


class VitBackbone:
    """A plain vision transformer with one grid of patch tokens a level.

    Every level has the same grid: ``1 + (L - patch) // stride`` tokens along a side of L pixels,
    the first centred at ``(patch - 1) / 2``.

    Parameters
    ----------
    network
        A `VisionTransformer` or `Eva` of timm's, with weights.
    name, weights
        For messages and saved classifiers.
    levels
        ``last`` (the last block after the final norm; default), ``block5`` (after the sixth block,
        the final norm applied as DINOv2 does for intermediate layers), ``block5_raw`` (without the
        norm), or a number (5 is ``block5``, -1 the last).
    stride
        Of the patch embedding; None: the patch size, as trained. A smaller stride gives a denser
        grid at a cost that grows with its inverse fourth power.
    position_embedding
        See `tdseg.backbones.positions.resample_positions`.
    window
        Input size it was trained for; None: that of its position embeddings.
    slopes
        (blocks, heads) float32, how much the distance of two patches lowers each head's attention
        (`tdseg.backbones.alibi`); rotary positions are not used then. None: not at all.
    mean, std
        Of the channels, subtracted and divided by.
    device, precision
        Resolved, see `tdseg.backbones.devices.resolve_device`.
    """

    has_global_context = True

    def __init__(
        self,
        network: TimmNetwork,
        name: str,
        weights: WeightsInfo,
        *,
        levels: Sequence[str | int] | None = None,
        stride: int | None = None,
        position_embedding: str = "native",
        window: int | None = None,
        slopes: torch.Tensor | None = None,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        device: str = "cpu",
        precision: str = "float32",
    ) -> None:
        check_network(network, name)
        check_flavour(position_embedding)
        patch = int(network.patch_embed.proj.kernel_size[0])
        if stride is not None and not 1 <= stride <= patch:
            raise TdsegError(
                f"stride={stride} does not fit {name}; its patches are {patch} pixels wide, use "
                f"1 to {patch}."
            )
        self.name = name
        self.weights = weights
        self.multiple = patch
        self.patch = patch
        self.stride = stride or patch
        self.device = torch.device(device)
        self.dtype = torch_dtype(precision)
        self.has_attention = network.cls_token is not None and _has_plain_attention(network)
        depth = len(network.blocks)
        self._reads = [_parse_level(level, depth, name) for level in (levels or ("last",))]
        self.levels = tuple(
            Level(read.name, int(network.embed_dim), self.stride, (patch - 1) / 2)
            for read in self._reads
        )
        self.position_embedding = position_embedding
        self._split_positions(network)
        if window is None:
            window = self._learned.shape[1] * patch if self._learned is not None else 32 * patch
        self.window = max(patch, window // patch * patch)
        self._mean = torch.tensor(mean, device=self.device).view(1, 3, 1, 1)
        self._std = torch.tensor(std, device=self.device).view(1, 3, 1, 1)
        # Rotary angles from rounded frequencies would be wrong: this copy stays in float32.
        self._rope = copy.deepcopy(getattr(network, "rope", None)) if slopes is None else None
        self._slopes = slopes
        self._distances: tuple[tuple[int, int], torch.Tensor] | None = None
        if self._rope is not None:
            self._rope.to(self.device)
        self._network = network.eval().requires_grad_(False).to(self.device, self.dtype)
        self._cached: tuple[tuple[int, int], torch.Tensor | None, torch.Tensor | None] | None = None

    def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Run the network; see `tdseg.backbones.base.Backbone.tokens`."""
        return self.tokens_with_facets(images, ())[0]

    def attention(self, images: torch.Tensor) -> torch.Tensor:
        """Return the class token's attention; see `tdseg.backbones.base.AttentionBackbone`."""
        return self.tokens_with_facets(images, ("attention",))[1]["attention"]

    def value_attention(self, images: torch.Tensor) -> torch.Tensor:
        """Return HR-Dv2's facet "o"; see `tdseg.backbones.base.AttentionBackbone`."""
        return self.tokens_with_facets(images, ("value_attention",))[1]["value_attention"]

    def tokens_with_facets(
        self, images: torch.Tensor, facets: Sequence[str]
    ) -> tuple[list[torch.Tensor], dict[str, torch.Tensor]]:
        """Run the network once for tokens and attention.

        Parameters
        ----------
        images
            As for `tokens`.
        facets
            Any of ``attention`` and ``value_attention``.

        Returns
        -------
        tuple
            The tokens of every level, and for every facet (B, heads, h, w) float32 of the last
            block.

        Raises
        ------
        TdsegError
            If this network has no class token or an attention of another kind.
        """
        if facets and not self.has_attention:
            raise TdsegError(
                f"Backbone {self.name} has no class token to take attention from; use a vision "
                "transformer such as dinov2_s_reg."
            )
        self._check_size(images)
        network = self._network
        last = len(network.blocks) - 1
        stop = last if facets else max(read.block for read in self._reads)
        found: dict[str, torch.Tensor] = {}
        planes: dict[str, torch.Tensor] = {}
        with evaluation(self.device):
            x, rope, grid = self._embed(images)
            extra = {} if rope is None else {"rope": rope}
            for index, block in enumerate(network.blocks[: stop + 1]):
                if facets and index == last:
                    projected = project(block.attn, block.norm1(x), rope)
                    for facet in facets:
                        compute = class_attention if facet == "attention" else value_attention
                        planes[facet] = compute(*projected, self._prefix).unflatten(-1, grid)
                if self._slopes is not None:
                    extra["attn_mask"] = self._bias(grid, self._slopes[index])
                x = block(x, **extra)
                for read in self._reads:
                    if read.block == index:
                        found[read.name] = self._grid_of(network.norm(x) if read.norm else x, grid)
        return [found[read.name] for read in self._reads], planes

    def _embed(
        self, images: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None, tuple[int, int]]:
        """Return tokens with prefix and positions (B, N, C), rotary angles, and the grid."""
        network = self._network
        projection = network.patch_embed.proj
        x = (images.to(self.device, torch.float32) - self._mean) / self._std
        x = functional.conv2d(
            x.to(self.dtype), projection.weight, projection.bias, stride=self.stride
        )
        grid = (int(x.shape[-2]), int(x.shape[-1]))
        x = network.patch_embed.norm(x.flatten(2).transpose(1, 2))
        positions, rope = self._positions(grid)
        if positions is not None:
            x = x + positions
        prefix = [
            token.expand(x.shape[0], -1, -1)
            for token in (network.cls_token, network.reg_token)
            if token is not None
        ]
        if prefix:
            joined = torch.cat(prefix, dim=1)
            if self._prefix_positions is not None:
                joined = joined + self._prefix_positions
            x = torch.cat([joined, x], dim=1)
        return network.norm_pre(x), rope, grid

    def _split_positions(self, network: TimmNetwork) -> None:
        """Keep position embeddings in float32, apart for prefix tokens and patches."""
        self._prefix = int(network.num_prefix_tokens)
        self._learned: torch.Tensor | None = None
        self._prefix_positions: torch.Tensor | None = None
        if network.pos_embed is None:
            return
        stored = network.pos_embed.detach().to(torch.float32)
        prefix = 0 if network.no_embed_class else self._prefix
        patches = stored[:, prefix:]
        side = round(patches.shape[1] ** 0.5)
        rows, columns = network.patch_embed.grid_size
        if rows * columns != patches.shape[1]:
            rows = columns = side
        self._learned = patches.reshape(1, rows, columns, -1)
        if prefix:
            self._prefix_positions = stored[:, :prefix].to(self.device, self.dtype)

    def _positions(self, grid: tuple[int, int]) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Return learned positions (1, N, C) and rotary angles for a grid; the last is kept."""
        cached = self._cached
        if cached is None or cached[0] != grid:
            learned = rope = None
            if self._learned is not None:
                learned = resample_positions(self._learned, grid, self.position_embedding)
                learned = learned.flatten(1, 2).to(self.device, self.dtype)
            if self._rope is not None:
                rope = self._rope.get_embed(shape=grid)
            cached = self._cached = (grid, learned, rope)
        return cached[1], cached[2]

    def _bias(self, grid: tuple[int, int], slopes: torch.Tensor) -> torch.Tensor:
        """Return what a block adds to its attention, (1, 1 or heads, N, N)."""
        if self._distances is None or self._distances[0] != grid:
            distances = patch_distances(grid, self._prefix).to(self.device, self.dtype)
            self._distances = grid, distances[None, None]
        if (slopes == slopes[0]).all():  # one table serves all heads
            slopes = slopes[:1]
        return self._distances[1] * -slopes.to(self.device, self.dtype).view(1, -1, 1, 1)

    def _grid_of(self, x: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
        patches: torch.Tensor = x[:, self._prefix :].transpose(1, 2).unflatten(-1, grid)
        return patches.contiguous()

    def _check_size(self, images: torch.Tensor) -> None:
        height, width = images.shape[-2:]
        if height % self.multiple or width % self.multiple or not height or not width:
            raise ValueError(f"sizes must be multiples of {self.multiple}, not {height} x {width}")


def check_network(network: TimmNetwork, name: str) -> None:
    """Refuse networks of timm's that `VitBackbone` would run wrongly.

    Raises
    ------
    TdsegError
        If it is not a plain vision transformer.
    """
    plain = type(network) in (VisionTransformer, Eva) and isinstance(
        getattr(network.patch_embed, "proj", None), nn.Conv2d
    )
    if not plain or getattr(network, "rope_mixed", False):
        raise TdsegError(
            f"Backbone {name} is a {type(network).__name__}, which tdseg cannot read tokens from; "
            "use a plain vision transformer or a ConvNeXt."
        )


def _has_plain_attention(network: TimmNetwork) -> bool:
    block = network.blocks[-1]
    return hasattr(block, "norm1") and all(
        hasattr(block.attn, member) for member in ("qkv", "q_norm", "k_norm", "num_heads", "scale")
    )


def _parse_level(level: str | int, depth: int, name: str) -> _Read:
    text = str(level)
    if text in ("last", "-1"):
        return _Read("last", depth - 1, True)
    match = re.fullmatch(r"(?:block)?(\d+)(_raw)?", text)
    if match is None or int(match[1]) >= depth:
        raise TdsegError(
            f"{name} has no level {level}; use last, or block0 to block{depth - 1} "
            "(block5_raw: without the final norm)."
        )
    return _Read(f"block{match[1]}{match[2] or ''}", int(match[1]), match[2] is None)
