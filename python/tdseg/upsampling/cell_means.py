"""Means of a network's values over the cells of tokens, in one walk over the plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from tdseg.runtime.progress import Progress
from tdseg.runtime.threads import map_threads, thread_count
from tdseg.runtime.tiling import runs
from tdseg.upsampling.attention_kernels import add_to_cells
from tdseg.upsampling.guide_network import Plane, Region
from tdseg.upsampling.token_windows import TokenCells

Floats = npt.NDArray[np.float32]
Values = Callable[[slice, slice], Floats]
"""Computes values (h, w, D) of a region of the plane."""


def cell_means(
    values: Values,
    plane: Plane,
    grids: Sequence[tuple[TokenCells, TokenCells]],
    progress: Progress,
    hear: Callable[[Region, Floats], object] = lambda region, found: None,
) -> list[Floats]:
    """Return the means (R, C, D) over the cells of some grids of tokens.

    Parameters
    ----------
    values
        Computes what is averaged.
    plane
        Gives tiles.
    grids
        Rows and columns of each grid.
    progress
        Told of every tile; it may raise to cancel.
    hear
        Is given every tile.
    """
    tiles, sums = list(plane.tiles()), list[Floats]()
    for start, stop in runs(0, len(tiles), thread_count()):
        progress.update(start / len(tiles), "upsampling")
        part = tiles[start:stop]
        for region, found in zip(part, map_threads(lambda r: values(*r), part), strict=True):
            sums = sums or [
                np.zeros((len(rows.start), len(cols.start), found.shape[2]), np.float32)
                for rows, cols in grids
            ]
            for (rows, cols), total in zip(grids, sums, strict=True):
                every = slice(0, len(rows.start)), slice(0, len(cols.start))
                place = region[0].start + plane.top, region[1].start + plane.left
                add_region(found, place, rows, cols, every, total)
            hear(region, found)
    return sums


def add_region(
    values: Floats,
    place: tuple[int, int],
    rows: TokenCells,
    cols: TokenCells,
    tokens: Region,
    sums: Floats,
) -> None:
    """Add what a region gives to the means of some tokens.

    Parameters
    ----------
    values
        (h, w, D) of the region.
    place
        The pixel of the image at which it starts.
    rows, cols
        A grid of tokens.
    tokens
        Those of the grid that `sums` is of.
    sums
        (r, c, D).
    """
    parts, limits = [], []
    for axis, span, first, length in zip(
        (rows, cols), tokens, place, values.shape[:2], strict=True
    ):
        start, stop = axis.start[span], axis.stop[span]
        low = int(np.searchsorted(stop, first, "right"))
        high = max(int(np.searchsorted(start, first + length, "left")), low)
        parts.append(slice(low, high))
        limits += [start[low:high], stop[low:high]]
    add_to_cells(values, *place, *limits, sums[parts[0], parts[1]])
