"""Keep small phases that a dense CRF would erase.

A mean-field update weighs a pixel against the average of all similar pixels within the kernel's
reach. A rare phase whose colour also occurs elsewhere is therefore outvoted however sure the
classifier was, and 1 % of an image can vanish altogether. No compatibility mends this: factors
that rescue the rare class let it flood what resembles it. The guard acts after inference instead.
A class that lost more than a chosen part of its pixels gets its *confident regions* back, with the
classifier's own probabilities: the connected regions in which it was the most probable class
everywhere and more probable than all others together somewhere. Faint speckle stays removed, and
the other classes are refined as without the guard.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tdseg.refine.checks import normalized, row_blocks

Floats = npt.NDArray[np.float32]

CONFIDENT = 0.5
"""A region is confident if its class has more than this probability somewhere in it."""


def keep_phases(
    before: npt.NDArray[np.floating], after: Floats, min_fraction: float
) -> dict[int, int]:
    """Restore the classes that lost too much, until none but restored ones are short of pixels.

    Parameters
    ----------
    before : (K, Y, X) float
        Probabilities before refinement.
    after : (K, Y, X) float32
        Probabilities after refinement, changed in place.
    min_fraction : float
        Part of its pixels that a class must keep, in [0, 1]; 0 does nothing.

    Returns
    -------
    dict
        How many pixels each restored class was given back, in the order of restoring.
    """
    restored: dict[int, int] = {}
    # What one class gets back another loses, so look again; regions never overlap.
    while lost := [k for k in lost_classes(before, after, min_fraction) if k not in restored]:
        restored |= restore_classes(before, after, lost)
    return restored


def lost_classes(before: npt.NDArray[np.floating], after: Floats, min_fraction: float) -> list[int]:
    """Return the classes that kept too few of their pixels.

    Parameters
    ----------
    before, after : (K, Y, X) float
        Probabilities before and after refinement.
    min_fraction : float
        Least allowed ratio of a class's pixel counts after and before, in [0, 1].

    Returns
    -------
    list of int
        Indices of the classes that were somewhere the most probable one and now are in fewer than
        `min_fraction` times as many pixels.
    """
    if min_fraction <= 0:
        return []
    classes = len(before)
    old = np.zeros(classes, np.int64)
    new = np.zeros(classes, np.int64)
    for rows in row_blocks(before.shape):
        old += np.bincount(before[:, rows].argmax(axis=0).ravel(), minlength=classes)
        new += np.bincount(after[:, rows].argmax(axis=0).ravel(), minlength=classes)
    return [k for k in range(classes) if new[k] < min_fraction * old[k]]


def restore_classes(
    before: npt.NDArray[np.floating], after: Floats, classes: list[int]
) -> dict[int, int]:
    """Put the confident regions of `classes` back, in place.

    Parameters
    ----------
    before : (K, Y, X) float
        Probabilities before refinement.
    after : (K, Y, X) float32
        Probabilities after refinement, changed in place.
    classes : list of int
        From `lost_classes`.

    Returns
    -------
    dict
        The number of pixels that each class has again and had lost.
    """
    given: dict[int, int] = {}
    for k in classes:
        region = np.empty(before.shape[1:], np.bool_)
        for rows in row_blocks(before.shape):
            region[rows] = before[:, rows].argmax(axis=0) == k
        # Diagonal neighbours belong together: thin phases are often one pixel wide.
        numbers, count = ndimage.label(region, np.ones((3, 3), np.int8))
        confident = np.zeros(count + 1, np.bool_)
        confident[numbers[region & (before[k] > CONFIDENT)]] = True
        region = confident[numbers]
        given[k] = int((after[:, region].argmax(axis=0) != k).sum())
        after[:, region] = normalized(before[:, region])
    return given
