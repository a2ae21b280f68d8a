"""Objects of the classes of a label image: connected pixels, their outlines and sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from tdseg.runtime.progress import Progress, Silent
from tdseg.unsupervised.foreground import FoundObject, find_objects


@dataclass(frozen=True)
class ClassObject:
    """An object, and the label value of its class."""

    value: int
    found: FoundObject


def class_objects(
    labels: npt.NDArray[np.integer],
    values: Sequence[int],
    *,
    min_size: int = 0,
    smoothing: float = 0.0,
    progress: Progress | None = None,
) -> list[ClassObject]:
    """Find the objects of each class: its pixels that touch, also at a corner.

    Parameters
    ----------
    labels
        (T, Z, Y, X) label values.
    values
        The classes to look at, in this order.
    min_size
        Smaller objects, in pixels, are left out; counted after smoothing.
    smoothing
        Standard deviation, in pixels, of the Gaussian that the mask of a class is smoothed with
        before it is cut at one half; 0: none. Each class is smoothed by itself.
    progress
        Hears how far the work is; may cancel.

    Returns
    -------
    list of ClassObject
        By class, then frame, slice, and first pixel in reading order; each class counts from 1 in
        every plane.

    Raises
    ------
    TdsegError
        If a class has more than 65,535 objects in a plane.
    """
    progress = progress or Silent()
    frames, slices = labels.shape[:2]
    total = max(len(values) * frames * slices, 1)
    objects: list[ClassObject] = []
    for k, value in enumerate(values):
        for t, z in np.ndindex(frames, slices):
            progress.update((k * frames * slices + t * slices + z) / total, "objects")
            mask = smoothed(labels[t, z] == value, smoothing)
            _, found = find_objects(mask, mask.astype(np.float32), min_size, t=t, z=z)
            objects += [ClassObject(value, each) for each in found]
    return objects


def smoothed(mask: npt.NDArray[np.bool_], sigma: float) -> npt.NDArray[np.bool_]:
    """Return a mask (Y, X) without details below `sigma` pixels; the border is continued."""
    if sigma == 0:
        return mask
    blurred: npt.NDArray[np.float32] = ndimage.gaussian_filter(
        mask.astype(np.float32), sigma, mode="nearest"
    )
    # A little more than rounding: where two sides are equal, as along a straight edge between
    # pixels, the mask stays.
    return np.where(np.abs(blurred - 0.5) < 1e-4, mask, blurred > 0.5)
