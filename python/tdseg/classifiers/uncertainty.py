"""How unsure a classification is, pixel by pixel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def uncertainty(probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Return one minus the margin between the two most probable classes.

    0 where one class is certain, 1 where two are equally probable ("smallest margin": Scheffer et
    al., "Active hidden Markov models for information extraction", IDA 2001).

    Parameters
    ----------
    probabilities
        (..., C, Y, X), as in a result or of one plane; they sum to 1 over C, or to 0 where nothing
        is known.

    Returns
    -------
    numpy.ndarray
        (..., Y, X) float32, 0 to 1; 0 where all probabilities are 0.
    """
    classes = np.moveaxis(np.asarray(probabilities), -3, 0)
    best: npt.NDArray[np.float32] = classes[0].astype(np.float32)
    second: npt.NDArray[np.float32] = np.zeros_like(best)
    for values in classes[1:]:
        np.maximum(second, np.minimum(best, values), out=second, casting="unsafe")
        np.maximum(best, values, out=best, casting="unsafe")
    known = best > 0
    second -= best
    second += known
    np.clip(second, 0, 1, out=second)
    return second
