"""Numbers of one result: pixels of each class, particles, agreement with the truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.images.image import Image
from tdseg.labels.label_images import label_values

Labels = npt.NDArray[np.integer]
_ROWS_AT_ONCE = 512


def class_pixels(labels: Labels, values: Sequence[int]) -> list[int]:
    """Count the pixels of each label value in (T, Z, Y, X) labels."""
    counts = np.zeros(max(values) + 1, np.int64)
    for plane in labels.reshape(-1, *labels.shape[-2:]):
        found = np.bincount(plane.ravel(), minlength=len(counts))
        counts += found[: len(counts)]
    return [int(counts[value]) for value in values]


def particle_sizes(labels: Labels, values: Sequence[int]) -> list[dict[str, float]]:
    """Measure the connected regions of each class, plane by plane.

    Regions are 8-connected and may touch the border, as those of ImageJ's *Analyze Particles* with
    its defaults.

    Returns
    -------
    list of dict
        One a class: ``count``, and ``mean``, ``median`` and ``largest`` size in pixels (0 without
        regions).
    """
    from scipy import ndimage

    sizes: list[list[npt.NDArray[np.int64]]] = [[] for _ in values]
    for plane in labels.reshape(-1, *labels.shape[-2:]):
        for found, value in zip(sizes, values, strict=True):
            regions, count = ndimage.label(plane == value, structure=np.ones((3, 3)))
            if count:
                found.append(np.bincount(regions.ravel())[1:])
    rows = []
    for found in sizes:
        every = np.concatenate(found) if found else np.zeros(0, np.int64)
        some = every if len(every) else np.zeros(1, np.int64)
        rows.append(
            {
                "count": len(every),
                "mean": float(some.mean()),
                "median": float(np.median(some)),
                "largest": int(some.max()),
            }
        )
    return rows


@dataclass(frozen=True)
class Agreement:
    """Pixels of each class that result and truth share, and that either has.

    Attributes
    ----------
    shared, either
        One number a class; pixels without truth (0) do not count.
    in_truth
        Whether the truth has the class.
    """

    shared: tuple[int, ...]
    either: tuple[int, ...]
    in_truth: tuple[bool, ...]

    def plus(self, other: Agreement) -> Agreement:
        """Return the agreement of two parts together."""
        return Agreement(
            tuple(a + b for a, b in zip(self.shared, other.shared, strict=True)),
            tuple(a + b for a, b in zip(self.either, other.either, strict=True)),
            tuple(a or b for a, b in zip(self.in_truth, other.in_truth, strict=True)),
        )

    @property
    def iou(self) -> list[float | None]:
        """Intersection over union of each class; None where neither has it."""
        return [s / e if e else None for s, e in zip(self.shared, self.either, strict=True)]

    @property
    def mean_iou(self) -> float | None:
        """Mean over the classes that the truth has."""
        found = [i for i, there in zip(self.iou, self.in_truth, strict=True) if there]
        known = [i for i in found if i is not None]
        return float(np.mean(known)) if known else None


def agreement(labels: Labels, truth: Image, values: Sequence[int]) -> Agreement | None:
    """Compare labels with a label image of the truth.

    Parameters
    ----------
    labels
        (T, Z, Y, X).
    truth
        One channel; 0 where nothing is known.
    values
        Label values of the classes, the same in both.

    Returns
    -------
    Agreement or None
        None if the sizes differ.
    """
    known = label_values(truth)
    if known.shape != labels.shape:
        return None
    shared, either, in_truth = (np.zeros(len(values), np.int64) for _ in range(3))
    for found, right in zip(
        labels.reshape(-1, *labels.shape[-2:]),
        known.reshape(-1, *known.shape[-2:]),
        strict=True,
    ):
        counted = right != 0
        for k, value in enumerate(values):
            ours, theirs = (found == value) & counted, right == value
            shared[k] += np.count_nonzero(ours & theirs)
            either[k] += np.count_nonzero(ours | theirs)
            in_truth[k] += np.count_nonzero(theirs)
    return Agreement(
        tuple(int(n) for n in shared),
        tuple(int(n) for n in either),
        tuple(bool(n) for n in in_truth),
    )


def agreement_of_images(
    labels: Image, truth: Image, values: Sequence[int], shift: int = 0
) -> Agreement | None:
    """Compare a label image with the truth a part at a time, as `agreement` does.

    Parameters
    ----------
    labels, truth
        One channel each; either may be read by parts.
    values
        Label values of the classes, as drawn.
    shift
        What was added to them in `labels`.

    Returns
    -------
    Agreement or None
        None if the sizes differ.
    """
    if labels.shape != truth.shape:
        return None
    none = (0,) * len(values)
    found = Agreement(none, none, (False,) * len(values))
    height, width = labels.size
    for index in range(labels.n_planes):
        for top in range(0, height, _ROWS_AT_ONCE):
            rows, cols = slice(top, min(top + _ROWS_AT_ONCE, height)), slice(0, width)
            ours, theirs = (
                Image.from_array(one.region(index, rows, cols)[:, :, 0], "YX", name=one.name)
                for one in (labels, truth)
            )
            part = agreement(label_values(ours).astype(np.int32) - shift, theirs, values)
            assert part is not None
            found = found.plus(part)
    return found


@dataclass(frozen=True)
class Pooled:
    """Agreement over all images.

    Attributes
    ----------
    images
        How many had a truth.
    iou
        Of each class, of the pixels of all images together; None where no image has it.
    mean_iou
        Their mean: the pooled mIoU.
    spread
        Standard deviation of the images' own mIoU.
    per_image
        The mean of the images' own mIoU.
    """

    images: int
    iou: list[float | None] = field(default_factory=list)
    mean_iou: float | None = None
    per_image: float | None = None
    spread: float | None = None


def pooled(found: Iterable[Agreement]) -> Pooled | None:
    """Join the agreements of images; None if there is none."""
    every = list(found)
    if not every:
        return None
    shared = np.sum([a.shared for a in every], axis=0)
    either = np.sum([a.either for a in every], axis=0)
    iou = [float(s / e) if e else None for s, e in zip(shared, either, strict=True)]
    known = [value for value in iou if value is not None]
    own = [a.mean_iou for a in every if a.mean_iou is not None]
    return Pooled(
        len(every),
        iou,
        float(np.mean(known)) if known else None,
        float(np.mean(own)) if own else None,
        float(np.std(own)) if own else None,
    )


def facts_of(
    labels: Labels, image: Image, values: Sequence[int], particles: bool
) -> dict[str, Any]:
    """Return what the report says of a result, in plain data.

    Nothing of when, where or how fast: results of the same image are the same, byte by byte.

    Parameters
    ----------
    labels
        (T, Z, Y, X).
    image
        Gives the calibration.
    values
        Label values of the classes.
    particles
        Whether to measure connected regions.
    """
    size = image.calibration
    facts: dict[str, Any] = {
        "shape": [int(n) for n in labels.shape],
        "pixel_area": size.pixel_area,
        "unit": size.unit or "pixel",
        "values": [int(value) for value in values],
        "pixels": class_pixels(labels, values),
    }
    if particles:
        facts["particles"] = particle_sizes(labels, values)
    return facts
