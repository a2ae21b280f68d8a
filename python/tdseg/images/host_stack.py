"""An image that is open in ImageJ, as an Image: one rule, whichever way its pixels come here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError
from tdseg.images.image import ArraySource, Calibration, Image, PlaneSource
from tdseg.images.pixel_values import unsigned_as_signed

COPY_LIMIT = 256 * 2**20
"""Images above this many bytes are read from ImageJ plane by plane when asked for."""

BLOCK_LIMIT = 64 * 2**20
"""Most bytes of planes that are asked for at once, unless a single plane has more."""

DTYPES: dict[str, np.dtype[Any]] = {
    "8-bit": np.dtype(np.uint8),
    "8-bit color": np.dtype(np.uint8),
    "16-bit": np.dtype(np.uint16),
    "32-bit": np.dtype(np.float32),
    "RGB": np.dtype(np.uint8),
}
"""The pixels of each type of ImageJ."""

ReadPlanes = Callable[[int, int], npt.NDArray[Any]]
"""Reads planes ``first`` to ``first + count - 1`` in ImageJ's order (channel fastest, then slice,
then frame): (count, Y, X) of the type's dtype, RGB (count, Y, X, 3)."""


@dataclass(frozen=True)
class HostStack:
    """What ImageJ tells of an image, but for its pixels.

    Attributes
    ----------
    title
        Of its window.
    shape
        (T, Z, C, Y, X) as ImageJ counts: C is 1 for RGB.
    kind
        One of `DTYPES`.
    signed
        Whether 16-bit pixels stand for their value minus 32768.
    virtual
        Whether planes are read from a file when asked for.
    calibration, palette, metadata
        As in `Image`.
    """

    title: str
    shape: tuple[int, int, int, int, int]
    kind: str
    signed: bool = False
    virtual: bool = False
    calibration: Calibration = field(default_factory=Calibration)
    palette: npt.NDArray[np.uint8] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rgb(self) -> bool:
        """Whether a plane holds the three colours."""
        return self.kind == "RGB"

    @property
    def plane_bytes(self) -> int:
        """Bytes of a plane as it is read."""
        return self.shape[3] * self.shape[4] * DTYPES[self.kind].itemsize * (3 if self.rgb else 1)

    @property
    def block(self) -> int:
        """How many planes are read at once."""
        return max(1, BLOCK_LIMIT // max(self.plane_bytes, 1))


def image_of(stack: HostStack, read: ReadPlanes, *, copy: bool | None = None) -> Image:
    """Make an Image of an open image.

    Parameters
    ----------
    stack
        What ImageJ tells of it.
    read
        Reads its planes.
    copy
        Whether the pixels are copied now. Default: all but virtual stacks and those above 256
        MiB, which are read plane by plane when needed (the image must stay open).

    Returns
    -------
    Image
        Pixels uint8, uint16 or float32 as ImageJ holds them (raw, uncalibrated values), but those
        of a signed 16-bit image are their values, float32.

    Raises
    ------
    TdsegError
        If there are RGB planes in several channels, or the image has no pixels.
    """
    if stack.rgb and stack.shape[2] > 1:
        raise TdsegError(
            f"Image '{stack.title}' has {stack.shape[2]} channels of RGB planes; split it into "
            "RGB images."
        )
    if 0 in stack.shape:
        raise TdsegError(f"Image '{stack.title}' has no pixels.")
    lazy = StackSource(stack, read)
    if copy is None:
        size = int(np.prod(lazy.shape, dtype=np.int64)) * lazy.dtype.itemsize
        copy = size <= COPY_LIMIT and not stack.virtual
    source: PlaneSource = ArraySource(_copied(lazy)) if copy else lazy
    return Image(
        source,
        name=stack.title,
        calibration=stack.calibration,
        rgb=stack.rgb,
        palette=stack.palette,
        metadata=stack.metadata,
    )


@dataclass(frozen=True)
class StackSource:
    """Pixels that are read plane by plane on demand; the image must stay open."""

    stack: HostStack
    read_planes: ReadPlanes

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Sizes (T, Z, C, Y, X); C is 3 for RGB."""
        t, z, c, y, x = self.stack.shape
        return t, z, 3 if self.stack.rgb else c, y, x

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return np.dtype(np.float32) if self.stack.signed else DTYPES[self.stack.kind]

    def read(self, t: int, z: int, c: int) -> npt.NDArray[np.number]:
        """Return a copy of one (Y, X) plane."""
        _, slices, channels, _, _ = self.stack.shape
        index = (t * slices + z) * channels + (0 if self.stack.rgb else c)
        plane = self.read_planes(index, 1)[0]
        values: npt.NDArray[np.number] = plane[..., c] if self.stack.rgb else plane
        return unsigned_as_signed(values) if self.stack.signed else values


def _copied(source: StackSource) -> npt.NDArray[Any]:
    """Read all planes, a block at a time."""
    t, z, c, y, x = source.shape
    out = np.empty((t, z, c, y, x), source.dtype)
    rgb, signed = source.stack.rgb, source.stack.signed
    flat = out.reshape(t * z, 3, y, x) if rgb else out.reshape(t * z * c, y, x)
    for first in range(0, len(flat), source.stack.block):
        count = min(source.stack.block, len(flat) - first)
        values = source.read_planes(first, count)
        if rgb:
            values = np.moveaxis(values, -1, 1)
        flat[first : first + count] = unsigned_as_signed(values) if signed else values
    return out


def check_unchanged(title: str, now: object, before: object) -> None:
    """Refuse an image that the user made another one while a command worked on it.

    Parameters
    ----------
    title
        Of the image.
    now, before
        What its pixels are read by, such as its shape; equal where it is as it was.

    Raises
    ------
    TdsegError
        If they differ.
    """
    if now != before:
        raise TdsegError(
            f"Image '{title}' was cropped, scaled, converted or given other dimensions since the "
            "command began; start the command again."
        )


def calibration_from_imagej(
    *, unit: str | None, unit_y: str | None, unit_z: str | None, time_unit: str, **sizes: float
) -> Calibration:
    """Return the calibration of ``ij.measure.Calibration``'s own values.

    Parameters
    ----------
    unit, unit_y, unit_z
        What ``getUnit``, ``getYUnit`` and ``getZUnit`` return.
    time_unit
        What ``getTimeUnit`` returns.
    **sizes
        The other fields of `Calibration`, under their names there.
    """
    along_x, along_y, along_z = ((u or "").strip() or "pixel" for u in (unit, unit_y, unit_z))
    return Calibration(
        **{name: float(value) for name, value in sizes.items()},
        unit=along_x,
        unit_y="" if along_y == along_x else along_y,
        unit_z="" if along_z == along_x else along_z,
        time_unit=time_unit,
    )
