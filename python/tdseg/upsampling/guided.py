"""Guided upsampling without training: the joint bilateral filter, in one step from tokens.

Kopf et al., "Joint bilateral upsampling", SIGGRAPH 2007: a pixel is a mean of the tokens near it,
weighted by distance and by likeness of colour, so features change where the image does. It is the
parameter-free relative of the learned JBU of FeatUp (Fu et al., ICLR 2024).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tdseg.runtime.compiled import compiled
from tdseg.runtime.feature_map import FeatureMap
from tdseg.runtime.progress import Progress
from tdseg.runtime.threads import bands, map_threads
from tdseg.upsampling.interpolated import ShiftUpsampler
from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.picture import Picture
from tdseg.upsampling.registry import UpsamplerKind
from tdseg.upsampling.token_field import TokenGrid, project_values
from tdseg.upsampling.windowed import Store

if TYPE_CHECKING:
    from tdseg.backbones.base import Backbone

_RADIUS = 2  # tokens to each side: a window of 5 x 5
_SIDE = 2 * _RADIUS + 1


@compiled()
def _pixel(
    tokens: npt.NDArray[np.float32],
    colours: npt.NDArray[np.float32],
    guide: npt.NDArray[np.float32],
    row_positions: npt.NDArray[np.float64],
    col_positions: npt.NDArray[np.float64],
    y: int,
    x: int,
    row: int,
    col: int,
    space: float,
    colour: float,
    total: npt.NDArray[np.float32],
) -> None:
    """Put the value of pixel (y, x), whose nearest token is (row, col), into `total` (C,)."""
    total[:] = np.float32(0)
    top, bottom = max(row - _RADIUS, 0), min(row + _RADIUS + 1, tokens.shape[0])
    left, right = max(col - _RADIUS, 0), min(col + _RADIUS + 1, tokens.shape[1])
    logs = np.empty((_SIDE, _SIDE), np.float64)
    highest = -np.inf
    for i in range(top, bottom):
        dy = row_positions[i] - y
        for j in range(left, right):
            dx = col_positions[j] - x
            unlike = 0.0
            for k in range(guide.shape[0]):
                step = float(guide[k, y, x]) - float(colours[i, j, k])
                unlike += step * step
            log = -(dy * dy + dx * dx) * space - unlike * colour
            logs[i - top, j - left] = log
            highest = max(highest, log)
    # Relative to the highest, so that a pixel unlike all its tokens still has weights.
    weights = np.float32(0)
    for i in range(top, bottom):
        for j in range(left, right):
            weight = np.float32(np.exp(logs[i - top, j - left] - highest))
            weights += weight
            for c in range(tokens.shape[2]):
                total[c] += weight * tokens[i, j, c]
    for c in range(tokens.shape[2]):
        total[c] /= weights


@compiled()
def _fill_block(
    tokens: npt.NDArray[np.float32],
    colours: npt.NDArray[np.float32],
    guide: npt.NDArray[np.float32],
    row_positions: npt.NDArray[np.float64],
    col_positions: npt.NDArray[np.float64],
    nearest_row: npt.NDArray[np.int64],
    nearest_col: npt.NDArray[np.int64],
    top: int,
    left: int,
    space: float,
    colour: float,
    out: npt.NDArray[np.float32],
) -> None:
    """Add a block whose first pixel is (top, left) to out (C, h, w)."""
    total = np.empty(tokens.shape[2], np.float32)
    for y in range(out.shape[1]):
        for x in range(out.shape[2]):
            row, col = nearest_row[top + y], nearest_col[left + x]
            _pixel(
                tokens, colours, guide, row_positions, col_positions,
                top + y, left + x, row, col, space, colour, total,
            )  # fmt: skip
            for c in range(tokens.shape[2]):
                out[c, y, x] += total[c]


@compiled()
def _fill_points(
    tokens: npt.NDArray[np.float32],
    colours: npt.NDArray[np.float32],
    guide: npt.NDArray[np.float32],
    row_positions: npt.NDArray[np.float64],
    col_positions: npt.NDArray[np.float64],
    nearest_row: npt.NDArray[np.int64],
    nearest_col: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
    cols: npt.NDArray[np.int64],
    space: float,
    colour: float,
    out: npt.NDArray[np.float32],
) -> None:
    """Add the pixels (rows[n], cols[n]) to out (n, C)."""
    total = np.empty(tokens.shape[2], np.float32)
    for n in range(len(rows)):
        y, x = rows[n], cols[n]
        _pixel(
            tokens, colours, guide, row_positions, col_positions,
            y, x, nearest_row[y], nearest_col[x], space, colour, total,
        )  # fmt: skip
        for c in range(tokens.shape[2]):
            out[n, c] += total[c]


@dataclass(frozen=True)
class GuidedGrid:
    """Tokens with the colours at their centres.

    Attributes
    ----------
    start
        First feature that the grid adds to.
    share
        What its values are multiplied by: one over the number of grids of its level.
    values, colours
        (h, w, C) float32 and (h, w, 1 or 3) float32.
    rows, cols
        Centres of the tokens in pixels.
    nearest_row, nearest_col
        (H,) and (W,): the token next to each pixel.
    """

    start: int
    share: float
    values: npt.NDArray[np.float32]
    colours: npt.NDArray[np.float32]
    rows: npt.NDArray[np.float64]
    cols: npt.NDArray[np.float64]
    nearest_row: npt.NDArray[np.int64]
    nearest_col: npt.NDArray[np.int64]

    @property
    def spacing(self) -> float:
        """Distance of neighbouring tokens in pixels; 1 for a single token."""
        gaps = [np.diff(axis).mean() for axis in (self.rows, self.cols) if len(axis) > 1]
        return float(max(gaps, default=1.0))


class GuidedField:
    """The features of a plane by joint bilateral upsampling: a `FeatureMap`.

    Parameters
    ----------
    grids
        Tokens of all levels.
    guide
        (1 or 3, H, W) float32, 0 to 1.
    sigma_space
        In spacings of the grid.
    sigma_range
        In units of the guide.
    names
        One per feature.
    """

    def __init__(
        self,
        grids: Sequence[GuidedGrid],
        guide: npt.NDArray[np.float32],
        sigma_space: float,
        sigma_range: float,
        names: Sequence[str],
    ) -> None:
        self._grids = tuple(grids)
        self._guide = guide
        self._sigmas = sigma_space, sigma_range
        self._names = tuple(names)

    @property
    def names(self) -> tuple[str, ...]:
        """The feature names."""
        return self._names

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self._guide.shape[1], self._guide.shape[2]

    def _factors(self, grid: GuidedGrid) -> tuple[float, float]:
        space, colour = self._sigmas
        return 1 / (2 * (space * grid.spacing) ** 2), 1 / (2 * colour**2)

    def block(self, rows: slice, cols: slice) -> npt.NDArray[np.float32]:
        """Return the features of a block, (F, h, w) float32."""
        top, bottom, _ = rows.indices(self.shape[0])
        left, right, _ = cols.indices(self.shape[1])
        height, width = max(bottom - top, 0), max(right - left, 0)
        out = np.zeros((len(self._names), height, width), np.float32)

        def fill(band: tuple[int, int]) -> None:
            for grid in self._grids:
                stop = grid.start + grid.values.shape[2]
                _fill_block(
                    grid.values, grid.colours, self._guide, grid.rows, grid.cols,
                    grid.nearest_row, grid.nearest_col, top + band[0], left,
                    *self._factors(grid), out[grid.start : stop, band[0] : band[1]],
                )  # fmt: skip

        map_threads(fill, bands(height))
        return out

    def at(
        self, rows: npt.NDArray[np.int64], cols: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return the features of n pixels, (n, F) float32, equal to `block`'s values."""
        rows, cols = np.asarray(rows, np.int64), np.asarray(cols, np.int64)
        out = np.zeros((len(rows), len(self._names)), np.float32)

        def fill(band: tuple[int, int]) -> None:
            part = slice(*band)
            for grid in self._grids:
                stop = grid.start + grid.values.shape[2]
                _fill_points(
                    grid.values, grid.colours, self._guide, grid.rows, grid.cols,
                    grid.nearest_row, grid.nearest_col, rows[part], cols[part],
                    *self._factors(grid), out[part, grid.start : stop],
                )  # fmt: skip

        map_threads(fill, bands(len(rows), 256))
        return out

    def project(self, weights: npt.NDArray[np.floating]) -> FeatureMap:
        """Return ``features @ weights``, computed on the tokens: the filter is linear in them."""
        weights = np.ascontiguousarray(weights, np.float32)
        grids = [
            replace(
                grid,
                start=0,
                values=project_values(
                    grid.values, weights[grid.start : grid.start + grid.values.shape[2]]
                ),
            )
            for grid in self._grids
        ]
        names = tuple(str(k) for k in range(weights.shape[1]))
        return GuidedField(grids, self._guide, *self._sigmas, names)

    def bytes_per_pixel(self) -> int:
        """Memory of `block` for each pixel."""
        return 4 * len(self._names)


class GuidedUpsampler(ShiftUpsampler):
    """Joint bilateral upsampling with the image as the guide."""

    def __init__(self, backbone: Backbone, options: UpsamplingOptions) -> None:
        super().__init__(backbone, options)
        self._sigmas = options.sigma_space, options.sigma_range

    def features(
        self,
        picture: Picture,
        names: Sequence[str],
        store: Store | None = None,
        progress: Progress | None = None,
    ) -> GuidedField:
        """Compare the image's pixels with its colours at the tokens, of all windows at once."""
        encoded = self.encoded(picture, names, store, progress)
        guide = picture.scaled(np.asarray(picture.pixels))
        grids, start = [], 0
        for level in encoded.levels:
            grids += [_guided_grid(grid, guide, start, 1 / len(level)) for grid in level]
            start += level[0].channels
        planes = np.ascontiguousarray(guide.transpose(2, 0, 1))
        return GuidedField(grids, planes, *self._sigmas, names)


def _guided_grid(
    grid: TokenGrid, guide: npt.NDArray[np.float32], start: int, share: float
) -> GuidedGrid:
    """Give a grid the mean colours of the image around its tokens."""
    centres = [grid.rows.positions, grid.cols.positions]
    # Means over the cells of the tokens, one axis after the other.
    colours = _cell_means(_cell_means(guide, centres[0], 0), centres[1], 1)
    nearest = [
        np.searchsorted((c[1:] + c[:-1]) / 2, np.arange(n)).astype(np.int64)
        for c, n in zip(centres, guide.shape, strict=False)
    ]
    values = grid.values.astype(np.float32) * np.float32(share)
    rows, cols = centres
    return GuidedGrid(
        start, share, values, colours.astype(np.float32), rows, cols, nearest[0], nearest[1]
    )


def _cell_means(
    image: npt.NDArray[np.floating], centres: npt.NDArray[np.float64], axis: int
) -> npt.NDArray[np.float64]:
    """Return the mean of the pixels around each centre, half a spacing to either side."""
    length = image.shape[axis]
    half = (np.diff(centres).mean() if len(centres) > 1 else 1.0) / 2
    start = np.clip(np.ceil(centres - half - 1e-6), 0, length - 1).astype(np.int64)
    stop = np.clip(np.floor(centres + half + 1e-6) + 1, start + 1, length).astype(np.int64)
    sums = np.cumsum(image, axis=axis, dtype=np.float64)
    zero = np.zeros_like(np.take(sums, [0], axis=axis))
    sums = np.concatenate([zero, sums], axis=axis)
    total = np.take(sums, stop, axis=axis) - np.take(sums, start, axis=axis)
    count = (stop - start).reshape((-1,) + (1,) * (image.ndim - 1 - axis))
    means: npt.NDArray[np.float64] = total / count
    return means


GUIDED = UpsamplerKind(GuidedUpsampler)
