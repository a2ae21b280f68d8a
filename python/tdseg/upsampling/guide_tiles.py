"""Queries of pixels and keys of tokens: tiles that are computed when asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tdseg.runtime.progress import Progress
from tdseg.upsampling.cell_means import Values, add_region, cell_means
from tdseg.upsampling.guide_network import TILE, Plane, Region
from tdseg.upsampling.token_windows import TokenWindows

Floats = npt.NDArray[np.float32]

_HELD_BYTES = 128 * 1024**2  # of keys of a fine level that are held
_COARSE = 8  # spacing from which keys are few beside the pixels, in pixels


@dataclass(frozen=True)
class KeyLevel:
    """A grid of tokens as pixels see it.

    Attributes
    ----------
    rows, cols
        Its tokens, and what pixels see of them.
    keys
        (R, C, D); None: each token's is the mean of the queries in its cell.
    """

    rows: TokenWindows
    cols: TokenWindows
    keys: Floats | None = None


@dataclass(frozen=True)
class Tile:
    """Queries (h, w, D) of a tile, and the keys of every level with the place of the first."""

    top: int
    left: int
    queries: Floats
    keys: tuple[tuple[Floats, int, int], ...]

    @property
    def nbytes(self) -> int:
        """Bytes of the queries."""
        return self.queries.nbytes


class Guide:
    """Queries of pixels and keys of tokens, tile by tile.

    Parameters
    ----------
    queries
        Computes those of a region of the plane, (h, w, D).
    plane
        The continued image.
    levels
        Grids of tokens. Keys of fine grids that are means of queries are too many to hold; they are
        computed with each tile.
    keep_bytes
        Bound of the tiles that are kept.
    progress
        Told of every tile while keys are computed; it may raise to cancel.
    """

    def __init__(
        self,
        queries: Values,
        plane: Plane,
        levels: Sequence[KeyLevel],
        keep_bytes: int,
        progress: Progress,
    ) -> None:
        self._queries, self._plane, self.levels = queries, plane, tuple(levels)
        self.shape = plane.picture.shape
        self._limit = keep_bytes
        self._tiles: OrderedDict[tuple[int, int], Tile] = OrderedDict()
        self._lock = threading.Lock()
        self._held = self._whole_keys(progress)

    def cells(self, pixels: npt.NDArray[np.signedinteger], axis: int) -> npt.NDArray[np.int64]:
        """Return the number of the tile that each row (axis 0) or column (1) lies in."""
        numbers: npt.NDArray[np.int64] = (
            pixels - (self._plane.top, self._plane.left)[axis]
        ) // TILE
        return numbers

    def tile(self, row: int, col: int) -> Tile:
        """Return a tile, computed or kept."""
        with self._lock:
            if (row, col) in self._tiles:
                self._tiles.move_to_end((row, col))
                return self._tiles[row, col]
        tile = self._make(row, col)
        self._keep((row, col), tile)
        return tile

    def _keep(self, place: tuple[int, int], tile: Tile) -> None:
        with self._lock:
            self._tiles[place] = tile
            total = sum(t.nbytes for t in self._tiles.values())
            while total > self._limit and len(self._tiles) > 1:
                total -= self._tiles.popitem(last=False)[1].nbytes

    def _region(self, row: int, col: int) -> Region:
        """Return the part of the plane that a tile covers."""
        height, width = self._plane.shape
        return (
            slice(row * TILE, min((row + 1) * TILE, height)),
            slice(col * TILE, min((col + 1) * TILE, width)),
        )

    def _whole_keys(self, progress: Progress) -> list[Floats | None]:
        """Compute the keys that are held, and keep tiles that are there already."""
        found: list[Floats | None] = [level.keys for level in self.levels]
        missing = [k for k, level in enumerate(self.levels) if self._holds(level)]
        if not missing:
            return found
        fine = any(level.keys is None and not self._holds(level) for level in self.levels)
        kept: list[tuple[Region, Floats]] = []

        def hear(region: Region, queries: Floats) -> None:
            if not fine and (len(kept) + 1) * queries.nbytes <= self._limit:
                kept.append((region, queries))

        grids = [(self.levels[k].rows.cells, self.levels[k].cols.cells) for k in missing]
        means = cell_means(self._queries, self._plane, grids, progress, hear)
        for k, keys in zip(missing, means, strict=True):
            found[k] = keys
        self._held = found
        for (rows, cols), queries in kept:
            tile = self._tile_of(rows, cols, queries, rows.start, cols.start)
            self._keep((rows.start // TILE, cols.start // TILE), tile)
        return found

    def _holds(self, level: KeyLevel) -> bool:
        """Whether the keys of a level are computed at once and held."""
        if level.keys is not None:
            return False
        rows, cols = level.rows.cells, level.cols.cells
        many = len(rows.start) * len(cols.start) * 1024 > _HELD_BYTES
        return min(rows.spacing, cols.spacing) >= _COARSE or not many

    def _make(self, row: int, col: int) -> Tile:
        """Compute a tile, in a region that holds the cells of the fine levels it sees."""
        rows, cols = self._region(row, col)
        edges = [rows.start, rows.stop, cols.start, cols.stop]
        for level, held in zip(self.levels, self._held, strict=True):
            if held is None:
                (top, bottom), (left, right) = self._touched(level, rows, cols)
                edges = [
                    min(edges[0], top), max(edges[1], bottom),
                    min(edges[2], left), max(edges[3], right),
                ]  # fmt: skip
        queries = self._queries(slice(edges[0], edges[1]), slice(edges[2], edges[3]))
        return self._tile_of(rows, cols, queries, edges[0], edges[2])

    def _seen(self, level: KeyLevel, rows: slice, cols: slice) -> Region:
        """Return the tokens that the image's pixels in a region of the plane see."""
        found = []
        for axis, part, start, length in (
            (level.rows, rows, self._plane.top, self.shape[0]),
            (level.cols, cols, self._plane.left, self.shape[1]),
        ):
            first = min(max(part.start + start, 0), length - 1)
            last = min(max(part.stop + start, first + 1), length)
            found.append(axis.span(slice(first, last)))
        return found[0], found[1]

    def _touched(
        self, level: KeyLevel, rows: slice, cols: slice
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the pixels of the plane that those tokens' cells touch."""
        seen = self._seen(level, rows, cols)
        found = []
        for axis, tokens, start in (
            (level.rows, seen[0], self._plane.top),
            (level.cols, seen[1], self._plane.left),
        ):
            low, high = axis.touched(tokens)
            found.append((low - start, high - start))
        return found[0], found[1]

    def _tile_of(self, rows: slice, cols: slice, queries: Floats, top: int, left: int) -> Tile:
        """Cut a tile out of a region's queries that starts at (top, left)."""
        keys: list[tuple[Floats, int, int]] = []
        for level, held in zip(self.levels, self._held, strict=True):
            if held is not None:
                keys.append((held, 0, 0))
                continue
            seen = self._seen(level, rows, cols)
            size = seen[0].stop - seen[0].start, seen[1].stop - seen[1].start
            sums = np.zeros((*size, queries.shape[2]), np.float32)
            place = top + self._plane.top, left + self._plane.left
            add_region(queries, place, level.rows.cells, level.cols.cells, seen, sums)
            keys.append((sums, seen[0].start, seen[1].start))
        part = queries[rows.start - top : rows.stop - top, cols.start - left : cols.stop - left]
        place = rows.start + self._plane.top, cols.start + self._plane.left
        return Tile(*place, np.ascontiguousarray(part), tuple(keys))
