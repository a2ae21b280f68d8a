"""Transformed copies of an image, and where their pixels came from.

HR-Dv2 ("Upsampling DINOv2 features for unsupervised vision tasks and weakly supervised materials
segmentation") feeds shifted, mirrored and rotated copies of an image to a network and averages the
features after undoing the transform. Here a shifted copy is a crop of the image continued by
reflection, so nothing wraps around or is resized, and undoing a transform is arithmetic on
coordinates: exact, in whatever order transforms were combined.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

    Array = TypeVar("Array", np.ndarray, torch.Tensor)
else:
    Array = TypeVar("Array")

Shift = tuple[int, int]


@dataclass(frozen=True)
class Orientation:
    """One of the eight symmetries of the square, acting on the last two axes of an array.

    A copy is the image with its rows, then its columns, reversed where asked for, and finally
    transposed. Sizes need not be square: transposing swaps them.
    """

    flip_rows: bool = False
    flip_cols: bool = False
    transpose: bool = False

    def apply(self, array: Array) -> Array:
        """Return the oriented copy."""
        array = self._flip(array)
        return _swap(array) if self.transpose else array

    def undo(self, array: Array) -> Array:
        """Return what `apply` was given."""
        return self._flip(_swap(array) if self.transpose else array)

    def _flip(self, array: Array) -> Array:
        axes = [axis for axis, on in ((-2, self.flip_rows), (-1, self.flip_cols)) if on]
        if not axes:
            return array
        if isinstance(array, np.ndarray):
            return np.flip(array, tuple(axes))
        return array.flip(axes)


def _swap(array: Array) -> Array:
    return array.swapaxes(-1, -2)


IDENTITY = Orientation()
FLIPS = (
    IDENTITY,
    Orientation(flip_cols=True),
    Orientation(flip_rows=True),
    Orientation(True, True),
)
HALF_TURN = (IDENTITY, FLIPS[3])
QUARTER_TURNS = (
    IDENTITY,
    Orientation(flip_cols=True, transpose=True),
    Orientation(True, True),
    Orientation(flip_rows=True, transpose=True),
)
ALL_ORIENTATIONS = tuple(
    Orientation(rows, cols, swap)
    for swap in (False, True)
    for rows in (False, True)
    for cols in (False, True)
)


def orientations(flips: str, rotations: bool = False) -> tuple[Orientation, ...]:
    """Return the orientations to average over, the identity first.

    Parameters
    ----------
    flips
        As the key: ``true`` mirrors along each axis and along both, ``turn`` along both only.
    rotations
        Turn by 90, 180 and 270 degrees; with flips, all eight symmetries of the square.
    """
    if rotations:
        return QUARTER_TURNS if flips == "false" else ALL_ORIENTATIONS
    return {"true": FLIPS, "turn": HALF_TURN}.get(flips, (IDENTITY,))


def moore(distances: Iterable[int]) -> tuple[Shift, ...]:
    """Return the identity and the eight neighbours at each distance, HR-Dv2's main pattern."""
    ring = [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]
    return ((0, 0), *((d * y, d * x) for d in distances for y, x in ring))


def subpatch(stride: float, count: int) -> tuple[Shift, ...]:
    """Return ``count`` x ``count`` shifts that divide a patch evenly, in whole pixels.

    The tokens of the copies interleave: together they form one grid with a spacing of
    ``stride / count`` pixels (where that is no whole number, of the two next to it).
    """
    steps = sorted({int(stride * k / count) for k in range(count)})
    return tuple((y, x) for y in steps for x in steps)


def is_product(shifts: Sequence[Shift]) -> bool:
    """Return whether the shifts are all pairs of some row shifts and some column shifts."""
    rows = {y for y, _ in shifts}
    cols = {x for _, x in shifts}
    return len(set(shifts)) == len(rows) * len(cols)


def reflected(start: int, stop: int, length: int) -> npt.NDArray[np.int64]:
    """Return the pixels that stand at ``start .. stop - 1`` of an axis continued by reflection.

    The edge pixel is not repeated (numpy's ``reflect``); beyond the far edge the reflection is
    itself reflected, so any reach works for any length. A single pixel is repeated.
    """
    index = np.arange(start, stop)
    if length == 1:
        return np.zeros_like(index)
    period = 2 * (length - 1)
    index = np.mod(index, period)
    return np.where(index < length, index, period - index)
