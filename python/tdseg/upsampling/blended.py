"""Tokens of overlapping windows as one grid: shares of the windows that hold a token add to one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tdseg.runtime.tiling import Windows
from tdseg.upsampling.lattices import find, union
from tdseg.upsampling.plan import AxisPlan, Plan
from tdseg.upsampling.shifts import EncodedPlane
from tdseg.upsampling.token_field import Axis, Grid

WindowIndex = tuple[int, int]


class WindowSource(Protocol):
    """Where the tokens of windows come from."""

    plan: Plan
    windows: Windows
    shape: tuple[int, int]
    channels: tuple[int, ...]

    def hold(self, wanted: Sequence[WindowIndex]) -> None:
        """Have these windows ready for `get`; others may go."""

    def get(self, window: WindowIndex) -> EncodedPlane:
        """Return the tokens of a window that is held."""


@dataclass(frozen=True)
class BlendedAxis:
    """The tokens of all windows along an axis.

    Attributes
    ----------
    positions
        Centres of the tokens.
    tokens
        For each window, where its tokens stand in `positions`.
    shares
        For each window, the share that it has in each of its tokens, float32; the shares of the
        windows in a token sum to one.
    """

    positions: npt.NDArray[np.float64]
    tokens: tuple[npt.NDArray[np.int64], ...]
    shares: tuple[npt.NDArray[np.float32], ...]

    @classmethod
    def of(
        cls, known: npt.NDArray[np.float64], window: int, plan: AxisPlan, windows: Windows
    ) -> BlendedAxis:
        """Build it from the centres of the tokens of one window: the others are moved copies."""
        every = [known + (start - plan.spans[window][0]) for start, _ in plan.spans]
        positions = union(every)
        index = [find(positions, places) for places in every]
        weights = [
            windows.weights(plan.spans, k, places + plan.base) for k, places in enumerate(every)
        ]
        total = np.zeros(len(positions), np.float32)
        for where, weight in zip(index, weights, strict=True):
            total[where] += weight
        shares = [w / total[where] for where, w in zip(index, weights, strict=True)]
        return cls(positions, tuple(index), tuple(shares))

    def holding(self, tokens: npt.NDArray[np.int32]) -> list[int]:
        """Return the windows that have some of these tokens."""
        return [k for k, own in enumerate(self.tokens) if _local(own, tokens)[0].any()]


def _local(
    own: npt.NDArray[np.int64], tokens: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Return which of the tokens a window has, and where it has them."""
    where = np.minimum(np.searchsorted(own, tokens), len(own) - 1)
    return own[where] == tokens, where


@dataclass(frozen=True)
class BlendedGrid(Grid):
    """One lattice of one level over all windows."""

    source: WindowSource
    level: int
    lattice: int
    row_blend: BlendedAxis
    col_blend: BlendedAxis
    rows: Axis = field(init=False)
    cols: Axis = field(init=False)

    def __post_init__(self) -> None:
        height, width = self.source.shape
        object.__setattr__(self, "rows", Axis.linear(self.row_blend.positions, height))
        object.__setattr__(self, "cols", Axis.linear(self.col_blend.positions, width))

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.source.channels[self.level]

    @property
    def nbytes(self) -> int:
        """Bytes that all tokens would take in half precision."""
        return 2 * len(self.row_blend.positions) * len(self.col_blend.positions) * self.channels

    def tokens(self, rows: slice, cols: slice) -> npt.NDArray[np.float32]:
        """Return a part of the grid, (h, w, C) float32."""
        out = np.zeros((rows.stop - rows.start, cols.stop - cols.start, self.channels), np.float32)
        for i, (own_rows, row_shares) in enumerate(self._parts(self.row_blend)):
            a, b = np.searchsorted(own_rows, (rows.start, rows.stop))
            if a == b:  # most windows of a large image
                continue
            for j, (own_cols, col_shares) in enumerate(self._parts(self.col_blend)):
                c, d = np.searchsorted(own_cols, (cols.start, cols.stop))
                if c == d:
                    continue
                share = row_shares[a:b, None] * col_shares[c:d]
                values = self._values(i, j)[a:b, c:d].astype(np.float32)
                target = np.ix_(own_rows[a:b] - rows.start, own_cols[c:d] - cols.start)
                out[target] += values * share[:, :, None]
        return out

    def take(
        self, rows: npt.NDArray[np.int32], cols: npt.NDArray[np.int32]
    ) -> npt.NDArray[np.float32]:
        """Return n tokens, (n, C) float32, with the arithmetic of `tokens`."""
        out = np.zeros((len(rows), self.channels), np.float32)
        col_parts = [_local(own, cols) for own in self.col_blend.tokens]
        for i, (own, row_shares) in enumerate(self._parts(self.row_blend)):
            in_rows, r = _local(own, rows)
            if not in_rows.any():
                continue
            for j, (in_cols, c) in enumerate(col_parts):
                both = np.flatnonzero(in_rows & in_cols)
                if len(both):
                    share = row_shares[r[both]] * self.col_blend.shares[j][c[both]]
                    values = self._values(i, j)[r[both], c[both]].astype(np.float32)
                    out[both] += values * share[:, None]
        return out

    def _parts(
        self, axis: BlendedAxis
    ) -> Iterable[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]]:
        return zip(axis.tokens, axis.shares, strict=True)

    def _values(self, i: int, j: int) -> npt.NDArray[np.floating]:
        return self.source.get((i, j)).levels[self.level][self.lattice].values
