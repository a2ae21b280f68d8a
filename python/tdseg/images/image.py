"""Images as tdseg sees them: planes in (T, Z, C, Y, X) order, with calibration and names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError
from tdseg.images.pixel_values import plain_array, supported

RGB_CHANNELS = ("red", "green", "blue")


@dataclass(frozen=True)
class Calibration:
    """Physical size of a pixel and of a frame, as ImageJ keeps it.

    Lengths are in `unit` (`unit_y` and `unit_z` where they differ, else empty), times in
    `time_unit`; origins are in pixels.
    """

    pixel_width: float = 1.0
    pixel_height: float = 1.0
    pixel_depth: float = 1.0
    unit: str = "pixel"
    unit_y: str = ""
    unit_z: str = ""
    frame_interval: float = 0.0
    time_unit: str = "sec"
    x_origin: float = 0.0
    y_origin: float = 0.0
    z_origin: float = 0.0

    @property
    def pixel_area(self) -> float:
        """Area of a pixel in square units."""
        return self.pixel_width * self.pixel_height


class PlaneSource(Protocol):
    """Where an image's pixels come from: an array, or something that reads them on demand."""

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Sizes (T, Z, C, Y, X)."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""

    def read(self, t: int, z: int, c: int) -> npt.NDArray[np.number]:
        """Return one (Y, X) plane; the caller must not write to it."""


@runtime_checkable
class RegionSource(PlaneSource, Protocol):
    """A source that can read a part of a plane without the rest."""

    @property
    def chunk(self) -> tuple[int, int]:
        """Rows and columns that are stored together."""

    def read_region(self, t: int, z: int, c: int, rows: slice, cols: slice) -> npt.NDArray[Any]:
        """Return rows and columns of a plane, as `read` has them; slices lie within the plane."""


@dataclass(frozen=True)
class ArraySource:
    """Pixels held in memory, shape (T, Z, C, Y, X)."""

    array: npt.NDArray[np.number]

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Sizes (T, Z, C, Y, X)."""
        t, z, c, y, x = self.array.shape
        return t, z, c, y, x

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self.array.dtype

    def read(self, t: int, z: int, c: int) -> npt.NDArray[np.number]:
        """Return one (Y, X) plane."""
        plane: npt.NDArray[np.number] = self.array[t, z, c]
        return plane


@dataclass(frozen=True)
class Image:
    """A microscope image of up to five dimensions.

    Attributes
    ----------
    source
        The pixels: uint8, uint16 or float32, shape (T, Z, C, Y, X).
    name
        Title, used in messages and for the names of results.
    calibration
        Pixel and frame size.
    rgb
        Whether the three channels are the colours of a 24-bit image.
    channel_names
        One name a channel; empty: they are numbered.
    palette
        Colours (256, 3) uint8 of an 8-bit colour image; features then see its three colours.
    metadata
        What travels along untouched: slice labels, display ranges, LUTs, info, notes on reading.
    """

    source: PlaneSource
    name: str = "image"
    calibration: Calibration = field(default_factory=Calibration)
    rgb: bool = False
    channel_names: tuple[str, ...] = ()
    palette: npt.NDArray[np.uint8] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_array(
        cls,
        array: npt.NDArray[Any],
        axes: str | None = None,
        *,
        pixel_size: float | tuple[float, float] | None = None,
        unit: str = "pixel",
        name: str = "image",
        calibration: Calibration | None = None,
        channel_names: Sequence[str] = (),
    ) -> Image:
        """Make an image of an array.

        Parameters
        ----------
        array
            Pixels. uint8, uint16 and float32 are kept; bool becomes 0 and 255 (uint8), other
            numbers their value as float32.
        axes
            One letter of ``TZCYX`` per axis. Only these need none: (Y, X), (Y, X, 3), more than
            seven slices (Z, Y, X), and five dimensions (T, Z, C, Y, X). ``C`` last with three
            uint8 channels means RGB.
        pixel_size
            Width and height of a pixel, in `unit` (one number: square pixels).
        unit
            Unit of length of `pixel_size`.
        name
            For messages.
        calibration
            All of the calibration, instead of `pixel_size` and `unit`.
        channel_names
            One per channel.

        Returns
        -------
        Image
            With five axes, (T, Z, C, Y, X).

        Raises
        ------
        TdsegError
            If axes and shape disagree, if a shape without axes can be read in two ways, if
            pixels are masked, or no real numbers.
        """
        array = plain_array(array, name)
        if axes is None:
            axes = _plain_axes(array.shape, name)
        if len(axes) != array.ndim or len(set(axes)) != len(axes) or set(axes) - set("TZCYX"):
            raise TdsegError(
                f"Image '{name}': axes '{axes}' do not fit an array of shape {array.shape}; "
                "use each of the letters TZCYX at most once, one per axis."
            )
        if not {"Y", "X"} <= set(axes):
            raise TdsegError(f"Image '{name}': axes '{axes}' lack Y or X.")
        rgb = axes.endswith("C") and array.shape[-1] == 3 and array.dtype == np.uint8
        order = [axes.index(a) for a in "TZCYX" if a in axes]
        full = array.transpose(order)
        for position, letter in enumerate("TZCYX"):
            if letter not in axes:
                full = np.expand_dims(full, position)
        if 0 in full.shape:
            raise TdsegError(f"Image '{name}' has no pixels (shape {array.shape}).")
        if calibration is None:
            calibration = Calibration()
            if pixel_size is not None:
                width, height = (
                    pixel_size if isinstance(pixel_size, tuple) else (pixel_size, pixel_size)
                )
                calibration = replace(
                    calibration, pixel_width=width, pixel_height=height, unit=unit
                )
        return cls(
            ArraySource(supported(full, name)),
            name=name,
            calibration=calibration,
            rgb=rgb,
            channel_names=tuple(channel_names),
        )

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Sizes (T, Z, C, Y, X)."""
        return self.source.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self.source.dtype

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of how the file was read: parts that were left out."""
        return tuple(self.metadata.get("notes", ()))

    @property
    def n_planes(self) -> int:
        """Number of (t, z) planes."""
        return self.shape[0] * self.shape[1]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.shape[3], self.shape[4]

    @property
    def is_colour(self) -> bool:
        """Whether features see red, green and blue."""
        return self.rgb or self.palette is not None

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels that features see; ``("",)`` for a single channel."""
        if self.is_colour:
            return RGB_CHANNELS
        count = self.shape[2]
        if count == 1:
            return ("",)
        return tuple(f"c{i + 1}" for i in range(count))

    @property
    def array(self) -> npt.NDArray[np.number]:
        """All pixels, (T, Z, C, Y, X); reads everything into memory where it is not there yet."""
        if isinstance(self.source, ArraySource):
            return self.source.array
        t, z, c, y, x = self.shape
        out = np.empty((t, z, c, y, x), self.dtype)
        for i, j, k in np.ndindex(t, z, c):
            out[i, j, k] = self.source.read(i, j, k)
        return out

    def plane(self, index: int) -> npt.NDArray[np.number]:
        """Return plane number ``index = t * Z + z`` as (Y, X, C), C as in `channels`."""
        t, z = divmod(index, self.shape[1])
        if self.palette is not None:
            colours: npt.NDArray[np.uint8] = self.palette[self.source.read(t, z, 0)]
            return colours
        return np.stack([self.source.read(t, z, c) for c in range(self.shape[2])], axis=-1)

    @property
    def by_region(self) -> RegionSource | None:
        """What reads parts of planes; None where that is no less work than reading whole ones."""
        return self.source if isinstance(self.source, RegionSource) else None

    def region(self, index: int, rows: slice, cols: slice) -> npt.NDArray[np.number]:
        """Return rows and columns of plane number `index` as (h, w, C), C as in `channels`."""
        source = self.by_region
        if source is None:
            return self.plane(index)[rows, cols]
        t, z = divmod(index, self.shape[1])
        if self.palette is not None:
            colours: npt.NDArray[np.uint8] = self.palette[source.read_region(t, z, 0, rows, cols)]
            return colours
        parts = [source.read_region(t, z, c, rows, cols) for c in range(self.shape[2])]
        return np.stack(parts, axis=-1)

    def planes(self) -> Iterator[npt.NDArray[np.number]]:
        """Iterate over all planes, (Y, X, C) each."""
        return (self.plane(i) for i in range(self.n_planes))


def as_image(value: Image | npt.NDArray[Any], name: str = "image") -> Image:
    """Return an Image; make it of an array that `Image.from_array` takes without axes.

    Raises
    ------
    TdsegError
        If it is neither.
    """
    if isinstance(value, Image):
        return value
    if isinstance(value, str | PathLike):
        raise TdsegError(f"'{value}' is a path; give tdseg.read_image({str(value)!r}).")
    if not hasattr(value, "__array__"):
        kind = type(value).__name__
        raise TdsegError(f"An image is a tdseg.Image or an array, not a {kind}.")
    return Image.from_array(value, name=name)


def as_images(value: Any) -> list[Image]:
    """Return a list of Images: of several images or arrays, or of one alone.

    Raises
    ------
    TdsegError
        If one is neither.
    """
    several = isinstance(value, Iterable) and not isinstance(value, str | PathLike)
    if not several or hasattr(value, "__array__"):
        return [as_image(value)]
    return [as_image(one, f"image {number}") for number, one in enumerate(value, start=1)]


MOST_CHANNELS = 7
"""A composite image of ImageJ has at most so many channels."""


def _plain_axes(shape: tuple[int, ...], name: str) -> str:
    """Return the axes of an array that can be read in one way only."""
    few = MOST_CHANNELS
    if len(shape) == 2:
        return "YX"
    if len(shape) == 3 and shape[2] == 3 and shape[0] > 3:
        return "YXC"
    if len(shape) == 3 and shape[0] > few and shape[2] > few:
        return "ZYX"
    if len(shape) == 5 and shape[4] > few:
        return "TZCYX"
    if not 2 <= len(shape) <= 5:
        raise TdsegError(f"Image '{name}' has {len(shape)} dimensions; give 2 to 5.")
    choices = {3: "'CYX', 'ZYX' or 'YXC'", 4: "'ZCYX', 'TCYX' or 'ZYXC'", 5: "'TZCYX' or 'TZYXC'"}
    raise TdsegError(
        f"Image '{name}': an array of shape {shape} can be read in several ways; say which, with "
        f"Image.from_array(array, axes=...), for example {choices[len(shape)]}."
    )
