"""NAF: attention from pixels to the 9 x 9 tokens around them, with weights from a file.

Chambon et al., "NAF: zero-shot feature upsampling via neighborhood attention filtering", 2025. Two
small encoders look at the image, one pixel or 11 x 11 pixels at a time; a rotary embedding adds
where a pixel lies. The result is the pixel's query, and its mean over a token's cell the token's
key. Each of four heads weighs a quarter of the channels.

Nothing but the image and the places of the tokens enters: one file serves every backbone and level,
and all is linear in the tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from tdseg.errors import TdsegError
from tdseg.runtime.progress import Progress, Silent
from tdseg.upsampling.attention_field import AttentionField
from tdseg.upsampling.guide_network import Branch, Plane, pixels_first, rotated
from tdseg.upsampling.guide_tiles import Guide, KeyLevel
from tdseg.upsampling.interpolated import ShiftUpsampler, one_pass
from tdseg.upsampling.naf_weights import HEADS, NafWeights, read_naf
from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.picture import Picture
from tdseg.upsampling.registry import UpsamplerKind
from tdseg.upsampling.shifts import EncodedPlane
from tdseg.upsampling.token_field import TokenGrid
from tdseg.upsampling.token_windows import TokenCells, extent
from tdseg.upsampling.windowed import Store

if TYPE_CHECKING:
    from tdseg.backbones.base import Backbone

SIDE = 9
"""Tokens that a pixel sees along each axis."""


class NafQueries:
    """Computes the queries of pixels.

    Parameters
    ----------
    weights
        Of NAF.
    plane
        The continued image.
    """

    def __init__(self, weights: NafWeights, plane: Plane) -> None:
        self._plane, self._periods = plane, weights.periods.to(plane.device)
        self._branches = [Branch(plane.colours, steps, plane) for steps in weights.branches]

    def __call__(self, rows: slice, cols: slice) -> npt.NDArray[np.float32]:
        """Return the queries (h, w, D) of a region of the plane."""
        with torch.inference_mode():
            encoded = torch.cat([branch(rows, cols) for branch in self._branches], dim=1)
            return pixels_first(rotated(encoded, self._angles(rows, cols)))

    def _angles(self, rows: slice, cols: slice) -> torch.Tensor:
        """Return the angles (D / heads, h, w): those of the rows, those of the columns, twice."""
        height, width = rows.stop - rows.start, cols.stop - cols.start
        parts = []
        for axis, pixels in enumerate((rows, cols)):
            # From -1 to 1 over the plane.
            places = torch.arange(pixels.start, pixels.stop, device=self._plane.device)
            places = 2 * (places + 0.5) / self._plane.shape[axis] - 1
            angles = 2 * math.pi * places / self._periods[:, None]
            angles = angles[:, :, None] if axis == 0 else angles[:, None, :]
            parts.append(angles.expand(-1, height, width))
        return torch.cat(parts * 2)


class NafUpsampler(ShiftUpsampler):
    """NAF on the tokens of one pass, level by level.

    NAF takes image and tokens as they are; here the image is continued by reflection until tokens
    surround all pixels, as for every upsampler, and NAF's procedure is that for the continued
    image.

    Raises
    ------
    TdsegError
        If there are no weights, or the channels of a level are no multiple of four.
    """

    def __init__(self, backbone: Backbone, options: UpsamplingOptions) -> None:
        super().__init__(backbone, one_pass(options))
        self._naf = read_naf(options.weights)
        self.weights = self._naf.info
        self._device = backbone.device
        for level in self._encoder.levels:
            if level.channels % HEADS:
                raise TdsegError(
                    f"upsampling=naf gives each of {HEADS} heads its own channels, and level "
                    f"{level.name} of {backbone.name} has {level.channels}; choose other levels "
                    "with levels=, or another upsampling."
                )

    def features(
        self,
        picture: Picture,
        names: Sequence[str],
        store: Store | None = None,
        progress: Progress | None = None,
    ) -> AttentionField:
        """Encode the image, all its windows at once, and prepare keys."""
        grids = one_grid_each("naf", self.encoded(picture, names, store, progress))
        cells = [
            tuple(
                TokenCells.of(axis.positions, float(level.stride))
                for axis in (grid.rows, grid.cols)
            )
            for grid, level in zip(grids, self._encoder.levels, strict=True)
        ]
        plane = continued(picture, cells, self._device)
        levels = [
            KeyLevel(
                rows.neighbours(picture.shape[0], SIDE), cols.neighbours(picture.shape[1], SIDE)
            )
            for rows, cols in cells
        ]
        guide = Guide(
            NafQueries(self._naf, plane), plane, levels, self._keep_bytes, progress or Silent()
        )
        tokens = [
            np.asarray(g.values, np.float32).reshape(*g.values.shape[:2], HEADS, -1) for g in grids
        ]
        return AttentionField(guide, tokens, False, HEADS, names)


def one_grid_each(name: str, encoded: EncodedPlane) -> list[TokenGrid]:
    """Return the tokens of every level.

    Raises
    ------
    TdsegError
        If the copies of the image give more than one grid.
    """
    for grids in encoded.levels:
        if len(grids) > 1:
            raise TdsegError(
                f"upsampling={name} takes one grid of tokens, the copies of the image give "
                f"{len(grids)}; use flips=false."
            )
    return [grids[0] for grids in encoded.levels]


def continued(
    picture: Picture, cells: Sequence[tuple[TokenCells, ...]], device: torch.device
) -> Plane:
    """Return the image, continued as far as the cells of its tokens reach."""
    (top, bottom), (left, right) = (extent([pair[axis] for pair in cells]) for axis in (0, 1))
    return Plane(picture, top, left, (bottom - top, right - left), device)


NAF = UpsamplerKind(NafUpsampler, shifts=1, flips="false")
