"""Apply a trained classifier: the one function behind every route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tdseg.classifiers.model import Model
from tdseg.classifiers.uncertainty import uncertainty as uncertainty_of
from tdseg.images.image import Image, as_image
from tdseg.images.planes import plane_grid
from tdseg.options.settings import Settings
from tdseg.runtime.feature_map import FeatureMap
from tdseg.runtime.progress import Part, Progress, Silent
from tdseg.workflow.applier import Applier, Results
from tdseg.workflow.refine import note_given_back, refine_plane

if TYPE_CHECKING:
    from tdseg.features.token_cache import TokenCache


@dataclass(frozen=True)
class Result:
    """A segmented image.

    Attributes
    ----------
    labels
        (T, Z, Y, X) uint8 or uint16: label values as drawn; 0 outside the region.
    probabilities
        (T, Z, C, Y, X) float32, class by class, sums to 1; None where not asked for.
    uncertainty
        (T, Z, Y, X) float32, 0 to 1: one minus the margin between the label's probability and the
        highest other, before refinement; 0 outside the region. None where not asked for.
    class_values, class_names
        Label value and name of each class.
    info
        Settings and provenance, text by key.
    settings
        What ran, nothing left on ``auto``.
    """

    labels: np.ndarray
    probabilities: np.ndarray | None
    class_values: tuple[int, ...]
    class_names: tuple[str, ...]
    info: Mapping[str, str] = field(default_factory=dict)
    settings: Settings | None = None
    uncertainty: np.ndarray | None = None


def apply(
    model: Model,
    image: Image,
    *,
    probabilities: bool = True,
    uncertainty: bool | None = None,
    planes: Sequence[int] | None = None,
    region: np.ndarray | None = None,
    settings: Settings | None = None,
    cache: TokenCache | None = None,
    progress: Progress | None = None,
) -> Result:
    """Segment an image with a trained classifier.

    Parameters
    ----------
    model
        From `train` or `load`.
    image
        Any image with the channels that the model was trained on; also an array, as
        `Image.from_array` takes it.
    probabilities
        Whether to keep the class probabilities (4 bytes per pixel and class).
    uncertainty
        Whether to keep the uncertainty (4 bytes per pixel). Default: where probabilities are kept.
    planes
        Plane numbers (``t * Z + z``) to segment; they must form a grid of frames and slices.
        Default: all.
    region
        (Y, X) bool: segment only here; outside, labels, probabilities and uncertainty are 0.
    settings
        Overrides of resources and output: `memory_limit`, `tile`, `refine`, `first_label`,
        `device`, `precision`, `channels`; where the weights' files are. Default: as trained.
    cache, progress
        Token cache of a session; who hears how far the work is.

    Returns
    -------
    Result
        Labels, and what else was asked for.

    Raises
    ------
    TdsegError
        If the image does not fit the model, or the backbone's weights differ.
    """
    progress = progress or Silent()
    image = as_image(image)
    applier = Applier(model, image, settings, cache, progress)
    used, values = applier.settings, applier.values
    chosen, (frames, slices) = plane_grid(image, planes)
    height, width = image.size
    count = len(model.class_values)
    labels = np.zeros((frames * slices, height, width), values.dtype)
    kept = np.zeros((frames * slices, count, height, width), np.float32) if probabilities else None
    doubted = probabilities if uncertainty is None else uncertainty
    doubts = np.zeros(labels.shape, np.float32) if doubted else None
    given_back: dict[int, int] = {}
    for k, index in enumerate(chosen):
        part = Part(progress, k / len(chosen), (k + 1) / len(chosen))
        plane = applier.plane(index)
        target = kept[k] if kept is not None else None
        if used.refine == "crf" and target is None:
            target = np.zeros((count, height, width), np.float32)
        # The CRF looks beyond the region, so all pixels need their probabilities.
        within = region if used.refine == "none" else None
        doubt = doubts[k] if doubts is not None else None
        out = Results(labels[k], target, doubt if used.refine == "none" else None)
        prepared = applier.prepare(plane, out.labels_only)
        _classify(applier, prepared, out, within, part)
        if used.refine == "crf":
            assert target is not None
            refined = refine_plane(target, plane, used, part, given_back)
            best = refined.argmax(axis=0)
            labels[k] = values[best]
            if doubt is not None:  # a CRF is sure of nearly all: the classifier knows better
                doubt[...] = uncertainty_of(target, best)
            target[...] = refined
        if region is not None:
            labels[k][~region] = 0
            if kept is not None:
                kept[k][:, ~region] = 0
            if doubt is not None:
                doubt[~region] = 0
    note_given_back(given_back, model.class_names, used, progress)
    progress.update(1.0)
    return Result(
        labels.reshape(frames, slices, height, width),
        kept.reshape(frames, slices, count, height, width) if kept is not None else None,
        applier.class_values,
        model.class_names,
        applier.info(),
        applier.resolved,
        doubts.reshape(frames, slices, height, width) if doubts is not None else None,
    )


def _classify(
    applier: Applier,
    prepared: FeatureMap,
    out: Results,
    region: np.ndarray | None,
    progress: Progress,
) -> None:
    """Fill the results of one plane, or of the rectangle around a region of it."""
    top, left, height, width = _bounds(region, prepared.shape)
    rows, cols = slice(top, top + height), slice(left, left + width)
    part = Results(
        out.labels[rows, cols],
        None if out.probabilities is None else out.probabilities[:, rows, cols],
        None if out.uncertainty is None else out.uncertainty[rows, cols],
    )
    within = None if region is None else region[rows, cols]
    applier.classify(prepared, rows, cols, part, progress, within)


def _bounds(region: np.ndarray | None, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return top, left, height and width of what is to be classified."""
    if region is None:
        return 0, 0, *shape
    rows, cols = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if not len(rows):
        return 0, 0, 0, 0
    top, left = int(rows[0]), int(cols[0])
    return top, left, int(rows[-1]) + 1 - top, int(cols[-1]) + 1 - left
