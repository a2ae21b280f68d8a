"""Say in one sentence why probabilities or guide cannot be refined."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError

SUM_TOLERANCE = 1e-3
"""Probabilities may sum to one within this; rounding of half floats and 16-bit files is less."""


def check_class_weights(weights: Sequence[float] | None, classes: int) -> None:
    """Raise `TdsegError` for weights that do not fit the classes."""
    if weights is None:
        return
    if len(weights) != classes:
        raise TdsegError(
            f"The CRF has {len(weights)} class weights for {classes} classes; "
            "give one for each class."
        )
    if not all(0 <= weight < np.inf for weight in weights):
        raise TdsegError("A class weight of the CRF is negative or not finite; give 0 or more.")


def check_inputs(
    probabilities: npt.NDArray[np.floating], guide: npt.NDArray[np.number]
) -> npt.NDArray[np.number]:
    """Raise `TdsegError` for arrays that cannot be refined.

    Parameters
    ----------
    probabilities : (K, Y, X) float
        Class probabilities.
    guide : (Y, X, C) or (Y, X) number
        The image, from 0 to 255.

    Returns
    -------
    (Y, X, C) number
        The guide with a channel axis.
    """
    if probabilities.ndim != 3 or probabilities.size == 0:
        raise TdsegError(
            f"The probabilities have the shape {probabilities.shape}; the CRF needs "
            "(classes, height, width), none of them zero."
        )
    if guide.ndim == 2:
        guide = guide[..., None]
    if guide.ndim != 3 or guide.shape[2] == 0:
        raise TdsegError(
            f"The CRF's guide has the shape {guide.shape}; it needs (height, width, channels)."
        )
    if guide.shape[:2] != probabilities.shape[1:]:
        (rows, columns), (height, width) = guide.shape[:2], probabilities.shape[1:]
        raise TdsegError(
            f"The probabilities are {width} x {height} pixels and the image is "
            f"{columns} x {rows}; refine probabilities of this very image."
        )
    for rows in row_blocks(probabilities.shape):
        _check_rows(probabilities[:, rows], guide[rows], rows.start)
    return guide


def row_blocks(shape: tuple[int, ...]) -> list[slice]:
    """Cut the rows of (K, Y, X) into blocks of about a megabyte: no copies of a large plane."""
    step = max(1, 2**18 // (shape[0] * shape[2]))
    return [slice(y, min(y + step, shape[1])) for y in range(0, shape[1], step)]


def _check_rows(
    probabilities: npt.NDArray[np.floating], guide: npt.NDArray[np.number], first: int
) -> None:
    total = probabilities.sum(axis=0, dtype=np.float64)
    least = probabilities.min(axis=0)
    finite = np.isfinite(total)
    if not finite.all():
        raise TdsegError(
            f"The probabilities at {_place(~finite, first)} are not finite; "
            "compute them again before refining."
        )
    wrong = (least < -SUM_TOLERANCE) | (np.abs(total - 1.0) > SUM_TOLERANCE)
    if wrong.any():
        raise TdsegError(
            f"The probabilities at {_place(wrong, first)} are negative or sum to "
            f"{total[wrong][0]:.4g} instead of 1; give the classifier's probabilities of all "
            "classes, unscaled."
        )
    low, high = float(guide.min()), float(guide.max())
    if not (low >= 0.0 and high <= 255.0):
        raise TdsegError(
            f"The CRF's guide has values from {low:.4g} to {high:.4g}; scale the image to 0 to 255."
        )


def _place(wrong: npt.NDArray[np.bool_], first: int) -> str:
    """Name the first marked pixel of rows that begin at row `first`."""
    y, x = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
    return f"x={x}, y={first + y}"


def normalized(probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Return a float32 copy, (K, ...), clipped at 0, that sums to 1 over the first axis."""
    copy: npt.NDArray[np.float32] = np.maximum(probabilities, 0, dtype=np.float32)
    copy /= copy.sum(axis=0)
    return copy
