"""How unsure a classification is, pixel by pixel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def uncertainty(
    probabilities: npt.NDArray[np.number],
    chosen: npt.NDArray[np.integer] | None = None,
) -> npt.NDArray[np.float32]:
    """Return one minus the margin between the class of a pixel and the most probable other.

    0 where the class is certain, 1 where another is as probable ("smallest margin": Scheffer et
    al., "Active hidden Markov models for information extraction", IDA 2001).

    Parameters
    ----------
    probabilities
        (..., C, Y, X), as in a result or of one plane; they sum to 1 over C, or to 0 where nothing
        is known.
    chosen
        (..., Y, X): the class of each pixel, counted from 0, where it is not the most probable one
        as a CRF may decide. The uncertainty is 1 where another class is more probable.

    Returns
    -------
    numpy.ndarray
        (..., Y, X) float32, 0 to 1; 0 where all probabilities are 0.
    """
    classes = np.moveaxis(np.asarray(probabilities), -3, 0)
    best: npt.NDArray[np.float32] = np.zeros(classes.shape[1:], np.float32)
    second = np.zeros_like(best)
    for number, given in enumerate(classes):
        values = given.astype(np.float32, copy=False)
        if chosen is None:
            np.maximum(second, np.minimum(best, values), out=second)
            np.maximum(best, values, out=best)
        else:
            own = chosen == number
            best[own] = values[own]
            np.maximum(second, np.where(own, 0, values), out=second)
    known = (best > 0) | (second > 0)
    second -= best
    second += known
    np.clip(second, 0, 1, out=second)
    return second
