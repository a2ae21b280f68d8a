"""Tokens as features of pixels: a few regular grids of tokens, interpolated where asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError
from tdseg.runtime.feature_map import FeatureMap
from tdseg.runtime.threads import bands, map_threads
from tdseg.upsampling.kernels import add_interpolated

_CHUNK = 4096  # points, and tokens, that are worked on at a time


@dataclass(frozen=True)
class Axis:
    """How the pixels of one axis sample the tokens along it.

    Attributes
    ----------
    lower, upper
        (length,) int32: the two tokens next to each pixel.
    weight
        (length,) float32: the share of `upper`.
    positions
        Where the tokens are centred, in pixels.
    """

    lower: npt.NDArray[np.int32]
    upper: npt.NDArray[np.int32]
    weight: npt.NDArray[np.float32]
    positions: npt.NDArray[np.float64]

    @classmethod
    def linear(cls, positions: npt.NDArray[np.float64], length: int) -> Axis:
        """Interpolate linearly between tokens centred at `positions` (increasing, in pixels).

        Pixels beyond the outermost tokens take these.
        """
        positions = np.asarray(positions, np.float64)
        pixels = np.arange(length, dtype=np.float64)
        last = len(positions) - 1
        lower = np.clip(np.searchsorted(positions, pixels, "right") - 1, 0, max(last - 1, 0))
        upper = np.minimum(lower + 1, last)
        gap = np.where(upper > lower, positions[upper] - positions[lower], 1.0)
        weight = np.clip((pixels - positions[lower]) / gap, 0, 1)
        return cls(
            lower.astype(np.int32), upper.astype(np.int32), weight.astype(np.float32), positions
        )

    @classmethod
    def bare(cls, positions: npt.NDArray[np.float64]) -> Axis:
        """Know where tokens lie, and no pixels."""
        none = np.zeros(0, np.int32)
        return cls(none, none, np.zeros(0, np.float32), positions)

    @classmethod
    def nearest(cls, index: npt.NDArray[np.int64], positions: npt.NDArray[np.float64]) -> Axis:
        """Take token ``index[p]`` for pixel p."""
        tokens = np.asarray(index, np.int32)
        return cls(tokens, tokens, np.zeros(len(index), np.float32), positions)

    @property
    def length(self) -> int:
        """Number of pixels."""
        return len(self.lower)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self.lower.nbytes + self.upper.nbytes + self.weight.nbytes + self.positions.nbytes

    def used(self) -> tuple[int, int]:
        """Return the half-open range of tokens that pixels refer to."""
        both = (self.lower, self.upper)
        return min(int(a.min()) for a in both), max(int(a.max()) for a in both) + 1

    def cropped(self) -> Axis:
        """Return the axis for a grid without the tokens that no pixel refers to."""
        start, stop = self.used()
        return Axis(
            self.lower - np.int32(start),
            self.upper - np.int32(start),
            self.weight,
            self.positions[start:stop],
        )

    def part(self, pixels: slice) -> Axis:
        """Return the axis of a run of pixels; token numbers stay."""
        return replace(
            self, lower=self.lower[pixels], upper=self.upper[pixels], weight=self.weight[pixels]
        )


class Grid:
    """A grid of tokens that the pixels of an image sample along `rows` and `cols`.

    Subclasses hold the tokens or fetch them.
    """

    rows: Axis
    cols: Axis

    @property
    def channels(self) -> int:
        """Number of channels."""
        raise NotImplementedError

    @property
    def nbytes(self) -> int:
        """Bytes that are held."""
        raise NotImplementedError

    def project(self, weights: npt.NDArray[np.floating]) -> Grid:
        """Return ``tokens @ weights``, float32, on the same grid."""
        raise NotImplementedError

    def tokens(self, rows: slice, cols: slice) -> npt.NDArray[np.float32]:
        """Return a part of the grid, (h, w, C)."""
        raise NotImplementedError

    def take(
        self, rows: npt.NDArray[np.int32], cols: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.float32]:
        """Return n tokens, (n, C) float32."""
        raise NotImplementedError

    def add_block(self, rows: slice, cols: slice, out: npt.NDArray[np.float32]) -> None:
        """Add the pixels of a block to `out`, (C, h, w) float32."""
        row, col = self.rows.part(rows), self.cols.part(cols)
        (top, bottom), (left, right) = row.used(), col.used()
        tokens = self.tokens(slice(top, bottom), slice(left, right)).transpose(2, 0, 1)
        # Compiled code checks no index; tokens from a cache on disk may be of another plane.
        there, wanted = tokens.shape, (len(out), bottom - top, right - left)
        if min(top, left) < 0 or there != wanted or out.shape[1:] != (row.length, col.length):
            raise TdsegError(
                f"The tokens of a block of {row.length} x {col.length} pixels are "
                f"{' x '.join(map(str, there))} instead of {' x '.join(map(str, wanted))}; empty "
                "the folder that TDSEG_CACHE names."
            )
        add_interpolated(
            np.ascontiguousarray(tokens, np.float32),
            row.lower - np.int32(top),
            row.upper - np.int32(top),
            row.weight,
            col.lower - np.int32(left),
            col.upper - np.int32(left),
            col.weight,
            out,
        )

    def at(
        self, rows: npt.NDArray[np.int64], cols: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return the values of n pixels, (n, C) float32, with the arithmetic of `add_block`."""
        a, b, t = self.rows.lower[rows], self.rows.upper[rows], self.rows.weight[rows][:, None]
        c, d, u = self.cols.lower[cols], self.cols.upper[cols], self.cols.weight[cols][:, None]
        one = np.float32(1)
        left = self.take(a, c) * (one - t) + self.take(b, c) * t
        right = self.take(a, d) * (one - t) + self.take(b, d) * t
        value: npt.NDArray[np.float32] = left * (one - u) + right * u
        return value


@dataclass(frozen=True)
class TokenGrid(Grid):
    """A regular grid of tokens in image orientation.

    Attributes
    ----------
    values
        (h, w, C), float16 or float32.
    rows, cols
        How the pixels of the image sample it.
    """

    values: npt.NDArray[np.floating]
    rows: Axis
    cols: Axis

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.values.shape[2])

    @property
    def nbytes(self) -> int:
        """Bytes of tokens and coordinates."""
        return self.values.nbytes + self.rows.nbytes + self.cols.nbytes

    def cropped(self) -> TokenGrid:
        """Drop tokens that no pixel refers to."""
        (top, bottom), (left, right) = self.rows.used(), self.cols.used()
        if (top, bottom, left, right) == (0, self.values.shape[0], 0, self.values.shape[1]):
            return self
        values = np.ascontiguousarray(self.values[top:bottom, left:right])
        return TokenGrid(values, self.rows.cropped(), self.cols.cropped())

    def tokens(self, rows: slice, cols: slice) -> npt.NDArray[np.floating]:
        """Return a part of the grid, (h, w, C)."""
        return self.values[rows, cols]

    def take(
        self, rows: npt.NDArray[np.int32], cols: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.float32]:
        """Return n tokens, (n, C) float32."""
        taken: npt.NDArray[np.float32] = self.values[rows, cols].astype(np.float32)
        return taken

    def project(self, weights: npt.NDArray[np.floating]) -> TokenGrid:
        """Return ``values @ weights``, float32, on the same grid."""
        return replace(self, values=project_values(self.values, weights))


def project_values(
    values: npt.NDArray[np.floating], weights: npt.NDArray[np.floating]
) -> npt.NDArray[np.float32]:
    """Return ``values @ weights`` in float32; (h, w, C) and (C, K) give (h, w, K)."""
    flat = values.reshape(-1, values.shape[2])
    out = np.empty((len(flat), weights.shape[1]), np.float32)
    for start in range(0, len(flat), _CHUNK):
        part = slice(start, start + _CHUNK)
        np.matmul(flat[part].astype(np.float32), weights, out=out[part])
    return out.reshape(*values.shape[:2], weights.shape[1])


@dataclass(frozen=True)
class LevelGrids:
    """Grids of the same channels; a pixel's value is the mean over the grids.

    `start` is the first of the field's features that the level adds to.
    """

    start: int
    grids: tuple[Grid, ...]

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.grids[0].channels


class TokenField:
    """The features of a plane, as grids of tokens: a `FeatureMap`.

    Every pixel is computed with the same arithmetic whatever the block, so blocks equal the whole
    plane bit for bit, and so does `at`.

    Parameters
    ----------
    levels
        Each adds its channels to the features from its `start` on: one after the other they
        concatenate levels; with equal starts they add up, as projections do.
    names
        One per feature.
    shape
        Height and width of the plane.
    """

    def __init__(
        self, levels: Sequence[LevelGrids], names: Sequence[str], shape: tuple[int, int]
    ) -> None:
        self.levels = tuple(levels)
        self._names = tuple(names)
        self._shape = shape

    @property
    def names(self) -> tuple[str, ...]:
        """The feature names."""
        return self._names

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self._shape

    @property
    def nbytes(self) -> int:
        """Bytes of all tokens."""
        return sum(grid.nbytes for level in self.levels for grid in level.grids)

    def block(self, rows: slice, cols: slice) -> npt.NDArray[np.float32]:
        """Return the features of a block, (F, h, w) float32."""
        top, bottom, _ = rows.indices(self._shape[0])
        left, right, _ = cols.indices(self._shape[1])
        height, width = max(bottom - top, 0), max(right - left, 0)
        out = np.empty((len(self._names), height, width), np.float32)
        self.fill(slice(top, bottom), slice(left, right), out)
        return out

    def fill(self, rows: slice, cols: slice, out: npt.NDArray[np.float32]) -> None:
        """Write what `block` returns into `out`, (F, h, w) float32."""
        top, bottom, _ = rows.indices(self._shape[0])
        left, right, _ = cols.indices(self._shape[1])

        def fill(band: tuple[int, int]) -> None:
            target = out[:, band[0] : band[1]]
            target[...] = 0
            self._fill(slice(top + band[0], top + band[1]), slice(left, right), target)

        if out.size:
            map_threads(fill, bands(bottom - top))

    def _fill(self, rows: slice, cols: slice, out: npt.NDArray[np.float32]) -> None:
        for level in self.levels:
            target = out[level.start : level.start + level.channels]
            if len(level.grids) == 1:
                level.grids[0].add_block(rows, cols, target)
                continue
            total = np.zeros(target.shape, np.float32)
            for grid in level.grids:
                grid.add_block(rows, cols, total)
            total /= np.float32(len(level.grids))
            target += total

    def at(
        self, rows: npt.NDArray[np.int64], cols: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return the features of n pixels, (n, F) float32, equal to `block`'s values."""
        rows, cols = np.asarray(rows, np.intp), np.asarray(cols, np.intp)
        out = np.zeros((len(rows), len(self._names)), np.float32)

        def fill(start: int) -> None:
            part = slice(start, start + _CHUNK)
            for level in self.levels:
                target = out[part, level.start : level.start + level.channels]
                total = level.grids[0].at(rows[part], cols[part])
                for grid in level.grids[1:]:
                    total += grid.at(rows[part], cols[part])
                if len(level.grids) > 1:
                    total /= np.float32(len(level.grids))
                target += total

        map_threads(fill, range(0, len(rows), _CHUNK))
        return out

    def project(self, weights: npt.NDArray[np.floating]) -> FeatureMap:
        """Return ``features @ weights``, computed on the tokens: interpolation is linear."""
        weights = np.ascontiguousarray(weights, np.float32)
        levels = [
            LevelGrids(
                0,
                tuple(
                    grid.project(weights[level.start : level.start + level.channels])
                    for grid in level.grids
                ),
            )
            for level in self.levels
        ]
        names = tuple(str(k) for k in range(weights.shape[1]))
        return TokenField(levels, names, self._shape)

    def bytes_per_pixel(self) -> int:
        """Memory of `block` for each pixel: the features, and the tokens as float32."""
        several = max((4 * g.channels for g in self.levels if len(g.grids) > 1), default=0)
        pixels = self._shape[0] * self._shape[1]
        tokens = max((2 * grid.nbytes for g in self.levels for grid in g.grids), default=0)
        return 4 * len(self._names) + several + -(-tokens // pixels)
