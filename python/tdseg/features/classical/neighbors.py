"""The eight neighbours of every pixel at several distances."""

from __future__ import annotations

import numpy as np

from tdseg.features.classical.tile import Tile

# TWS's order: columns outer, rows inner
DIRECTIONS = tuple((dy, dx) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if (dy, dx) != (0, 0))


def neighbor_names(distance: int) -> list[str]:
    """Return TWS's labels of the eight neighbours at `distance`."""
    return [f"Neighbors_{distance}_{k}" for k in range(len(DIRECTIONS))]


def _mirrored(start: int, count: int, shift: int, line: int, origin: int) -> np.ndarray:
    """Return tile indices of `count` shifted places, -1 where the mirror image ends too."""
    index = np.arange(start, start + count) + origin + shift
    index = np.where(index < 0, -index, index)
    index = np.where(index >= line, 2 * line - 2 - index, index)
    outside = (index < 0) | (index >= line)
    return np.where(outside, -1, index - origin)


def neighbors(tile: Tile, distance: int, out: np.ndarray) -> None:
    """Copy the eight neighbours at `distance` pixels.

    Outside the plane the image is mirrored without repeating the edge; what lies outside even of
    that is 0.

    Parameters
    ----------
    tile : Tile
    distance : int
        In pixels, along rows and columns.
    out : ndarray of float32, shape (8, h, w)
    """
    for k, (rows, columns) in enumerate(neighbor_gather(tile, distance)):
        _gather(tile.pixels, rows, columns, out[k])


def neighbor_gather(tile: Tile, distance: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return for every neighbour the tile's rows and columns to take; -1 stands for 0."""
    both = [
        {s: _mirrored(start, count, s * distance, line, origin) for s in (-1, 0, 1)}
        for start, count, line, origin in zip(
            (tile.top, tile.left),
            (tile.height, tile.width),
            tile.plane,
            tile.origin,
            strict=True,
        )
    ]
    return [(both[0][dy], both[1][dx]) for dy, dx in DIRECTIONS]


def _gather(pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray, out: np.ndarray) -> None:
    picked = np.take(pixels, np.maximum(columns, 0), axis=1)
    np.take(picked, np.maximum(rows, 0), axis=0, out=out, mode="clip")
    out[rows < 0] = 0
    out[:, columns < 0] = 0
