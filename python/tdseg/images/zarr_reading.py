"""Read OME-Zarr 0.4 and 0.5: the full resolution, whole or by regions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError
from tdseg.images.image import ArraySource, Image
from tdseg.images.pixel_values import values_as_imagej
from tdseg.images.written_info import zarr_info
from tdseg.images.zarr_arrays import open_array
from tdseg.images.zarr_metadata import Multiscale, check_array, read_multiscale
from tdseg.runtime.files import name_of

COPY_LIMIT = 256 * 2**20
"""Larger images are read when pixels are asked for."""

_RGB_NAMES = ({"", "red", "r"}, {"", "green", "g"}, {"", "blue", "b"})


@dataclass(frozen=True)
class ZarrSource:
    """Regions of an array on disk, as ImageJ would hold them; the folder must stay where it is.

    Attributes
    ----------
    folder
        Of the OME-Zarr.
    array
        A ``zarr.Array``.
    axes
        Its axes, of ``tczyx``.
    dtype
        Of what is returned.
    """

    folder: Path
    array: Any
    axes: str
    dtype: np.dtype[Any]

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Sizes (T, Z, C, Y, X)."""
        sizes = dict(zip(self.axes, self.array.shape, strict=True))
        t, z, c, y, x = (int(sizes.get(axis, 1)) for axis in "tzcyx")
        return t, z, c, y, x

    @property
    def chunk(self) -> tuple[int, int]:
        """Rows and columns of a chunk."""
        sizes = dict(zip(self.axes, self.array.chunks, strict=True))
        return int(sizes["y"]), int(sizes["x"])

    def read(self, t: int, z: int, c: int) -> npt.NDArray[Any]:
        """Return one (Y, X) plane."""
        height, width = self.shape[3:]
        return self.read_region(t, z, c, slice(0, height), slice(0, width))

    def read_region(self, t: int, z: int, c: int, rows: slice, cols: slice) -> npt.NDArray[Any]:
        """Return rows and columns of a plane.

        Raises
        ------
        TdsegError
            If a chunk is damaged, or the folder is gone.
        """
        where = {"t": t, "z": z, "c": c, "y": rows, "x": cols}
        try:
            found = np.asarray(self.array[tuple(where[axis] for axis in self.axes)])
        except Exception as error:  # whatever a damaged chunk provokes
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise TdsegError(
                f"'{self.folder}' cannot be read at row {rows.start + 1}, column "
                f"{cols.start + 1}: {reason}; copy it again."
            ) from error
        if self.axes.index("y") > self.axes.index("x"):
            found = found.T
        return values_as_imagej(found, name_of(self.folder))


def read_zarr(folder: Path) -> Image:
    """Read the full resolution of an OME-Zarr image.

    Pixels count as those of a TIFF do (`values_as_imagej`). Axes that are missing have length 1.

    Parameters
    ----------
    folder
        Of the image: the one that has ``multiscales``.

    Returns
    -------
    Image
        Small ones in memory, others read when their pixels are asked for.

    Raises
    ------
    TdsegError
        If it is no OME-Zarr 0.4 or 0.5, is damaged or not understood, or zarr is not installed.
    """
    described = read_multiscale(folder)
    check_array(described.folder, described.level, described.axes)
    array = open_array(described.folder / described.level, f"'{folder}'")
    stored = np.dtype(array.dtype)
    if stored.kind not in "uifb":
        raise TdsegError(f"'{folder}' has pixels of type {stored}; save real numbers.")
    probe = values_as_imagej(np.zeros((1, 1), stored), folder.name).dtype
    source = ZarrSource(described.folder, array, described.axes, probe)
    image = Image(
        source,
        name=name_of(folder),
        calibration=described.calibration(),
        rgb=_is_rgb(described, source),
        channel_names=_names(described, source),
        metadata=_metadata(described),
    )
    if math.prod(source.shape) * probe.itemsize <= COPY_LIMIT:
        image = Image(
            ArraySource(image.array),
            name=image.name,
            calibration=image.calibration,
            rgb=image.rgb,
            channel_names=image.channel_names,
            metadata=image.metadata,
        )
    return image


def _names(described: Multiscale, source: ZarrSource) -> tuple[str, ...]:
    names = described.channel_names
    return names if len(names) == source.shape[2] and any(names) else ()


def _is_rgb(described: Multiscale, source: ZarrSource) -> bool:
    """Tell whether three 8-bit channels are the colours of one picture: named or shown so."""
    if source.dtype != np.uint8 or source.shape[2] != 3:
        return False
    if described.colours != ("FF0000", "00FF00", "0000FF"):
        return False
    names = described.channel_names or ("",) * 3
    return all(n.lower() in known for n, known in zip(names, _RGB_NAMES, strict=True))


def _metadata(described: Multiscale) -> dict[str, Any]:
    found: dict[str, Any] = {"ome_zarr": described.version}
    info = zarr_info(described.attributes)
    if info:
        found["info"] = info
    if described.notes:
        found["notes"] = described.notes
    return found
