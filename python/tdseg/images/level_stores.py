"""Large results on disk, block by block: each block is written once, whole, by whoever makes it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError
from tdseg.images.pyramid import level_sizes
from tdseg.images.zarr_arrays import make_array, open_to_write
from tdseg.runtime.files import exists, make_folder, write_file

_MOST_CHUNK = 512
EVERY = slice(None)


@dataclass(frozen=True)
class Layout:
    """What a result looks like, and how it is cut.

    Attributes
    ----------
    shape
        Sizes (T, Z, C, Y, X) of the full resolution.
    dtype
        Of its values.
    block
        Edge of a block, a multiple of 16; a block has all channels of a frame and slice.
    """

    shape: tuple[int, int, int, int, int]
    dtype: np.dtype[Any]
    block: int

    @cached_property
    def sizes(self) -> list[tuple[int, int]]:
        """Height and width of each level."""
        return level_sizes(*self.shape[3:])

    @property
    def chunk(self) -> int:
        """Edge of what is compressed together: the largest part of a block up to 512."""
        parts = (n for n in range(1, self.block // 16 + 1) if self.block % (16 * n) == 0)
        return next((self.block // n for n in parts if self.block // n <= _MOST_CHUNK), 16)

    def grid(self, level: int = 0) -> list[tuple[int, int, int, int]]:
        """Return the blocks (t, z, i, j) of a level, in order."""
        height, width = self.sizes[level]
        counts = (*self.shape[:2], -(-height // self.block), -(-width // self.block))
        return [(t, z, i, j) for t, z, i, j in np.ndindex(*counts)]

    def area(self, level: int, i: int, j: int) -> tuple[slice, slice]:
        """Return rows and columns of a block."""
        height, width = self.sizes[level]
        top, left = i * self.block, j * self.block
        return (
            slice(top, min(top + self.block, height)),
            slice(left, min(left + self.block, width)),
        )


class LevelStore(Protocol):
    """Where the levels of a result lie until it is complete."""

    @property
    def layout(self) -> Layout:
        """Shape and blocks."""

    def make(self, level: int) -> None:
        """Make room for a level, unless that was done."""

    def write(
        self, level: int, t: int, z: int, i: int, j: int, values: npt.NDArray[np.generic]
    ) -> None:
        """Write a block, (C, h, w); once more is the same."""

    def read(
        self,
        level: int,
        t: int,
        z: int,
        rows: slice,
        cols: slice,
        channels: slice = EVERY,
    ) -> npt.NDArray[np.generic]:
        """Return (C, h, w) of a level, of blocks that were written."""


@dataclass(frozen=True)
class FileBlocks:
    """A file a block, compressed; what tiled TIFFs are made from."""

    folder: Path
    layout: Layout

    def make(self, level: int) -> None:
        """Make the folder of a level."""
        make_folder(self.folder / str(level))

    def write(
        self, level: int, t: int, z: int, i: int, j: int, values: npt.NDArray[np.generic]
    ) -> None:
        """Write a block; it appears only when complete."""
        data = zlib.compress(np.ascontiguousarray(values, self.layout.dtype).tobytes(), 1)
        write_file(self._path(level, t, z, i, j), lambda part: part.write_bytes(data), "overwrite")

    def read(
        self,
        level: int,
        t: int,
        z: int,
        rows: slice,
        cols: slice,
        channels: slice = EVERY,
    ) -> npt.NDArray[np.generic]:
        """Return (C, h, w) of a level."""
        layout, edge = self.layout, self.layout.block
        count = layout.shape[2]
        wanted = len(range(count)[channels])
        out = np.empty((wanted, rows.stop - rows.start, cols.stop - cols.start), layout.dtype)
        for i in range(rows.start // edge, -(-rows.stop // edge)):
            for j in range(cols.start // edge, -(-cols.stop // edge)):
                down, across = layout.area(level, i, j)
                shape = (count, down.stop - down.start, across.stop - across.start)
                path = self._path(level, t, z, i, j)
                try:
                    data = zlib.decompress(path.read_bytes())
                    block = np.frombuffer(data, layout.dtype).reshape(shape)
                except (OSError, ValueError, zlib.error) as error:
                    raise TdsegError(
                        f"File '{path}' of an unfinished result cannot be read ({error}); delete "
                        f"'{self.folder.parent}' and start again."
                    ) from None
                y0, y1 = max(rows.start, down.start), min(rows.stop, down.stop)
                x0, x1 = max(cols.start, across.start), min(cols.stop, across.stop)
                part = block[channels, y0 - down.start : y1 - down.start]
                out[:, y0 - rows.start : y1 - rows.start, x0 - cols.start : x1 - cols.start] = part[
                    :, :, x0 - across.start : x1 - across.start
                ]
        return out

    def _path(self, level: int, t: int, z: int, i: int, j: int) -> Path:
        return self.folder / str(level) / f"{t}.{z}.{i}.{j}"


class ZarrLevels:
    """The arrays of an OME-Zarr; a block is a shard (0.5), or a whole number of chunks (0.4).

    Parameters
    ----------
    folder
        Of the group.
    layout
        Shape and blocks.
    axes
        Those of ``tczyx`` that are written; others have length 1.
    version
        "0.4" or "0.5".
    """

    def __init__(self, folder: Path, layout: Layout, axes: str, version: str) -> None:
        self.folder, self.layout, self.axes, self.version = folder, layout, axes, version
        self._open: dict[int, Any] = {}

    def make(self, level: int) -> None:
        """Make the array of a level, unless it is there."""
        where = self.folder / str(level)
        name = "zarr.json" if self.version == "0.5" else ".zarray"
        if exists(where / name):
            return
        t, z, c, _, _ = self.layout.shape
        height, width = self.layout.sizes[level]
        edge, chunk = self.layout.block, self.layout.chunk

        def by_axis(sizes: tuple[int, int, int, int, int]) -> list[int]:
            return [sizes["tczyx".index(axis)] for axis in self.axes]

        make_array(
            where,
            by_axis((t, c, z, height, width)),
            self.layout.dtype,
            by_axis((1, c, 1, edge, edge)),
            by_axis((1, 1, 1, chunk, chunk)),
            self.axes,
            self.version,
        )

    def write(
        self, level: int, t: int, z: int, i: int, j: int, values: npt.NDArray[np.generic]
    ) -> None:
        """Write a block."""
        rows, cols = self.layout.area(level, i, j)
        where = {"t": t, "z": z, "c": slice(None), "y": rows, "x": cols}
        block = values if "c" in self.axes else values[0]
        self._array(level)[tuple(where[axis] for axis in self.axes)] = block

    def read(
        self,
        level: int,
        t: int,
        z: int,
        rows: slice,
        cols: slice,
        channels: slice = EVERY,
    ) -> npt.NDArray[np.generic]:
        """Return (C, h, w) of a level."""
        where = {"t": t, "z": z, "c": channels, "y": rows, "x": cols}
        found = np.asarray(self._array(level)[tuple(where[axis] for axis in self.axes)])
        return found if "c" in self.axes else found[None]

    def _array(self, level: int) -> Any:
        if level not in self._open:
            self._open[level] = open_to_write(self.folder / str(level))
        return self._open[level]


def make_levels(store: LevelStore, halve: Any, check: Any = lambda: None) -> None:
    """Make all smaller levels, each from the one on disk before it.

    Parameters
    ----------
    store
        Its full resolution is complete.
    halve
        `tdseg.images.pyramid.halve_labels` or `halve_values`.
    check
        Called before each block; may raise to cancel.
    """
    layout = store.layout
    for level in range(1, len(layout.sizes)):
        store.make(level)
        height, width = layout.sizes[level - 1]
        for t, z, i, j in layout.grid(level):
            check()
            rows, cols = layout.area(level, i, j)
            above = store.read(
                level - 1,
                t,
                z,
                slice(2 * rows.start, min(2 * rows.stop, height)),
                slice(2 * cols.start, min(2 * cols.stop, width)),
            )
            store.write(level, t, z, i, j, halve(above))
