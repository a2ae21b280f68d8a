"""Apply a trained classifier: the one function behind every route."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tdseg.backbones.devices import resolve_device
from tdseg.classifiers.model import Model
from tdseg.classifiers.uncertainty import uncertainty as uncertainty_of
from tdseg.errors import TdsegError
from tdseg.features.extractors import build_extraction, check_weights
from tdseg.images.image import Image, as_image
from tdseg.images.intensity import Intensity, selected_channels
from tdseg.images.planes import plane_grid
from tdseg.labels.carried_names import names_line
from tdseg.options.settings import Settings, parse_numbers
from tdseg.runtime.feature_map import FeatureMap
from tdseg.runtime.memory import memory_budget
from tdseg.runtime.progress import Part, Progress, Silent
from tdseg.runtime.tiling import blocks
from tdseg.workflow.refine import note_given_back, refine_plane

if TYPE_CHECKING:
    from tdseg.features.token_cache import TokenCache


# Larger blocks gain nothing: their memory is touched once and costs more than their borders.
BLOCK_BYTES = 128 * 1024**2


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
    used = _on_this_machine(model, settings or model.settings, progress)
    used = _as_chosen(model, used, progress)
    channels = _channels_for(model, image, used.channels)
    extraction = build_extraction(used, cache, progress)
    check_weights(model.weights, extraction.weights, model.name)
    check_weights(
        [model.upsampler], [extraction.upsampler], model.name, "upsampler", "upsampler_weights"
    )
    found = extraction.extractor.names(model.channels, model.rgb)
    if tuple(found) != model.feature_names:
        missing = sorted(set(model.feature_names) - set(found))[:3]
        raise TdsegError(
            f"Classifier '{model.name}' needs features that these settings do not give "
            f"({', '.join(missing) or 'another order'}); apply it with its own settings."
        )
    if image.dtype.name != model.dtype and used.normalize == "none":
        progress.note(
            f"Image '{image.name}' is {image.dtype.name}, the classifier was trained on "
            f"{model.dtype}: grey values may not be comparable."
        )
    chosen, (frames, slices) = plane_grid(image, planes)
    height, width = image.size
    count = len(model.class_values)
    shift = used.first_label - 1
    values = np.asarray(model.class_values) + shift
    dtype = np.uint8 if values.max() <= 255 else np.uint16
    labels = np.zeros((frames * slices, height, width), dtype)
    kept = np.zeros((frames * slices, count, height, width), np.float32) if probabilities else None
    doubted = probabilities if uncertainty is None else uncertainty
    doubts = np.zeros(labels.shape, np.float32) if doubted else None
    intensity = Intensity(image, channels, used.normalize, model.ranges)
    given_back: dict[int, int] = {}
    for k, index in enumerate(chosen):
        part = Part(progress, k / len(chosen), (k + 1) / len(chosen))
        plane = intensity.plane(index)
        features = extraction.extractor.extract(plane)
        target = kept[k] if kept is not None else None
        if used.refine == "crf" and target is None:
            target = np.zeros((count, height, width), np.float32)
        # The CRF looks beyond the region, so all pixels need their probabilities.
        within = region if used.refine == "none" else None
        doubt = doubts[k] if doubts is not None else None
        out = _Plane(labels[k], target, doubt if used.refine == "none" else None)
        _classify(model, features, values.astype(dtype), out, within, used, part)
        if used.refine == "crf":
            assert target is not None
            refined = refine_plane(target, plane, used, part, given_back)
            best = refined.argmax(axis=0)
            labels[k] = values.astype(dtype)[best]
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
    class_values = tuple(int(v) for v in values)
    progress.update(1.0)
    return Result(
        labels.reshape(frames, slices, height, width),
        kept.reshape(frames, slices, count, height, width) if kept is not None else None,
        class_values,
        model.class_names,
        {
            **model.info(),
            **names_line(dict(zip(class_values, model.class_names, strict=True))),
            **{f"tdseg.{k}": str(v) for k, v in extraction.settings.to_dict().items()},
            **model.network_info(),
        },
        extraction.settings,
        doubts.reshape(frames, slices, height, width) if doubts is not None else None,
    )


@dataclass(frozen=True)
class _Plane:
    """Where one plane's results go: (Y, X), (K, Y, X) and (Y, X), or None."""

    labels: np.ndarray
    probabilities: np.ndarray | None
    uncertainty: np.ndarray | None


def _classify(
    model: Model,
    features: FeatureMap,
    values: np.ndarray,
    out: _Plane,
    region: np.ndarray | None,
    settings: Settings,
    progress: Progress,
) -> None:
    """Fill the results of one plane, block by block."""
    classifier = model.classifier
    labels_only = out.probabilities is None and out.uncertainty is None
    prepared = (classifier.prepare_labels if labels_only else classifier.prepare)(features)
    limit = min(memory_budget(settings.memory_limit) // 2, BLOCK_BYTES)
    per_pixel = classifier.bytes_per_pixel(prepared)
    top, left, *size = _bounds(region, prepared.shape)
    grid = list(blocks((size[0], size[1]), per_pixel, limit, settings.tile))
    for done, (down, across) in enumerate(grid):
        progress.update(done / len(grid), "classifying")
        rows = slice(top + down.start, top + down.stop)
        cols = slice(left + across.start, left + across.stop)
        if region is not None and not region[rows, cols].any():
            continue
        block = prepared.block(rows, cols)
        if labels_only:
            out.labels[rows, cols] = values[classifier.predict_block(block)]
            continue
        found = classifier.predict_proba_block(block)
        if out.probabilities is not None:
            out.probabilities[:, rows, cols] = found
        if out.uncertainty is not None:
            out.uncertainty[rows, cols] = uncertainty_of(found)
        out.labels[rows, cols] = values[found.argmax(axis=0)]


def _bounds(region: np.ndarray | None, shape: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return top, left, height and width of what is to be classified."""
    if region is None:
        return 0, 0, *shape
    rows, cols = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if not len(rows):
        return 0, 0, 0, 0
    top, left = int(rows[0]), int(cols[0])
    return top, left, int(rows[-1]) + 1 - top, int(cols[-1]) + 1 - left


def _as_chosen(model: Model, settings: Settings, progress: Progress) -> Settings:
    """Replace ``refine=auto`` by what the classifier keeps; without a word, by no refinement."""
    if settings.refine != "auto":
        return settings
    kept = model.settings.refine
    if kept == "auto" or (kept == "none" and "refinement" not in model.summary):
        progress.note(
            f"Classifier '{model.name}' does not know whether refinement helps, so refine=auto "
            "refines nothing; train it with refine=auto, or apply it with refine=crf."
        )
        kept = "none"
    return settings.with_(refine=kept)


def _on_this_machine(model: Model, settings: Settings, progress: Progress) -> Settings:
    """Fall back to the CPU, and say so, where a device of the training is missing here."""
    wanted = settings.device
    if wanted != model.settings.device or wanted in ("auto", "cpu"):
        return settings
    try:
        resolve_device(wanted, "float32")
    except TdsegError:
        progress.note(
            f"Classifier '{model.name}' was trained with device={wanted}, which this machine "
            "lacks; it runs on the cpu instead."
        )
        settings = settings.with_(device="cpu")
    return settings


def _channels_for(model: Model, image: Image, wanted: str) -> list[int]:
    """Check the wanted channels of an image against the model's rule, and return their indices."""
    chosen = parse_numbers(wanted, len(image.channels), "channels", "channels")
    names, rgb = selected_channels(image, chosen)
    if rgb != model.rgb or len(names) != len(model.channels):
        raise TdsegError(
            f"Classifier '{model.name}' was trained on {_describe(model.channels, model.rgb)}, "
            f"but image '{image.name}' is {_describe(names, rgb)}; "
            + _other_channels(model, image, rgb)
        )
    return chosen


def _other_channels(model: Model, image: Image, rgb: bool) -> str:
    """Say how an image of other channels can be segmented after all."""
    count = len(model.channels)
    if rgb == model.rgb and len(image.channels) >= count:
        example = ",".join(str(k + 1) for k in range(count))
        return f"choose as many of its channels, for example channels={example}."
    if model.rgb:
        return "convert it to RGB colour first."
    if rgb and count == 1:
        return "convert it to grey values first."
    return f"give an image of {count} channels."


def _describe(channels: Sequence[str], rgb: bool) -> str:
    if rgb:
        return "RGB colour"
    return "a single grey channel" if len(channels) == 1 else f"{len(channels)} channels"
