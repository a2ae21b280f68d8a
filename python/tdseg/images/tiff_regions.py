"""Parts of a TIFF's planes: only the tiles or strips that hold them are read and decoded."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from tdseg.errors import TdsegError

MOST_SEGMENT_BYTES = 64 * 2**20
"""A page whose strips or tiles are larger is not read by parts: each part would cost them all."""
_MOST_PAGES = 100_000
_JPEG = (6, 7, 34892, 33007)


@dataclass(frozen=True)
class _Page:
    """Where the segments of a page lie, and how they are decoded."""

    offsets: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    tables: dict[str, Any]


@dataclass(frozen=True)
class TilePlanes:
    """Planes of a compressed or tiled file, read by parts; the file must stay where it is.

    Attributes
    ----------
    path
        The file.
    pages
        Of the image, in order.
    places
        (T, Z, C): ``page * samples + sample``.
    samples
        Of a pixel.
    size
        Height and width.
    chunk
        Rows and columns of a tile or strip.
    separate
        Whether each sample has tiles of its own.
    dtype
        Of the decoded pixels.
    decode
        tifffile's, of these pages.
    bits
        Whether pixels are single bits.
    """

    path: Path
    pages: tuple[_Page, ...]
    places: npt.NDArray[np.int64]
    samples: int
    size: tuple[int, int]
    chunk: tuple[int, int]
    separate: bool
    dtype: np.dtype[Any]
    decode: Callable[..., Any]
    bits: bool

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Sizes (T, Z, C, Y, X)."""
        t, z, c = self.places.shape
        return t, z, c, *self.size

    def read_region(self, t: int, z: int, c: int, rows: slice, cols: slice) -> npt.NDArray[Any]:
        """Return rows and columns of a plane, as stored.

        Raises
        ------
        TdsegError
            If the file is gone, has become shorter, or a tile is damaged.
        """
        number, sample = divmod(int(self.places[t, z, c]), self.samples)
        page, (tall, wide) = self.pages[number], self.chunk
        across = -(-self.size[1] // wide)
        first = sample * across * -(-self.size[0] // tall) if self.separate else 0
        out = np.zeros((rows.stop - rows.start, cols.stop - cols.start), self.dtype)
        with self._opened() as stream:
            for i in range(rows.start // tall, -(-rows.stop // tall)):
                for j in range(cols.start // wide, -(-cols.stop // wide)):
                    tile = self._tile(stream, page, first + i * across + j)
                    if tile is None:
                        continue  # a sparse file: nothing was stored
                    tile = tile[..., 0 if self.separate else sample]
                    top, left = max(rows.start, i * tall), max(cols.start, j * wide)
                    bottom = min(rows.stop, i * tall + tile.shape[0])
                    right = min(cols.stop, j * wide + tile.shape[1])
                    part = tile[
                        top - i * tall : bottom - i * tall, left - j * wide : right - j * wide
                    ]
                    out[
                        top - rows.start : bottom - rows.start,
                        left - cols.start : right - cols.start,
                    ] = part
        return out.astype(np.bool_) if self.bits else out

    def _opened(self) -> Any:
        try:
            return self.path.open("rb")
        except OSError as error:
            raise TdsegError(
                f"File '{self.path}' can no longer be read ({error.strerror}); keep it in place "
                "until the work is done."
            ) from error

    def _tile(self, stream: Any, page: _Page, index: int) -> npt.NDArray[Any] | None:
        offset, count = int(page.offsets[index]), int(page.counts[index])
        if not offset or not count:
            return None
        stream.seek(offset)
        data = stream.read(count)
        if len(data) < count:
            raise TdsegError(f"File '{self.path}' became shorter while it was read; copy it again.")
        try:
            found = self.decode(data, index, **page.tables)[0]
        except Exception as error:  # decoders raise whatever a damaged tile provokes
            reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
            raise TdsegError(
                f"File '{self.path}' cannot be read: tile {index + 1} is damaged ({reason}); copy "
                "it again, or save it again where it was made."
            ) from error
        tile: npt.NDArray[Any] | None = None if found is None else np.asarray(found)[0]
        return tile


def tile_planes(
    path: Path,
    series: tifffile.TiffPageSeries,
    to_tzcyx: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int64]],
) -> TilePlanes | None:
    """Return what reads an image by tiles or strips; None where that is no less work.

    Parameters
    ----------
    path, series
        The open file, and the pages of the image.
    to_tzcyx
        Orders an array of the series' shape, Y and X of length 1, as (T, Z, C, 1, 1).
    """
    page = series.keyframe
    own = list(series.pages)
    if (
        page.dtype is None
        or series.transform is not None
        or page.imagedepth != 1
        or len(own) > _MOST_PAGES
        or any(one is None for one in own)
        or len(own) * page.size != series.size
    ):
        return None
    samples, separate = int(page.samplesperpixel), page.planarconfig == 2
    wide = int(page.tilewidth) if page.is_tiled else int(page.imagewidth)
    tall = int(page.tilelength) if page.is_tiled else int(page.rowsperstrip)
    size = (int(page.imagelength), int(page.imagewidth))
    tall = min(tall, size[0]) if not page.is_tiled else tall
    bytes_of_one = tall * wide * (1 if separate else samples) * page.dtype.itemsize
    if min(tall, wide) < 1 or bytes_of_one > MOST_SEGMENT_BYTES:
        return None
    wanted = math.prod(-(-n // step) for n, step in zip(size, (tall, wide), strict=True))
    wanted *= samples if separate else 1
    pages = []
    for one in own:
        assert one is not None
        offsets = np.array(one.dataoffsets, np.int64)
        counts = np.array(one.databytecounts, np.int64)
        if len(offsets) < wanted or len(counts) < wanted:
            return None
        tables = {}
        if page.compression in _JPEG:
            tables["jpegtables"] = getattr(one, "jpegtables", None) or page.jpegtables
            tables["jpegheader"] = page.jpegheader
        pages.append(_Page(offsets, counts, tables))
    inner = [1 if letter in "YX" else n for letter, n in zip(page.axes, page.shape, strict=True)]
    outer = [1 if a in "YX" else n for a, n in zip(series.axes, series.shape, strict=True)]
    if math.prod(inner) != samples:
        return None
    places = to_tzcyx(np.arange(len(own) * samples, dtype=np.int64).reshape(outer))[:, :, :, 0, 0]
    return TilePlanes(
        path,
        tuple(pages),
        places,
        samples,
        size,
        (tall, wide),
        separate,
        np.dtype(series.dtype).newbyteorder("="),
        page.decode,
        page.bitspersample == 1,
    )
