"""Features of pixels that attend to the tokens around them: a `FeatureMap`.

What a pixel looks for (its query) and what a token offers (its key) come from a network that sees
the image; their likeness says how much of each token the pixel takes. Given queries and keys all is
linear in the tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from tdseg.runtime.feature_map import FeatureMap
from tdseg.runtime.threads import map_threads, thread_count
from tdseg.runtime.tiling import runs
from tdseg.upsampling.attention_kernels import attend
from tdseg.upsampling.guide_tiles import Guide, Tile
from tdseg.upsampling.token_field import project_values

Floats = npt.NDArray[np.float32]

_POINTS = 2048  # pixels that a thread works on at a time


class AttentionField:
    """The features of a plane by attention.

    Parameters
    ----------
    guide
        Queries and keys.
    tokens
        For each level (R, C, G, F) float32; G is the number of heads, or 1, which takes their mean
        weights.
    joined
        Whether the results of heads and levels are added up, or stand one after the other.
    heads
        Number of heads.
    names
        One per feature.
    """

    def __init__(
        self,
        guide: Guide,
        tokens: Sequence[Floats],
        joined: bool,
        heads: int,
        names: Sequence[str],
    ) -> None:
        self._guide, self._tokens, self._joined = guide, tuple(tokens), joined
        self._heads, self._names = heads, tuple(names)

    @property
    def names(self) -> tuple[str, ...]:
        """The feature names."""
        return self._names

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self._guide.shape

    def block(self, rows: slice, cols: slice) -> Floats:
        """Return the features of a block, (F, h, w) float32."""
        top, bottom, _ = rows.indices(self.shape[0])
        left, right, _ = cols.indices(self.shape[1])
        height, width = max(bottom - top, 0), max(right - left, 0)
        out = np.empty((len(self._names), height, width), np.float32)
        if not out.size:
            return out
        y_cells = self._guide.cells(np.arange(top, bottom), 0)
        x_cells = self._guide.cells(np.arange(left, right), 1)
        places = [(int(r), int(c)) for r in np.unique(y_cells) for c in np.unique(x_cells)]
        for place, tile in self._tiles(places):
            y = top + np.flatnonzero(y_cells == place[0])
            x = left + np.flatnonzero(x_cells == place[1])
            target = out[:, y[0] - top : y[-1] + 1 - top, x[0] - left : x[-1] + 1 - left]

            def fill(
                part: tuple[int, int],
                tile: Tile = tile,
                y: npt.NDArray[np.int64] = y,
                x: npt.NDArray[np.int64] = x,
                target: Floats = target,
            ) -> None:
                own = y[part[0] : part[1]]
                found = self._points(tile, np.repeat(own, len(x)), np.tile(x, len(own)))
                target[:, part[0] : part[1]] = found.T.reshape(-1, len(own), len(x))

            map_threads(fill, runs(0, len(y), max(_POINTS // len(x), 1)))
        return out

    def _tiles(self, places: Sequence[tuple[int, int]]) -> Iterator[tuple[tuple[int, int], Tile]]:
        """Yield tiles, as many at a time as there are threads."""
        for start, stop in runs(0, len(places), thread_count()):
            part = places[start:stop]
            yield from zip(part, map_threads(lambda p: self._guide.tile(*p), part), strict=True)

    def at(
        self, rows: npt.NDArray[np.signedinteger], cols: npt.NDArray[np.signedinteger]
    ) -> Floats:
        """Return the features of n pixels, (n, F) float32, equal to `block`'s values."""
        rows, cols = np.asarray(rows, np.int64), np.asarray(cols, np.int64)
        out = np.empty((len(rows), len(self._names)), np.float32)
        cells = np.stack([self._guide.cells(rows, 0), self._guide.cells(cols, 1)], axis=1)
        places = [(int(row), int(col)) for row, col in np.unique(cells, axis=0)]
        for place, tile in self._tiles(places):
            inside = np.flatnonzero((cells[:, 0] == place[0]) & (cells[:, 1] == place[1]))
            # Pixels that see the same tokens, one after the other.
            inside = inside[np.lexsort((cols[inside], rows[inside]))]

            def fill(
                part: tuple[int, int], tile: Tile = tile, inside: npt.NDArray[np.int64] = inside
            ) -> None:
                own = inside[part[0] : part[1]]
                out[own] = self._points(tile, rows[own], cols[own])

            map_threads(fill, runs(0, len(inside), _POINTS))
        return out

    def project(self, weights: npt.NDArray[np.floating]) -> FeatureMap:
        """Return ``features @ weights``, computed on the tokens: each head takes its own rows."""
        weights = np.ascontiguousarray(weights, np.float32)
        projected, first = [], 0
        for tokens in self._tokens:
            groups, own = tokens.shape[2:]
            parts = []
            for g in range(groups):
                start = 0 if self._joined else first + g * own
                values = np.ascontiguousarray(tokens[:, :, g])
                parts.append(project_values(values, weights[start : start + own]))
            projected.append(np.stack(parts, axis=2))
            first += groups * own
        names = [str(k) for k in range(weights.shape[1])]
        return AttentionField(self._guide, projected, True, self._heads, names)

    def bytes_per_pixel(self) -> int:
        """Memory of `block` for each pixel; that of tiles is bounded beside it."""
        return 8 * len(self._names)

    def _points(
        self, tile: Tile, rows: npt.NDArray[np.int64], cols: npt.NDArray[np.int64]
    ) -> Floats:
        """Return the features (n, F) of pixels of one tile."""
        queries = np.ascontiguousarray(tile.queries[rows - tile.top, cols - tile.left])
        scale = (queries.shape[1] / self._heads) ** -0.5
        out = np.zeros((len(rows), len(self._names)), np.float32)
        first = 0
        for level, tokens, (keys, top, left) in zip(
            self._guide.levels, self._tokens, tile.keys, strict=True
        ):
            count = tokens.shape[3] * (1 if self._joined else tokens.shape[2])
            found = np.zeros((len(rows), count), np.float32)
            attend(
                queries, level.rows.lower[rows], level.rows.upper[rows],
                level.cols.lower[cols], level.cols.upper[cols], keys, top, left,
                self._heads, scale, tokens, self._joined, found,
            )  # fmt: skip
            start = 0 if self._joined else first
            out[:, start : start + count] += found
            first += count
        return out
