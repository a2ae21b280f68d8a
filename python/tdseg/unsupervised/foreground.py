"""What stands out: clusters of above-average attention, and the objects that they form.

After HR-Dv2: the attention density of a cluster is its mean attention; foreground are the classes
whose density is above the mean of all classes' densities, however large they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tdseg.errors import TdsegError
from tdseg.unsupervised.contours import outlines

"""Pixels of the smallest object, as in HR-Dv2."""


@dataclass(frozen=True)
class FoundObject:
    """One object of a plane; lengths in pixels.

    Attributes
    ----------
    label
        Its value in the label image.
    t, z
        Frame and slice, from 0.
    area
        Number of pixels.
    x, y, width, height
        Bounding box: left, top, and size.
    centroid_x, centroid_y
        Mean of its pixel centres, where the centre of pixel 0 is at 0.5 as in ImageJ.
    attention
        Mean of the map that found it.
    outlines
        Polygons of (n, 2) int32 corners (x, y) along pixel edges: its boundary, clockwise, then
        its holes, counter-clockwise. Corners, not centres: the pixel (0, 0) spans 0 to 1.
    """

    label: int
    t: int
    z: int
    area: int
    x: int
    y: int
    width: int
    height: int
    centroid_x: float
    centroid_y: float
    attention: float
    outlines: tuple[np.ndarray, ...]


def cluster_densities(assigned: np.ndarray, attention: np.ndarray, count: int) -> np.ndarray:
    """Return the mean attention of each of `count` clusters, (C,), from the sampled pixels."""
    pixels = np.bincount(assigned, minlength=count)
    total = np.bincount(assigned, weights=attention, minlength=count)
    density: np.ndarray = total / np.maximum(pixels, 1)
    return density


def foreground_classes(densities: np.ndarray) -> np.ndarray:
    """Return which classes are foreground, (K,) bool: denser than the mean of the densities."""
    # A margin above rounding, so that equal densities have no foreground.
    margin = 1e-6 * max(float(np.abs(densities).max(initial=0)), 1e-12)
    front: np.ndarray = densities > densities.mean() + margin
    return front


def find_objects(
    mask: np.ndarray,
    attention: np.ndarray,
    min_size: int,
    *,
    t: int = 0,
    z: int = 0,
) -> tuple[np.ndarray, list[FoundObject]]:
    """Label the connected components of a foreground mask.

    Parameters
    ----------
    mask
        (Y, X) bool.
    attention
        (Y, X) float32, averaged over each object.
    min_size
        Smaller components, in pixels, are dropped.
    t, z
        Frame and slice to write into the rows.

    Returns
    -------
    labels : numpy.ndarray
        (Y, X) uint16: 1 to n in reading order of their first pixels, 0 for background. Pixels
        that touch at a corner are connected, as in ImageJ's particle analyser.
    objects : list of FoundObject
        One row per object, in the labels' order.

    Raises
    ------
    TdsegError
        If there are more than 65,535 objects.
    """
    found, count = ndimage.label(mask, np.ones((3, 3), int))
    sizes = np.bincount(found.ravel(), minlength=count + 1)
    keep = sizes >= max(min_size, 1)
    keep[0] = False
    if keep.sum() > np.iinfo(np.uint16).max:
        raise TdsegError(
            f"{int(keep.sum())} objects are more than a label image can number; raise min_size "
            f"(now {min_size} pixels)."
        )
    number = np.zeros(count + 1, np.uint16)
    number[keep] = np.arange(1, keep.sum() + 1)
    labels = number[found]
    rows: list[FoundObject] = []
    for k, box in enumerate(ndimage.find_objects(labels), start=1):
        inside = labels[box] == k
        ys, xs = np.nonzero(inside)
        top, left = box[0].start, box[1].start
        corner = np.array([left, top], np.int32)
        rows.append(
            FoundObject(
                label=k,
                t=t,
                z=z,
                area=len(ys),
                x=left,
                y=top,
                width=box[1].stop - left,
                height=box[0].stop - top,
                centroid_x=float(xs.mean()) + left + 0.5,
                centroid_y=float(ys.mean()) + top + 0.5,
                attention=float(attention[box][inside].mean(dtype=np.float64)),
                outlines=tuple(ring + corner for ring in outlines(inside)),
            )
        )
    return labels, rows


def find_objects_in_planes(
    masks: np.ndarray, attention: np.ndarray, min_size: int
) -> tuple[np.ndarray, tuple[FoundObject, ...]]:
    """Find the objects of every plane of masks and attention, (T, Z, Y, X); see `find_objects`."""
    labels = np.zeros(masks.shape, np.uint16)
    objects: list[FoundObject] = []
    for t, z in np.ndindex(masks.shape[0], masks.shape[1]):
        labels[t, z], rows = find_objects(masks[t, z], attention[t, z], min_size, t=t, z=z)
        objects += rows
    return labels, tuple(objects)
