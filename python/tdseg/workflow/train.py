"""Train a pixel classifier: the one function behind every route."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tdseg.classifiers.model import Model
from tdseg.errors import TdsegError
from tdseg.features.extractors import Extraction, build_extraction
from tdseg.images.image import Image, as_image
from tdseg.images.intensity import Intensity, backbone_ranges, selected_channels
from tdseg.labels.sparse_labels import SparseLabels
from tdseg.options.settings import Settings, one_of, parse_numbers
from tdseg.runtime.progress import Part, Progress, Silent
from tdseg.workflow.augment import augment
from tdseg.workflow.choose_refinement import Places, choose_refinement
from tdseg.workflow.coverage import (
    SAMPLE_PIXELS,
    UNLABELLED_PIXELS,
    levels_shown,
    pixels_around,
)
from tdseg.workflow.learning import LabelledPixels, learn
from tdseg.workflow.plane_features import PlaneFeatures

if TYPE_CHECKING:
    from tdseg.features.token_cache import TokenCache

LabelledImage = tuple[Image, SparseLabels]


def train(
    examples: Sequence[LabelledImage],
    settings: Settings | None = None,
    *,
    options: Settings | None = None,
    cache: TokenCache | None = None,
    progress: Progress | None = None,
) -> Model:
    """Train a pixel classifier on sparse labels of one or many images.

    Features are computed at labelled pixels only.

    Parameters
    ----------
    examples
        Pairs of an image and its labels; also arrays, as `Image.from_array` and
        `SparseLabels.from_label_image` take them.
    settings
        Features, classifier and the rest; default: hybrid features, ``classifier=auto``.
    options
        Another name of `settings`.
    cache
        Keeps tokens, so that training again after another stroke runs no backbone.
    progress
        Hears how far the work is; may cancel.

    Returns
    -------
    Model
        With `.report`, the held-out figures.

    Raises
    ------
    TdsegError
        If there are no labels or one class only, labels and image differ in size, images differ
        in channels, or pixels are NaN; the message names the image.
    """
    progress = progress or Silent()
    settings = one_of(settings, options) or Settings()
    started = time.monotonic()
    examples = _with_labels(as_examples(examples), settings, progress)
    values, names = _classes(examples)
    channels, channel_names, rgb = _common_channels(examples, settings)
    ranges: np.ndarray | None = None
    if settings.normalize == "none":
        ranges = backbone_ranges([image for image, _ in examples], channels)
    extraction = build_extraction(settings, cache, progress)
    intensities = [Intensity(image, channels, settings.normalize, ranges) for image, _ in examples]
    changes = settings.augment == "grey" or (settings.augment == "auto" and len(examples) > 1)
    part = Part(progress, 0, 0.2 if changes else 0.7)

    def gather(extraction: Extraction) -> LabelledPixels:
        return _gather(examples, values, extraction, settings, intensities, cache, part)

    data = gather(extraction)
    if data.around is not None:
        levels = levels_shown(
            extraction.extractor.names(channel_names, rgb),
            data.features,
            data.classes,
            data.around,
            extraction.settings,
            progress,
        )
        if levels != extraction.settings.levels:
            # Tokens depend on which levels are read, so they are computed as applying will.
            chosen = extraction.settings.with_(levels=levels)
            extraction = build_extraction(chosen, cache, progress)
            data = gather(extraction)
    feature_names = extraction.extractor.names(channel_names, rgb)
    data, used, brightness = augment(
        data,
        extraction.settings,
        extraction.extractor,
        intensities,
        names,
        feature_names,
        Part(progress, 0.2, 0.7),
    )
    gathered = time.monotonic()
    part = Part(progress, 0.7, 0.9 if settings.refine == "auto" else 1)
    learned = learn(data, names, feature_names, used, part)
    used, refinement = learned.settings, None
    if settings.refine == "auto":
        extractor = extraction.extractor
        if used.features != settings.features:
            extractor = build_extraction(used, cache).extractor
        used, refinement = choose_refinement(
            used,
            extractor,
            intensities,
            [image.size for image, _ in examples],
            Places(data.images, data.planes, data.rows, data.cols),
            data.classes,
            names,
            learned.classifier,
            Part(progress, 0.9, 1),
        )
    progress.update(1.0)
    counts = np.bincount(data.classes, minlength=len(values))
    summary = {
        "images": [image.name for image, _ in examples],
        "pixels": {n: int(c) for n, c in zip(names, counts, strict=True)},
        "labelled_pixels": int(sum(len(labels) for _, labels in examples)),
        "features": len(learned.feature_names),
        "seconds_features": round(gathered - started, 2),
        "seconds_training": round(learned.seconds_training, 2),
        "seconds_held_out": round(learned.seconds_held_out, 2),
    }
    if refinement is not None:
        summary["refinement"] = refinement
    report = learned.report
    if brightness:
        summary["augment"] = brightness
        report = report and report.with_choice(brightness["reason"])
    return Model(
        classifier=learned.classifier,
        settings=used,
        feature_names=learned.feature_names,
        class_values=values,
        class_names=names,
        channels=channel_names,
        rgb=rgb,
        dtype=examples[0][0].dtype.name,
        ranges=ranges,
        weights=extraction.weights if used.uses_deep else (),
        report=report,
        summary=summary,
        name=examples[0][0].name,
        upsampler=extraction.upsampler if used.uses_deep else None,
    )


def as_examples(examples: Sequence[Any]) -> list[LabelledImage]:
    """Return pairs of Image and SparseLabels, made of arrays where they are arrays.

    Raises
    ------
    TdsegError
        If something in `examples` is no pair, or a shape does not fit.
    """
    found = []
    for number, pair in enumerate(examples, start=1):
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise TdsegError(
                "Give a list of pairs of image and labels: tdseg.train([(image, labels)])."
            )
        image = as_image(pair[0], f"image {number}")
        labels = pair[1]
        if not isinstance(labels, SparseLabels):
            labels = SparseLabels.from_label_image(
                labels, name=f"The label image of image {number}"
            )
        found.append((image, labels))
    return found


def _with_labels(
    examples: Sequence[LabelledImage], settings: Settings, progress: Progress
) -> list[LabelledImage]:
    """Leave images without labels out, and say what else may not be meant."""
    examples = list(examples)
    if not examples:
        raise TdsegError("There is nothing to train on; give at least one image with labels.")
    bare = [image.name for image, labels in examples if len(labels) == 0]
    if len(bare) == len(examples):
        which = f"Image '{bare[0]}' has no" if len(bare) == 1 else f"None of {len(bare)} images has"
        raise TdsegError(f"{which} labels; label pixels of at least two classes.", hint="label")
    kept = [(image, labels) for image, labels in examples if len(labels)]
    if bare:
        progress.note(
            f"{len(bare)} of {len(examples)} images {'has' if len(bare) == 1 else 'have'} no "
            f"labels and {'is' if len(bare) == 1 else 'are'} left out: {listed(bare)}."
        )
    by_type: dict[str, str] = {}
    for image, _ in kept:
        by_type.setdefault(image.dtype.name, image.name)
    if len(by_type) > 1 and settings.normalize == "none":
        types = ", ".join(f"{dtype} ('{name}')" for dtype, name in by_type.items())
        progress.note(
            f"The images are of different types: {types}; grey values may not be comparable. Use "
            "normalize=image, or convert the images to one type."
        )
    return kept


def listed(names: Sequence[str], limit: int = 3) -> str:
    """Return the first names, quoted, and how many there are more."""
    text = ", ".join(f"'{name}'" for name in names[:limit])
    return f"{text} and {len(names) - limit} more" if len(names) > limit else text


def _classes(examples: Sequence[LabelledImage]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Collect label values and names over all images; check that there is something to learn."""
    names: dict[int, str] = {}
    present: set[int] = set()
    for image, labels in examples:
        expected = (*image.shape[:2], *image.size)
        if tuple(labels.shape) != expected:
            raise TdsegError(
                f"The labels of image '{image.name}' have the size (T, Z, Y, X) {labels.shape}, "
                f"the image {expected}; they must be the same."
            )
        present.update(labels.values)
        for value, name in labels.class_names.items():
            if names.setdefault(value, name) != name:
                raise TdsegError(
                    f"Label value {value} is called '{names[value]}' in one image and '{name}' in "
                    f"'{image.name}'; use one name."
                )
    if len(present) < 2:
        only = next(iter(present))
        raise TdsegError(
            f"All labels belong to one class ('{names.get(only, f'class {only}')}'); draw labels "
            "of at least two classes."
        )
    # A class that was named but not drawn stays out: no pixel can be given to it.
    values = tuple(sorted(present))
    return values, tuple(names.get(v, f"class {v}") for v in values)


def _common_channels(
    examples: Sequence[LabelledImage], settings: Settings
) -> tuple[list[int], tuple[str, ...], bool]:
    first = examples[0][0]
    channels = parse_numbers(settings.channels, len(first.channels), "channels", "channels")
    names, rgb = selected_channels(first, channels)
    for image, _ in examples[1:]:
        count = len(image.channels)
        alike = settings.channels != "all" or count == len(first.channels)
        others = parse_numbers(settings.channels, count, "channels", "channels")
        if not alike or selected_channels(image, others) != (names, rgb):
            raise TdsegError(
                f"Images '{first.name}' and '{image.name}' differ in their channels; train on "
                "images of one kind, or choose channels that both have, for example channels=1."
            )
    return channels, names, rgb


def _gather(
    examples: Sequence[LabelledImage],
    values: Sequence[int],
    extraction: Extraction,
    settings: Settings,
    intensities: Sequence[Intensity],
    cache: TokenCache | None,
    progress: Progress,
) -> LabelledPixels:
    """Compute the features of the labelled pixels, plane by plane."""
    kept = _subsample([labels for _, labels in examples], values, settings, progress)
    features, classes, rois, images, where = [], [], [], [], []
    around: list[np.ndarray] = []
    unlabelled: list[np.ndarray] = []
    rng = np.random.default_rng(settings.seed)
    jobs = [
        (number, int(plane))
        for number, labels in enumerate(kept)
        for plane in np.unique(labels.plane)
    ]
    next_roi = 0
    offsets = []
    for labels in kept:
        offsets.append(next_roi)
        next_roi += int(labels.group.max()) + 1 if len(labels) else 0
    for done, (number, plane) in enumerate(jobs):
        progress.update(done / len(jobs), "computing features")
        labels = kept[number]
        here = labels.plane == plane
        rows, cols = labels.y[here], labels.x[here]
        found = PlaneFeatures(extraction, intensities[number].plane(plane), cache)
        features.append(found.at(rows, cols))
        if extraction.settings.uses_deep and settings.levels == "auto":
            count = -(-SAMPLE_PIXELS // len(jobs))
            deep = found.deep_at(*pixels_around(rows, cols, found.shape, count, rng))
            assert deep is not None
            around.append(deep)
        if settings.classifier in ("auto", "mean"):
            count = -(-UNLABELLED_PIXELS // len(jobs))
            # Of their own, so that levels given and levels chosen draw the same pixels.
            own = np.random.default_rng([settings.seed, done])
            unlabelled.append(found.at(*pixels_around(rows, cols, found.shape, count, own)))
        classes.append(np.searchsorted(values, labels.value[here]))
        rois.append(labels.group[here] + offsets[number])
        images.append(np.full(len(rows), number, np.int32))
        where.append(np.stack([np.full(len(rows), plane), rows, cols]).astype(np.int64))
    planes, ys, xs = np.concatenate(where, axis=1)
    return LabelledPixels(
        np.concatenate(features),
        np.concatenate(classes).astype(np.int64),
        np.concatenate(rois),
        np.concatenate(images),
        planes,
        ys,
        xs,
        np.concatenate(around) if around else None,
        unlabelled=np.concatenate(unlabelled) if unlabelled else None,
    )


def _subsample(
    all_labels: Sequence[SparseLabels],
    values: Sequence[int],
    settings: Settings,
    progress: Progress,
) -> list[SparseLabels]:
    """Keep at most `samples` pixels, the same number of each class as far as there are as many."""
    value = np.concatenate([labels.value for labels in all_labels])
    if settings.samples == 0 or len(value) <= settings.samples:
        return list(all_labels)
    if settings.samples < len(values):
        raise TdsegError(
            f"Key 'samples': {settings.samples} pixels are fewer than the {len(values)} classes; "
            "give more, or 0 for all."
        )
    counts = np.array([(value == v).sum() for v in values])
    quota = _even_quota(counts, settings.samples)
    rng = np.random.default_rng(settings.seed)
    keep = np.zeros(len(value), bool)
    for v, q in zip(values, quota, strict=True):
        where = np.flatnonzero(value == v)
        keep[rng.choice(where, q, replace=False)] = True
    progress.note(
        f"{len(value)} labelled pixels; {int(keep.sum())} of them train (samples="
        f"{settings.samples})."
    )
    edges = np.cumsum([0, *(len(labels) for labels in all_labels)])
    return [
        labels.select(keep[a:b])
        for labels, a, b in zip(all_labels, edges[:-1], edges[1:], strict=True)
    ]


def _even_quota(counts: np.ndarray, total: int) -> np.ndarray:
    """Share `total` evenly; what small classes do not need goes to the larger ones."""
    quota = np.zeros(len(counts), np.int64)
    left = total
    for done, k in enumerate(np.argsort(counts, kind="stable")):
        quota[k] = min(int(counts[k]), left // (len(counts) - done))
        left -= int(quota[k])
    return quota
