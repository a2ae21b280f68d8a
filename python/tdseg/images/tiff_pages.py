"""The planes of a TIFF: which pages form the image, whether all are there, how they are read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import tifffile

from tdseg.errors import TdsegError


@dataclass
class Pages:
    """The image of a TIFF that is read.

    Attributes
    ----------
    series
        Its pages in order, with shape, axes and type.
    notes
        A sentence for each thing in the file that is not read.
    """

    series: tifffile.TiffPageSeries
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FilePlanes:
    """Planes of an uncompressed file, each read when asked for; the file must stay where it is.

    Reading with seek and read, not through a memory map: a file that shrinks meanwhile would end
    the process.

    Attributes
    ----------
    path
        The file.
    offsets
        Where the first pixel of each plane is, in bytes, (T, Z, C).
    size
        Height and width.
    dtype
        Type in the file, with its byte order.
    step
        Items from a pixel to the next: the samples of an interleaved pixel, else 1.
    """

    path: Path
    offsets: npt.NDArray[np.int64]
    size: tuple[int, int]
    dtype: np.dtype[Any]
    step: int

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Sizes (T, Z, C, Y, X)."""
        t, z, c = self.offsets.shape
        return t, z, c, *self.size

    def read(self, t: int, z: int, c: int) -> npt.NDArray[Any]:
        """Return one (Y, X) plane, as stored.

        Raises
        ------
        TdsegError
            If the file is gone or has become shorter.
        """
        count = (math.prod(self.size) - 1) * self.step + 1
        wanted = count * self.dtype.itemsize
        try:
            with self.path.open("rb") as stream:
                stream.seek(int(self.offsets[t, z, c]))
                data = stream.read(wanted)
        except OSError as error:
            raise TdsegError(
                f"File '{self.path}' can no longer be read ({error.strerror}); keep it in place "
                "until the work is done."
            ) from error
        if len(data) < wanted:
            raise TdsegError(f"File '{self.path}' became shorter while it was read; copy it again.")
        return np.frombuffer(data, self.dtype)[:: self.step].reshape(self.size)

    @property
    def chunk(self) -> tuple[int, int]:
        """Single pixels can be read."""
        return 1, 1

    def read_region(self, t: int, z: int, c: int, rows: slice, cols: slice) -> npt.NDArray[Any]:
        """Return rows and columns of a plane, as stored; raises as `read`."""
        height, width = rows.stop - rows.start, cols.stop - cols.start
        out = np.empty((height, width), self.dtype)
        pixel = self.dtype.itemsize * self.step
        wanted = ((width - 1) * self.step + 1) * self.dtype.itemsize
        start = int(self.offsets[t, z, c]) + cols.start * pixel
        try:
            with self.path.open("rb") as stream:
                for y in range(height):
                    stream.seek(start + (rows.start + y) * self.size[1] * pixel)
                    data = stream.read(wanted)
                    if len(data) < wanted:
                        raise TdsegError(
                            f"File '{self.path}' became shorter while it was read; copy it again."
                        )
                    out[y] = np.frombuffer(data, self.dtype)[:: self.step]
        except OSError as error:
            raise TdsegError(
                f"File '{self.path}' can no longer be read ({error.strerror}); keep it in place "
                "until the work is done."
            ) from error
        return out


def open_tiff(path: Path, **kinds: Any) -> tifffile.TiffFile:
    """Open a TIFF; `kinds` such as ``is_ome=False`` say what not to take it for."""
    return tifffile.TiffFile(path, **kinds)


def is_part_of_a_set(tif: tifffile.TiffFile) -> bool:
    """Tell whether the OME-XML of a file spreads the image over several files."""
    if not tif.is_ome or not tif.ome_metadata:
        return False
    try:
        root = ElementTree.fromstring(tif.ome_metadata)
    except ElementTree.ParseError:
        return False
    own = root.get("UUID")
    for element in root.iter():
        name = element.tag.rpartition("}")[2]
        if name == "BinaryOnly":
            return True
        if name == "UUID" and element.text and (element.text.strip() != own):
            return True
    return False


def image_pages(tif: tifffile.TiffFile, path: Path) -> Pages:
    """Choose the pages of the image to read, as ImageJ does.

    All pages where they are of one size and type, else the first one alone. An OME-TIFF, LSM or
    other file of known dimensions: its first series.

    Raises
    ------
    TdsegError
        If the file holds no image, or less than its directories promise.
    """
    if len(tif.pages) == 0:
        raise TdsegError(f"File '{path}' holds no image; it may be damaged: copy it again.")
    _check_chain(tif, path)
    if tif.is_imagej:
        _check_imagej_planes(tif, path)
    found = tif.series
    if not found:
        raise TdsegError(f"File '{path}' holds no image; it may be damaged: copy it again.")
    series = found[0]
    pages = Pages(series)
    if series.kind in ("generic", "uniform"):
        if len(series.pages) < len(tif.pages):
            series = tifffile.TiffPageSeries([tif.pages.first], parent=tif)
            pages = Pages(series, [_others(path, len(tif.pages))])
    elif len(found) > 1:
        name = f" ('{series.name}')" if series.name else ""
        pages.notes.append(
            f"File '{path.name}' has {len(found)} series; the first{name} is read. For another "
            "one, save it as a file of its own."
        )
    _check_data(tif, series, path)
    return pages


def plane_offsets(series: tifffile.TiffPageSeries) -> npt.NDArray[np.int64] | None:
    """Return where the first pixel of every plane is, with Y and X of length 1.

    None unless all pages are uncompressed, of whole bytes, and each in one piece.
    """
    page = series.keyframe
    if page.compression != 1 or page.dtype is None or series.transform is not None:
        return None
    if page.bitspersample != page.dtype.itemsize * 8:
        return None
    if series.dataoffset is not None:
        starts = series.dataoffset + page.nbytes * np.arange(series.size // page.size)
    else:
        if any(p is None or not p.is_contiguous for p in series.pages):
            return None
        starts = np.array([p.dataoffsets[0] for p in series.pages if p is not None], np.int64)
    if len(starts) * page.size != series.size:
        return None
    inner = [1 if letter in "YX" else n for letter, n in zip(page.axes, page.shape, strict=True)]
    strides = np.zeros(len(inner), np.int64)
    stride = page.dtype.itemsize
    for i in reversed(range(len(inner))):
        strides[i], stride = stride, stride * page.shape[i]
    within = np.zeros(inner, np.int64)
    for index in np.ndindex(*inner):
        within[index] = int((np.array(index) * strides).sum())
    outer = [1 if a in "YX" else n for a, n in zip(series.axes, series.shape, strict=True)]
    return (starts[:, None] + within.ravel()[None]).astype(np.int64).reshape(outer)


def _others(path: Path, count: int) -> str:
    return (
        f"File '{path.name}' has {count} images of different sizes or types; the first is read, "
        "as ImageJ does."
    )


def _cut(path: Path, holds: str) -> TdsegError:
    return TdsegError(f"File '{path}' is cut short: {holds}; copy it again.")


def _check_chain(tif: tifffile.TiffFile, path: Path) -> None:
    """Refuse a file whose last directory points to one beyond the end."""
    slot = tif.pages.next_page_offset
    if slot is None or tif.is_ndpi:
        return
    handle, tiff = tif.filehandle, tif.tiff
    handle.seek(slot)
    data = handle.read(tiff.offsetsize)
    if len(data) < tiff.offsetsize:
        raise _cut(path, "a directory of pages is missing")
    following = int.from_bytes(data, "little" if tif.byteorder == "<" else "big")
    if following >= handle.size:
        count = len(tif.pages)
        raise _cut(path, f"after {count} page{'s' if count > 1 else ''} more are announced")


def _check_imagej_planes(tif: tifffile.TiffFile, path: Path) -> None:
    """Refuse a stack by ImageJ that has fewer planes than its description says."""
    described = tif.imagej_metadata or {}
    promised = described.get("images", 1)
    page = tif.pages.first
    if not isinstance(promised, int) or promised <= len(tif.pages) or page.nbytes == 0:
        return
    start = page.dataoffsets[0] if page.dataoffsets else 0
    there = (tif.filehandle.size - start) // page.nbytes if page.is_contiguous else len(tif.pages)
    if there < promised:
        raise _cut(path, f"it has {there} of {promised} planes")


def _check_data(tif: tifffile.TiffFile, series: tifffile.TiffPageSeries, path: Path) -> None:
    """Refuse pages whose pixels lie beyond the end of the file."""
    size = tif.filehandle.size
    for number, page in enumerate(_own_pages(series), start=1):
        if page.compression == 1 and page.is_contiguous:
            parts = [(page.dataoffsets[0], page.nbytes)]  # some writers state other counts
        else:
            parts = list(zip(page.dataoffsets, page.databytecounts, strict=False))
            if len(parts) < math.prod(page.chunked):  # tifffile would fill them with zeros
                raise _cut(path, f"strips or tiles of page {number} are missing")
        if any(offset and offset + length > size for offset, length in parts):
            raise _cut(path, f"pixels of page {number} are missing")


def _own_pages(series: tifffile.TiffPageSeries) -> Iterator[Any]:
    return (page for page in series.pages if page is not None)


def bytes_needed(series: tifffile.TiffPageSeries) -> int:
    """Return the memory that all pixels of a series take."""
    shape: Sequence[int] = series.shape
    return math.prod(shape) * np.dtype(series.dtype).itemsize
