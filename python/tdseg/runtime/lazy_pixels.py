"""Planes too large to hold: rectangles are read when asked for, and facts of the whole kept."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.runtime.cancelling import check
from tdseg.runtime.tiling import runs

KEEP_BYTES = 96 * 1024**2
"""Decoded pieces that are kept, so that filters of one block do not decode them again."""
STRIP_BYTES = 32 * 1024**2
"""About how much of a plane one step of a pass over the whole takes."""
_LEAST_SIDE = 256

Read = Callable[[slice, slice], npt.NDArray[np.number]]


class LazyPixels:
    """The pixels of a plane, (Y, X, C), read by rectangles; a little like an array.

    Rows and columns can be sliced and indexed as those of an array; what is returned is one.
    Values never depend on the rectangles that are asked for.

    Parameters
    ----------
    shape
        Height, width, channels.
    dtype
        Of the pixels.
    read
        Returns (h, w, C) pixels of rows and columns within the plane.
    chunk
        Rows and columns that cost as much to read as one of their pixels does.
    facts
        What is known of the whole plane, by name, from an earlier look; it is added to.
    keep_bytes
        Of decoded pieces that are kept.
    """

    ndim = 3

    def __init__(
        self,
        shape: tuple[int, int, int],
        dtype: np.dtype[Any],
        read: Read,
        chunk: tuple[int, int] = (_LEAST_SIDE, _LEAST_SIDE),
        facts: dict[str, npt.NDArray[np.float64]] | None = None,
        keep_bytes: int = KEEP_BYTES,
    ) -> None:
        self.shape, self.dtype = shape, dtype
        self.facts: dict[str, npt.NDArray[np.float64]] = {} if facts is None else facts
        self._read, self._limit = read, keep_bytes
        tall, wide = (step * -(-_LEAST_SIDE // step) for step in chunk)
        self._piece = min(tall, shape[0]), min(wide, shape[1])
        self._pieces: OrderedDict[tuple[int, int], npt.NDArray[np.number]] = OrderedDict()
        self._held = 0
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes of all pixels."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Read all of it: who calls this has asked whether it fits."""
        whole = self._read(slice(0, self.shape[0]), slice(0, self.shape[1]))
        return np.asarray(whole, dtype)

    def __getitem__(self, index: Any) -> npt.NDArray[Any]:
        """Return the pixels of rows, columns and perhaps channels, as NumPy indexes an array."""
        index = index if isinstance(index, tuple) else (index,)
        rows, cols = (*index, slice(None))[:2] if len(index) < 2 else index[:2]
        rest = index[2:]
        if isinstance(rows, np.ndarray) and isinstance(cols, np.ndarray):
            if rows.ndim == cols.ndim == 1:
                found = self._points(rows.astype(np.int64), cols.astype(np.int64))
                chosen: npt.NDArray[Any] = found[(slice(None), *rest)]
                return chosen
            if not rows.size or not cols.size:
                rows, cols = np.broadcast_arrays(rows, cols)
                return np.zeros((*rows.shape, self.shape[2]), self.dtype)[
                    (slice(None), slice(None), *rest)
                ]
            top, bottom = int(rows.min()), int(rows.max()) + 1
            left, right = int(cols.min()), int(cols.max()) + 1
            part = self.rectangle(top, bottom, left, right)
            chosen = part[(rows - top, cols - left, *rest)]
            return chosen
        (top, bottom, down), (left, right, across) = (
            part.indices(length) for part, length in zip((rows, cols), self.shape, strict=False)
        )
        part = self.rectangle(top, max(top, bottom), left, max(left, right))
        chosen = part[(slice(None, None, down), slice(None, None, across), *rest)]
        return chosen

    def channel(self, number: int) -> LazyChannel:
        """Return one channel, (Y, X)."""
        return LazyChannel(self, number)

    def some(self, first: int, stop: int) -> LazyPixels:
        """Return channels first to stop of the same plane; pieces are kept once, here."""

        def read(rows: slice, cols: slice) -> npt.NDArray[Any]:
            return self[rows, cols, first:stop]

        shape = (*self.shape[:2], stop - first)
        return LazyPixels(shape, self.dtype, read, self._piece, {}, keep_bytes=0)

    def rectangle(self, top: int, bottom: int, left: int, right: int) -> npt.NDArray[Any]:
        """Return the pixels of rows top to bottom and columns left to right."""
        out = np.empty((bottom - top, right - left, self.shape[2]), self.dtype)
        if not out.size:
            return out
        tall, wide = self._piece
        for i in range(top // tall, -(-bottom // tall)):
            for j in range(left // wide, -(-right // wide)):
                y, x = i * tall, j * wide
                piece = self._kept(i, j)
                y0, y1 = max(top, y), min(bottom, y + tall)
                x0, x1 = max(left, x), min(right, x + wide)
                out[y0 - top : y1 - top, x0 - left : x1 - left] = piece[
                    y0 - y : y1 - y, x0 - x : x1 - x
                ]
        return out

    def strips(self) -> Iterator[npt.NDArray[Any]]:
        """Read the plane from top to bottom, full rows at a time, (h, X, C); nothing is kept."""
        row = max(1, self.shape[1] * self.shape[2] * self.dtype.itemsize)
        tall = self._piece[0] * max(1, STRIP_BYTES // (row * self._piece[0]))
        for top in range(0, self.shape[0], tall):
            check()
            yield self._read(slice(top, min(top + tall, self.shape[0])), slice(0, self.shape[1]))

    def statistics(self) -> dict[str, npt.NDArray[np.float64]]:
        """Return ``minimum``, ``maximum``, ``mean`` and ``not finite`` (how many), (C,) each."""
        with self._lock:
            if "mean" not in self.facts:
                self.facts.update(self._look())
            return self.facts

    def _look(self) -> dict[str, npt.NDArray[np.float64]]:
        count = self.shape[2]
        lows, highs = np.full(count, np.inf), np.full(count, -np.inf)
        bad = np.zeros(count)
        sums: list[list[float]] = [[] for _ in range(count)]
        for strip in self.strips():
            if strip.dtype.kind == "f":
                bad += (~np.isfinite(strip)).sum(axis=(0, 1))
            lows = np.minimum(lows, strip.min(axis=(0, 1)))
            highs = np.maximum(highs, strip.max(axis=(0, 1)))
            for c in range(count):
                sums[c] += row_sums(strip[:, :, c])
        pixels = self.shape[0] * self.shape[1]
        with np.errstate(invalid="ignore"):
            means = np.array([_total(rows) / pixels for rows in sums])
        return {"minimum": lows, "maximum": highs, "mean": means, "not finite": bad}

    def _points(self, rows: npt.NDArray[np.int64], cols: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        out = np.empty((len(rows), self.shape[2]), self.dtype)
        tall, wide = self._piece
        cells = (rows // tall) * (self.shape[1] // wide + 1) + cols // wide
        for cell in np.unique(cells):
            inside = np.flatnonzero(cells == cell)
            y, x = rows[inside], cols[inside]
            piece = self._kept(int(y[0] // tall), int(x[0] // wide))
            out[inside] = piece[y % tall, x % wide]
        return out

    def _kept(self, i: int, j: int) -> npt.NDArray[Any]:
        with self._lock:
            found = self._pieces.get((i, j))
            if found is None:
                (tall, wide), (height, width) = self._piece, self.shape[:2]
                rows = slice(i * tall, min((i + 1) * tall, height))
                cols = slice(j * wide, min((j + 1) * wide, width))
                found = self._pieces[i, j] = self._read(rows, cols)
                self._held += found.nbytes
                while self._held > self._limit and len(self._pieces) > 1:
                    _, gone = self._pieces.popitem(last=False)
                    self._held -= gone.nbytes
            self._pieces.move_to_end((i, j))
            return found


class LazyChannel:
    """One channel of lazily read pixels, (Y, X)."""

    ndim = 2

    def __init__(self, pixels: LazyPixels, number: int) -> None:
        self.pixels, self.number = pixels, number
        self.shape = pixels.shape[:2]
        self.dtype = pixels.dtype

    def __getitem__(self, index: Any) -> npt.NDArray[Any]:
        """Return the pixels of rows and columns."""
        return self.pixels[(*index, self.number)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Read all of it."""
        return np.asarray(np.asarray(self.pixels)[:, :, self.number], dtype)

    def fact(self, name: str) -> float:
        """Return one number of the statistics of this channel."""
        return float(self.pixels.statistics()[name][self.number])

    def known(
        self, name: str, find: Callable[[], npt.NDArray[np.float64]]
    ) -> npt.NDArray[np.float64]:
        """Return a fact of the whole channel, found when it is first asked for."""
        facts, key = self.pixels.facts, f"{name} {self.number}"
        if key not in facts:
            facts[key] = find()
        return facts[key]


Pixels = npt.NDArray[Any] | LazyPixels
"""(Y, X, C) pixels, held or read on demand."""
Channel = npt.NDArray[Any] | LazyChannel
"""(Y, X) pixels of one channel."""


def channel_of(pixels: Pixels, number: int) -> Channel:
    """Return one channel of a plane, (Y, X)."""
    if isinstance(pixels, LazyPixels):
        return pixels.channel(number)
    channel: npt.NDArray[Any] = pixels[:, :, number]
    return channel


def extremes(channel: Channel) -> tuple[float, float]:
    """Return the smallest and the largest value of a channel."""
    if isinstance(channel, LazyChannel):
        return channel.fact("minimum"), channel.fact("maximum")
    return float(channel.min()), float(channel.max())


def mean(channel: Channel) -> float:
    """Return the mean of a channel; how it is read does not change it."""
    if isinstance(channel, LazyChannel):
        return channel.fact("mean")
    height, width = channel.shape
    sums = [
        total
        for top, bottom in runs(0, height, max(1, STRIP_BYTES // (8 * width)))
        for total in row_sums(channel[top:bottom])
    ]
    return _total(sums) / float(height * width)


def row_sums(rows: npt.NDArray[Any]) -> list[float]:
    """Sum each row in double; added by `math.fsum`, rows in any order give the same total."""
    found: list[float] = np.ascontiguousarray(rows, np.float64).sum(axis=1).tolist()
    return found


def _total(sums: list[float]) -> float:
    try:
        return float(math.fsum(sums))
    except (OverflowError, ValueError):  # infinities of both signs; refused by who asks
        return math.nan
