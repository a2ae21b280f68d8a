"""Adding up the tokens of copies on the lattices that they form."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.backbones.base import Level
from tdseg.upsampling.plan import Copy, Pass, Plan, token_positions

Key = tuple[tuple[float, ...], tuple[float, ...]]
Piece = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.floating]]


class LevelSums:
    """The tokens of one level in one window, averaged over the copies.

    Parameters
    ----------
    plan
        The copies.
    level
        Where its tokens lie.
    """

    def __init__(self, plan: Plan, level: Level) -> None:
        self._level = level
        self._keys = {copy: plan.lattice(level, copy) for copy in plan.copies}
        self._sums: dict[Key, _Lattice] = {}

    def add(self, item: Pass, tokens: npt.NDArray[np.float32]) -> None:
        """Add the tokens of a pass, (h, w, C) float32 in image orientation."""
        key = self._keys[item.copy]
        if key not in self._sums:
            mates = [copy for copy, k in self._keys.items() if k == key]
            axes = [self._places(item, copy, tokens.shape) for copy in mates]
            rows, cols = (union([places[axis] for places in axes]) for axis in (0, 1))
            self._sums[key] = _Lattice(rows, cols, tokens.shape[2])
        self._sums[key].add(self._places(item, item.copy, tokens.shape), tokens)

    def pieces(self, storage: np.dtype) -> list[Piece]:
        """Return centres of rows, centres of columns and tokens (h, w, C) of every lattice."""
        return [lattice.mean(storage) for lattice in self._sums.values()]

    def _places(
        self, item: Pass, copy: Copy, counts: tuple[int, ...]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        flips = copy.orientation.flip_rows, copy.orientation.flip_cols
        rows, cols = (
            token_positions(self._level, counts[axis], span, copy.pad[axis], flips[axis])
            for axis, span in enumerate((item.rows, item.cols))
        )
        return rows, cols


class _Lattice:
    """Sums of tokens at fixed places."""

    def __init__(
        self, rows: npt.NDArray[np.float64], cols: npt.NDArray[np.float64], channels: int
    ) -> None:
        self._rows, self._cols = rows, cols
        self._sum = np.zeros((len(rows), len(cols), channels), np.float32)
        self._count = np.zeros((len(rows), len(cols)), np.float32)

    def add(
        self,
        places: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
        tokens: npt.NDArray[np.float32],
    ) -> None:
        target: tuple[Any, ...] = (
            _evenly(find(self._rows, places[0])),
            _evenly(find(self._cols, places[1])),
        )
        if not all(isinstance(index, slice) for index in target):
            target = np.ix_(find(self._rows, places[0]), find(self._cols, places[1]))
        self._sum[target] += tokens
        self._count[target] += 1

    def mean(self, storage: np.dtype) -> Piece:
        rows, cols = _covered(self._count)
        values = self._sum[rows, cols]
        values /= self._count[rows, cols, None]
        # Half precision ends at 65504; a network with larger tokens keeps single precision.
        if storage == np.float16 and np.abs(values).max(initial=0) > 6e4:
            storage = np.dtype(np.float32)
        return self._rows[rows], self._cols[cols], np.ascontiguousarray(values.astype(storage))


def union(parts: list[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Return all places once, increasing; those nearer than a thousandth are the same."""
    every: npt.NDArray[np.float64] = np.sort(np.concatenate(parts))
    first: npt.NDArray[np.bool_] = np.concatenate([[True], np.diff(every) > 1e-3])
    return np.asarray(every[first])


def find(
    lattice: npt.NDArray[np.float64], places: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """Return where `places` stand in a lattice that has them."""
    return np.searchsorted(lattice, places - 1e-3)


def _evenly(index: npt.NDArray[np.int64]) -> slice | npt.NDArray[np.int64]:
    """Return a slice where the indices are evenly spaced: adding is faster then."""
    steps = np.unique(np.diff(index))
    if len(steps) > 1:
        return index
    return slice(int(index[0]), int(index[-1]) + 1, int(steps[0]) if len(steps) else 1)


def _covered(count: npt.NDArray[np.float32]) -> tuple[slice, slice]:
    """Return the largest centred part without empty places: copies end at different tokens."""
    top, bottom, left, right = 0, count.shape[0], 0, count.shape[1]
    while (empty := count[top:bottom, left:right] == 0).any():
        shares = {
            "top": empty[0].mean(),
            "bottom": empty[-1].mean(),
            "left": empty[:, 0].mean(),
            "right": empty[:, -1].mean(),
        }
        worst = max(shares, key=lambda side: shares[side])
        top += worst == "top"
        bottom -= worst == "bottom"
        left += worst == "left"
        right -= worst == "right"
    return slice(top, bottom), slice(left, right)
