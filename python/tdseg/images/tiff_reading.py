"""Read TIFF as ImageJ does: the same pixels, dimensions, calibration and look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from tdseg.errors import TdsegError
from tdseg.images.image import ArraySource, Image, PlaneSource
from tdseg.images.pixel_values import SIGNED, check_memory, unsigned_as_signed, values_as_imagej
from tdseg.images.tiff_metadata import (
    calibration,
    is_pseudocolour,
    metadata,
    ome_calibration,
)
from tdseg.images.tiff_pages import (
    FilePlanes,
    bytes_needed,
    image_pages,
    is_part_of_a_set,
    open_tiff,
    plane_offsets,
)
from tdseg.images.tiff_regions import TilePlanes, tile_planes
from tdseg.images.written_info import ome_info
from tdseg.runtime.files import name_of

COPY_LIMIT = 256 * 2**20
"""Larger images are read from the file plane by plane, or by parts of planes."""

_NO_RGB = (8, 9, 10)  # CIELAB, ICCLAB, ITULAB
_JPEG = (6, 7, 33007, 34892)  # whose decoder turns YCbCr into RGB
_JPEG_2000 = (33003, 33004, 33005, 34712)
_JPEG_2000_BITS = 24  # OpenJPEG counts in 32-bit integers, and needs some of the bits itself
_ALPHA = (1, 2)  # ExtraSamples: associated and unassociated alpha


@dataclass(frozen=True)
class FileSource:
    """Planes that are read from a file, whole or in part, as ImageJ would hold them."""

    planes: FilePlanes | TilePlanes
    dtype: np.dtype[Any]
    signed: bool = False

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Sizes (T, Z, C, Y, X)."""
        return self.planes.shape

    @property
    def chunk(self) -> tuple[int, int]:
        """Rows and columns that are stored together."""
        return self.planes.chunk

    def read(self, t: int, z: int, c: int) -> npt.NDArray[Any]:
        """Return a copy of one (Y, X) plane."""
        if isinstance(self.planes, FilePlanes):
            return self._values(self.planes.read(t, z, c))
        height, width = self.shape[3:]
        return self.read_region(t, z, c, slice(0, height), slice(0, width))

    def read_region(self, t: int, z: int, c: int, rows: slice, cols: slice) -> npt.NDArray[Any]:
        """Return a copy of rows and columns of a plane."""
        return self._values(self.planes.read_region(t, z, c, rows, cols))

    def _values(self, stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
        values = values_as_imagej(stored, name_of(self.planes.path))
        return unsigned_as_signed(values) if self.signed else values


def read_tiff(path: Path) -> Image:
    """Read the image of a TIFF: by ImageJ, OME, LSM, or any other.

    ``docs/images.md`` has the rules: which pages, what pixels and samples mean.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Image
        With what ImageJ keeps in a TIFF: calibration, slice labels, LUTs, display ranges, info;
        ``metadata["notes"]`` has a sentence for each thing in the file that was left out.

    Raises
    ------
    TdsegError
        If its pixels are complex, CMYK, or several channels of RGB; if planes are missing.
    OSError, ValueError, tifffile.TiffFileError
        If it is damaged or compressed in a way that cannot be read.
    """
    notes = []
    with open_tiff(path) as tif:
        part = is_part_of_a_set(tif)
        # Written in several calls by tifffile: pages as ImageJ sees them.
        several = not part and not tif.is_ome and tif.is_shaped and len(tif.series) > 1
    if part:
        notes.append(
            f"File '{path.name}' is part of an image in several files; its own planes are read, "
            "as ImageJ does. For the whole, save it as one file."
        )
    kinds = {"is_ome": False} if part else {"is_shaped": False} if several else {}
    with open_tiff(path, **kinds) as tif:
        pages = image_pages(tif, path)
        if pages.series.is_multifile:
            raise TdsegError(
                f"File '{path}' is part of an image in several files; save it as one file."
            )
        return _image(path, tif, pages.series, notes + pages.notes)


def _image(
    path: Path, tif: tifffile.TiffFile, series: tifffile.TiffPageSeries, notes: list[str]
) -> Image:
    page = series.keyframe
    _check_kind(path, series)
    rgb = is_rgb(page)
    planes = _planes(path, series, rgb)
    described: Mapping[str, Any] = (tif.imagej_metadata or {}) if tif.is_imagej else {}
    size = calibration(page, described)
    if tif.is_ome and tif.ome_metadata:
        size = ome_calibration(tif.ome_metadata, size)
    found = metadata(page, described, planes.shape, rgb)
    info = ome_info(tif.ome_metadata) if tif.is_ome and tif.ome_metadata else ""
    if info:
        found["info"] = info
    if _stored_type(series) == np.int16:
        found["calibration_function"] = SIGNED
    elif found.get("calibration_function") == SIGNED and planes.dtype == np.uint16:
        planes = _signed(planes)
    wrapped = _wrapped(path, np.dtype(series.dtype), planes)
    if wrapped:
        notes.append(wrapped)
    if page.photometric in _NO_RGB or (
        page.photometric == tifffile.PHOTOMETRIC.YCBCR and page.compression not in _JPEG
    ):
        notes.append(
            f"File '{path.name}' has colours of the kind {_colour_kind(page)}; their numbers are "
            "read as they are stored, as ImageJ does. Convert it to RGB for its colours."
        )
    if notes:
        found["notes"] = tuple(notes)
    palette = None
    if described.get("8bitcolor") is True and "luts" in found:
        colours = found["luts"][0]
        if not is_pseudocolour(colours) and planes.dtype == np.uint8:
            palette = colours
    return Image(
        planes,
        name=name_of(path),
        calibration=size,
        rgb=rgb,
        palette=palette,
        metadata=found,
    )


def is_rgb(page: tifffile.TiffPage) -> bool:
    """Tell whether ImageJ shows a page as 24-bit RGB: 3 or 4 samples of 8 bits."""
    return page.samplesperpixel in (3, 4) and page.dtype in (np.uint8, np.int8)


def _colour_kind(page: tifffile.TiffPage) -> str:
    return tifffile.PHOTOMETRIC(page.photometric).name


def _check_kind(path: Path, series: tifffile.TiffPageSeries) -> None:
    page = series.keyframe
    if page.photometric == tifffile.PHOTOMETRIC.SEPARATED:
        raise TdsegError(f"File '{path}' has CMYK colours; convert it to RGB.")
    if page.compression in _JPEG_2000 and page.bitspersample > _JPEG_2000_BITS:
        raise TdsegError(
            f"File '{path}' has pixels of {page.bitspersample} bits in JPEG 2000, whose "
            f"decoder is right up to {_JPEG_2000_BITS}; save it in another compression where it "
            "was made."
        )
    kind = np.dtype(series.dtype).kind
    if kind == "c":
        raise TdsegError(f"File '{path}' has complex pixels; save its real part or magnitude.")
    if page.photometric in _NO_RGB and page.compression in _JPEG:
        raise TdsegError(
            f"File '{path}' has colours of the kind {_colour_kind(page)}, compressed by JPEG, "
            "which decoders understand differently; convert it to RGB."
        )
    if kind not in "uifb":
        raise TdsegError(f"File '{path}' has pixels of type {series.dtype}; save numbers.")
    if 0 in series.shape:
        raise TdsegError(f"File '{path}' has no pixels (shape {series.shape}); save it again.")


def _planes(path: Path, series: tifffile.TiffPageSeries, rgb: bool) -> PlaneSource:
    page = series.keyframe
    if bytes_needed(series) > COPY_LIMIT:
        offsets = plane_offsets(series)
        if offsets is not None:
            order = series.parent.byteorder if series.parent is not None else "="
            dtype = _stored_type(series).newbyteorder(order)
            probe = values_as_imagej(np.zeros((1, 1), dtype), path.name).dtype
            starts = _to_tzcyx(offsets, series, rgb, path)[:, :, :, 0, 0]
            step = page.samplesperpixel if page.planarconfig == 1 else 1
            size = (int(page.imagelength), int(page.imagewidth))
            return FileSource(FilePlanes(path, starts, size, dtype, step), probe)
        tiles = tile_planes(path, series, lambda places: _to_tzcyx(places, series, rgb, path))
        if tiles is not None:
            tiles = replace(tiles, dtype=_stored_type(series).newbyteorder("="))
            stored = np.zeros((1, 1), np.bool_ if tiles.bits else tiles.dtype)
            return FileSource(tiles, values_as_imagej(stored, path.name).dtype)
    check_memory(path, bytes_needed(series))
    array = series.asarray(maxworkers=1)
    if page.bitspersample == 1:
        array = array.astype(np.bool_)
    array = array.view(_stored_type(series)) if array.dtype == np.int16 else array
    return ArraySource(values_as_imagej(_to_tzcyx(array, series, rgb, path), name_of(path)))


def _stored_type(series: tifffile.TiffPageSeries) -> np.dtype[Any]:
    """Return the type that pixels count as; ImageJ takes 16-bit RGB for unsigned."""
    dtype = np.dtype(series.dtype)
    if dtype == np.int16 and series.keyframe.samplesperpixel in (3, 4):
        return np.dtype(np.uint16)
    return dtype


def _to_tzcyx(
    array: npt.NDArray[Any], series: tifffile.TiffPageSeries, rgb: bool, path: Path
) -> npt.NDArray[Any]:
    """Order axes; unknown ones count as slices, samples of a pixel as channels."""
    axes, page = series.axes, series.keyframe
    order = (
        [i for i in range(len(axes)) if axes[i] == "T"]
        + [i for i in range(len(axes)) if axes[i] not in "TCSYX"]
        + [i for letter in "CSYX" for i in range(len(axes)) if axes[i] == letter]
    )
    sizes = dict.fromkeys("TZCSYX", 1)
    for i in order:
        sizes[axes[i] if axes[i] in sizes else "Z"] *= array.shape[i]
    t, z, c, s, y, x = (sizes[letter] for letter in "TZCSYX")
    full = array.transpose(order).reshape(t, z, c, s, y, x)
    if rgb:
        if c > 1:
            raise TdsegError(
                f"File '{path}' has {c} channels of RGB planes; split it into RGB images."
            )
        return full[:, :, 0, :3]
    sixteen = page.dtype in (np.uint16, np.int16)
    if s > 1 and s == page.samplesperpixel:
        extra = tuple(page.extrasamples)
        # Of one page of 16-bit RGB, ImageJ shows alpha as the fourth channel.
        shown = s == 4 and sixteen and t * z * c == 1
        if len(extra) == 1 and extra[0] in _ALPHA and not shown:
            s -= 1
            full = full[:, :, :, :s]
    if s == 3 and t * z * c > 1 and sixteen:
        # 16-bit RGB pages: ImageJ makes each colour of each page a slice.
        return full.reshape(1, t * z * c * s, 1, y, x)
    return full.reshape(t, z, c * s, y, x)


def _signed(planes: PlaneSource) -> PlaneSource:
    if isinstance(planes, FileSource):
        return replace(planes, dtype=np.dtype(np.float32), signed=True)
    t, z, c, y, x = planes.shape
    array = np.stack([planes.read(*index) for index in np.ndindex(t, z, c)])
    return ArraySource(unsigned_as_signed(array).reshape(t, z, c, y, x))


def _wrapped(path: Path, stored: np.dtype[Any], planes: PlaneSource) -> str:
    """Return a note on numbers that are others in ImageJ, and so here; "" if there are none."""
    if stored == np.uint32:
        what, become, first = "pixels above 2147483647", "are negative", None
    elif stored == np.int8:
        what, become, first = "negative signed 8-bit pixels", "count 256 more", 128
    elif stored == np.int16 and planes.dtype == np.uint16:
        what, become, first = "negative 16-bit colours", "count 65536 more", 32768
    else:
        return ""
    may = "has"
    if isinstance(planes, ArraySource):
        array = planes.array
        if not (array < 0 if first is None else array >= first).any():
            return ""
    else:  # read when asked for: not looked through for a note
        may = "may have"
    return (
        f"File '{path.name}' {may} {what}; these {become}, as in ImageJ. Save it as 32-bit float "
        "to keep them."
    )
