"""Factors that bring features of very small or large numbers to an ordinary range, exactly."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

LEAST_RANGE, GREATEST_RANGE = 2.0**-10, 2.0**60
"""Features that vary by less or more over the training pixels are scaled; others stay."""

NEGLIGIBLE_RANGE = 2.0**-110
"""Next to no digits are left in float32, and weights would overflow."""

TARGET_EXPONENT = 8
"""Scaled features vary by 2**7 to 2**8, as the features of 8-bit images do."""


def range_factors(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return a power of two for each feature: 1 where it varies enough, or not at all.

    Heights in metres make features of 1e-9, their squares 1e-18: there, fixed tolerances of
    libraries and the smallest float32 are not small; squares of large numbers overflow. A power of
    two changes no digit, so thresholds and weights map back exactly, and an image times a power of
    two gives the same classifier.

    Parameters
    ----------
    features : ndarray, (n, F) float32
        Finite; n is at least 1.

    Returns
    -------
    ndarray, (F,) float32
    """
    extent = _extents(features)
    exponent = np.frexp(extent)[1]
    unusual = ((extent > 0) & (extent < LEAST_RANGE)) | (extent > GREATEST_RANGE)
    # float32 holds factors from 2**-126 to 2**127.
    power = np.where(unusual, np.minimum(TARGET_EXPONENT - exponent, 127), 0)
    return np.ldexp(np.float32(1), power).astype(np.float32)


def factors_for_trees(
    features: npt.NDArray[np.float32], sources: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Return `range_factors` of those sources whose features are small as a rule, else 1.

    Trees do see a factor, by way of scikit-learn's tolerance of 1e-7. A few tiny features beside
    ordinary ones (fifth derivatives of an 8-bit image) stay as they are: the numbers of the image
    are not small, and its forests are those of earlier versions.

    Parameters
    ----------
    features : ndarray, (n, F) float32
        Finite; n is at least 1.
    sources : ndarray, (F,) int64
        Where each feature comes from, see `TrainingSet`.

    Returns
    -------
    ndarray, (F,) float32
    """
    factors = range_factors(features)
    extent = _extents(features)
    for source in np.unique(sources):
        of_source = sources == source
        varying = extent[of_source & (extent > 0)]
        if len(varying) and np.median(varying) >= LEAST_RANGE:
            factors[of_source] = 1
    return factors


def _extents(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    extent: npt.NDArray[np.float64] = features.max(axis=0) - features.min(axis=0).astype(np.float64)
    return extent
