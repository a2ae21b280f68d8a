"""AnyUp: attention from pixels to the tokens around them, with weights from a file.

Wimmer et al., "AnyUp: universal feature upsampling", ICLR 2026. An encoder looks at the colours of
single pixels and at their place; two more make queries and keys of that, keys being means over the
cells of tokens. What a token offers also depends on the tokens: every channel passes the same
filters, and the mean of their softmax over channels goes to the keys, so any number of channels
will do. The mean weights of four heads are applied to the tokens themselves.

Keys are computed of all channels, once. Given them all is linear in the tokens, and a linear
classifier acts on these.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from tdseg.errors import TdsegError
from tdseg.runtime.progress import Progress, Silent
from tdseg.runtime.threads import torch_threads
from tdseg.upsampling.anyup_weights import HEADS, AnyUpWeights, read_anyup
from tdseg.upsampling.attention_field import AttentionField
from tdseg.upsampling.cell_means import cell_means
from tdseg.upsampling.guide_network import Branch, Plane, pixels_first, rotated, run_whole
from tdseg.upsampling.guide_tiles import Guide, KeyLevel
from tdseg.upsampling.interpolated import ShiftUpsampler, one_pass
from tdseg.upsampling.naf import continued, one_grid_each
from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.picture import Picture
from tdseg.upsampling.registry import UpsamplerKind
from tdseg.upsampling.token_windows import TokenCells
from tdseg.upsampling.windowed import Store

if TYPE_CHECKING:
    from tdseg.backbones.base import Backbone

RATIO = 0.1
"""How far a pixel sees along each axis, as a part of the image."""

_FILTER_BYTES = 32 * 1024**2  # of filtered tokens at a time


class AnyUpNetworks:
    """The networks that see the image.

    Parameters
    ----------
    weights
        Of AnyUp.
    plane
        The continued image.
    """

    def __init__(self, weights: AnyUpWeights, plane: Plane) -> None:
        self._weights, self._plane = weights, plane
        self._frequencies = weights.frequencies.to(plane.device)
        self._image = Branch(plane.colours, weights.image, plane)
        self._query = Branch(self._placed, weights.query, plane)
        self._key = Branch(self._placed, weights.key, plane)

    def queries(self, rows: slice, cols: slice) -> npt.NDArray[np.float32]:
        """Return the queries (h, w, D) of a region of the plane."""
        x = self._query(rows, cols)[0].permute(1, 2, 0)
        with torch_threads(1), torch.inference_mode():
            found = _projected(x, self._weights.query_norm, self._weights.query_in)
            return np.ascontiguousarray(found.cpu().numpy())

    def keys(self, rows: slice, cols: slice) -> npt.NDArray[np.float32]:
        """Return the image's part in the keys (h, w, D), before they are averaged."""
        return pixels_first(self._key(rows, cols))

    def token_keys(
        self, image_part: npt.NDArray[np.float32], tokens: npt.NDArray[np.floating]
    ) -> npt.NDArray[np.float32]:
        """Return the keys (R, C, D) of tokens (R, C, channels)."""
        weights, device = self._weights, self._plane.device
        with torch_threads(1), torch.inference_mode():
            image = torch.from_numpy(image_part).to(device).permute(2, 0, 1)[None]
            values = torch.from_numpy(np.asarray(tokens, np.float32)).to(device).permute(2, 0, 1)
            own = run_whole(_unified(values, weights.basis.to(device)), weights.unified)
            keys = run_whole(torch.cat([image, own], dim=1), weights.aggregation)
            found = _projected(keys[0].permute(1, 2, 0), weights.key_norm, weights.key_in)
            return np.ascontiguousarray(found.cpu().numpy())

    def _placed(self, rows: slice, cols: slice) -> torch.Tensor:
        """Return the encoded image with the position embedding; places run from 0 to 1."""
        encoded = self._image(rows, cols)
        with torch.inference_mode():
            angles = torch.zeros((), device=self._plane.device)
            for axis, pixels in enumerate((rows, cols)):
                places = torch.arange(pixels.start, pixels.stop, device=self._plane.device)
                places = places / max(self._plane.shape[axis] - 1, 1)
                part = self._frequencies[axis][:, None] * places
                angles = angles + (part[:, :, None] if axis == 0 else part[:, None, :])
            return rotated(encoded, angles)


def _projected(
    x: torch.Tensor, scale: torch.Tensor, into: tuple[torch.Tensor, torch.Tensor]
) -> torch.Tensor:
    """Apply a root-mean-square norm and a linear layer to the last axis."""
    scale, weight, bias = (v.to(x.device) for v in (scale, *into))
    least = torch.finfo(torch.float32).eps
    normed = x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + least) * scale
    return functional.linear(normed, weight, bias)


def _unified(tokens: torch.Tensor, basis: torch.Tensor) -> torch.Tensor:
    """Return what the filters say of tokens (channels, R, C), (1, D, R, C)."""
    channels, height, width = tokens.shape
    side = basis.shape[2]
    tokens = functional.normalize(tokens, dim=0)
    inside = torch.ones((1, 1, height, width), device=tokens.device)
    count = functional.conv2d(inside, torch.ones_like(basis[:1]), padding=side // 2)
    total = torch.zeros((len(basis), height, width), device=tokens.device)
    step = max(_FILTER_BYTES // (4 * len(basis) * height * width), 1)
    for first in range(0, channels, step):
        part = tokens[first : first + step, None]
        filtered = functional.conv2d(part, basis, padding=side // 2) / count
        total += filtered.softmax(dim=1).sum(dim=0)
    return (total / channels)[None]


class AnyUpUpsampler(ShiftUpsampler):
    """AnyUp on the tokens of one level and one pass.

    As for every upsampler the image is continued by reflection until tokens surround all pixels,
    and AnyUp's procedure is that for the continued image.

    Raises
    ------
    TdsegError
        If there are no weights, or the backbone gives several levels.
    """

    def __init__(self, backbone: Backbone, options: UpsamplingOptions) -> None:
        super().__init__(backbone, one_pass(options))
        self._anyup = read_anyup(options.weights)
        self.weights = self._anyup.info
        self._device = backbone.device
        levels = self._encoder.levels
        if len(levels) > 1:
            raise TdsegError(
                f"upsampling=anyup takes one level of tokens, {backbone.name} gives {len(levels)}; "
                f"choose one with levels=, for example levels={levels[-1].name}."
            )

    def features(
        self,
        picture: Picture,
        names: Sequence[str],
        store: Store | None = None,
        progress: Progress | None = None,
    ) -> AttentionField:
        """Encode the image, all its windows at once, and prepare keys."""
        progress = progress or Silent()
        grid = one_grid_each("anyup", self.encoded(picture, names, store, progress))[0]
        stride = float(self._encoder.levels[0].stride)
        rows, cols = (TokenCells.of(axis.positions, stride) for axis in (grid.rows, grid.cols))
        plane = continued(picture, [(rows, cols)], self._device)
        networks = AnyUpNetworks(self._anyup, plane)
        means = cell_means(networks.keys, plane, [(rows, cols)], progress)[0]
        keys = networks.token_keys(means, grid.values)
        ends = (plane.top, plane.top + plane.shape[0]), (plane.left, plane.left + plane.shape[1])
        level = KeyLevel(
            rows.within(picture.shape[0], ends[0], RATIO),
            cols.within(picture.shape[1], ends[1], RATIO),
            keys,
        )
        guide = Guide(networks.queries, plane, [level], self._keep_bytes, progress)
        tokens = np.ascontiguousarray(np.asarray(grid.values, np.float32)[:, :, None])
        return AttentionField(guide, [tokens], False, HEADS, names)


ANYUP = UpsamplerKind(AnyUpUpsampler, shifts=1, flips="false")
