"""What the numbers in a file mean: one rule for every format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil

from tdseg.errors import TdsegError

_STRAIGHT_LINE = 0  # ij.measure.Calibration.STRAIGHT_LINE
SIGNED = (_STRAIGHT_LINE, (-32768.0, 1.0), "Gray Value")
"""ImageJ's calibration function of signed 16-bit images, whose values it holds plus 32768."""


def values_as_imagej(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """Return pixels of a file as uint8, uint16 or float32, with the values that ImageJ reports.

    Bits are 0 and 255; signed 8-bit counts as unsigned, 32-bit unsigned as signed, as ImageJ reads
    them; signed 16-bit numbers are themselves, as float32.

    Raises
    ------
    TdsegError
        If numbers of the image with this name are too large for float32.
    """
    kind, width = array.dtype.kind, array.dtype.itemsize
    if kind == "b":
        return array.astype(np.uint8) * np.uint8(255)
    if kind in "ui" and width == 1:
        return np.ascontiguousarray(array).view(np.uint8)
    if kind == "u" and width == 2:
        return np.ascontiguousarray(array, np.uint16)
    if kind == "u" and width == 4:
        return np.ascontiguousarray(array, np.uint32).view(np.int32).astype(np.float32)
    check_range(array, name)
    return np.ascontiguousarray(array, np.float32)


def check_range(array: npt.NDArray[Any], name: str) -> None:
    """Refuse numbers that are finite and too large for 32-bit float.

    Raises
    ------
    TdsegError
        With the largest of them.
    """
    if array.dtype.itemsize <= 4 or array.dtype.kind != "f":
        return
    largest = np.abs(array[np.isfinite(array)]).max(initial=0)
    if largest > np.finfo(np.float32).max:
        raise TdsegError(
            f"Image '{name}' has values up to {largest:.3g}, too large for 32-bit numbers; "
            "divide them."
        )


def plain_array(array: Any, name: str) -> npt.NDArray[Any]:
    """Return an array of real numbers, without a mask.

    Raises
    ------
    TdsegError
        If pixels are masked, or no real numbers.
    """
    if isinstance(array, np.ma.MaskedArray):
        hidden = int(np.ma.getmaskarray(array).sum())
        if hidden:
            raise TdsegError(
                f"Image '{name}' has {hidden} masked pixels; fill them, for example with "
                "array.filled(0), and leave them without labels."
            )
        array = array.data
    try:
        plain: npt.NDArray[Any] = np.asarray(array)
    except ValueError as error:  # lists of unequal lengths
        raise TdsegError(f"Image '{name}' is no rectangular array ({error}).") from error
    if plain.dtype.kind not in "buif":
        raise TdsegError(f"Image '{name}' has pixels of type {plain.dtype}; use real numbers.")
    return plain


def supported(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    """Return pixels of an array as uint8, uint16 or float32, with their values.

    Bits are 0 and 255, as in ImageJ's masks; signed numbers and those of 32 and 64 bits become
    float32; signed 8-bit numbers without negative ones stay 8-bit.
    """
    if array.dtype in (np.uint8, np.uint16, np.float32) and array.dtype.isnative:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype == np.uint16:
        return array.astype(np.uint16)
    if array.dtype == np.int8 and array.min() >= 0:
        return array.astype(np.uint8)
    check_range(array, name)
    return array.astype(np.float32)


def unsigned_as_signed(array: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return the values of a signed 16-bit image that ImageJ holds plus 32768, as float32."""
    return array.astype(np.float32) - np.float32(32768)


def signed_as_unsigned(array: npt.NDArray[Any]) -> npt.NDArray[np.uint16] | None:
    """Return signed 16-bit values as ImageJ holds them; None if these are no such values."""
    whole: npt.NDArray[Any] = np.rint(array)
    if (whole != array).any() or array.min() < -32768 or array.max() > 32767:
        return None
    held: npt.NDArray[np.uint16] = (whole.astype(np.int32) + 32768).astype(np.uint16)
    return held


def check_memory(path: Path, needed: int) -> None:
    """Refuse an image whose pixels do not fit into the free memory.

    Raises
    ------
    TdsegError
        With what it needs and what there is.
    """
    free = psutil.virtual_memory().available
    if needed > free:
        raise TdsegError(
            f"File '{path}' needs {needed / 2**30:.1f} GiB of memory and {free / 2**30:.1f} GiB "
            "are free; cut it into parts."
        )


def change_values(pixels: npt.NDArray[Any]) -> str:
    """Return the calls of ImageJ's macro language that set pixels that are no numbers to 0."""
    kinds = (
        ("NaN", np.isnan(pixels)),
        ("1/0", np.isposinf(pixels)),
        ("-1/0", np.isneginf(pixels)),
    )
    return " ".join(f"changeValues({name}, {name}, 0);" for name, found in kinds if found.any())
