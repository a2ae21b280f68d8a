"""Segment images without labels: the one function behind every route."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.classifiers.model import Model
from tdseg.classifiers.provenance import made_with
from tdseg.errors import TdsegError
from tdseg.features.classical import ClassicalOptions
from tdseg.features.extractors import (
    ClassicalFeatures,
    build_extraction,
)
from tdseg.features.token_cache import TokenCache, open_cache
from tdseg.images.image import Image, as_images
from tdseg.images.intensity import Intensity, backbone_ranges, selected_channels
from tdseg.images.planes import plane_grid
from tdseg.labels.carried_names import names_line
from tdseg.options.groups import UnlabelledOptions
from tdseg.options.settings import Settings, one_of
from tdseg.runtime.feature_map import FeatureMap, PlaneInput
from tdseg.runtime.memory import memory_budget
from tdseg.runtime.progress import Part, Progress, Silent
from tdseg.unsupervised.attention import Saliency, saliency
from tdseg.unsupervised.clustering import INITIAL_CLUSTERS, SAMPLE_PIXELS
from tdseg.unsupervised.embedding import FeatureRun
from tdseg.unsupervised.finding import FoundClasses, find_classes, find_foreground
from tdseg.unsupervised.foreground import FoundObject, find_objects_in_planes
from tdseg.unsupervised.result import UnlabelledResult
from tdseg.unsupervised.sampling import PixelSample, SourcePlane, draw_sample, spread_planes
from tdseg.workflow.apply import apply
from tdseg.workflow.image_facts import common_channels, facts_of_image

CACHE_BYTES = 1024**3


def segment_without_labels(
    images: Sequence[Image | npt.NDArray[Any]] | Image | npt.NDArray[Any],
    *,
    method: str = UnlabelledOptions.method,
    clusters: int | str = UnlabelledOptions.clusters,
    settings: Settings | None = None,
    min_size: int = UnlabelledOptions.min_size,
    cutoff_scale: float = UnlabelledOptions.cutoff_scale,
    initial: int = INITIAL_CLUSTERS,
    probabilities: bool = False,
    planes: Sequence[int] | None = None,
    cache: TokenCache | None = None,
    progress: Progress | None = None,
    options: Settings | None = None,
) -> list[UnlabelledResult]:
    """Segment one or many images without labels; the same class has the same value in all.

    Parameters
    ----------
    images
        Images of one kind, or arrays that `Image.from_array` takes without axes; or one alone.
    method
        "clusters": classes of pixels with similar features. "attention": maps of what the network
        attends to, and objects of above-average attention. "foreground": objects made of the
        clusters that attention prefers. A backbone without attention (and classical features)
        uses a normalised cut in its place, and the result says so.
    clusters
        Number of classes, or "auto": as many as the semantic distance between foreground and
        background separates (HR-Dv2). Only for "clusters".
    settings
        Features, seed, `refine`, resources; default: deep features.
    min_size
        Smallest object in pixels.
    cutoff_scale
        Factor of the semantic distance: above 1 gives fewer classes.
    initial
        How many clusters k-means finds before they are merged.
    probabilities
        Whether to keep the class probabilities.
    planes
        Plane numbers of every image; default all.
    cache, progress
        Token cache of a session; who hears how far the work is.
    options
        Another name of `settings`.

    Returns
    -------
    list of UnlabelledResult
        One per image.

    Raises
    ------
    TdsegError
        If an option is not valid, images differ in their channels, pixels are NaN, or there are
        fewer different pixels than classes.
    """
    return list(
        segment_one_by_one(
            as_images(images),
            method=method,
            clusters=clusters,
            settings=one_of(settings, options),
            min_size=min_size,
            cutoff_scale=cutoff_scale,
            initial=initial,
            probabilities=probabilities,
            planes=planes,
            cache=cache,
            progress=progress,
        )
    )


def segment_one_by_one(
    images: Sequence[Image],
    *,
    method: str = UnlabelledOptions.method,
    clusters: int | str = UnlabelledOptions.clusters,
    settings: Settings | None = None,
    min_size: int = UnlabelledOptions.min_size,
    cutoff_scale: float = UnlabelledOptions.cutoff_scale,
    initial: int = INITIAL_CLUSTERS,
    probabilities: bool = False,
    planes: Sequence[int] | None = None,
    cache: TokenCache | None = None,
    progress: Progress | None = None,
) -> Iterator[UnlabelledResult]:
    """Give the results of `segment_without_labels` one after the other.

    Of `images` only one is asked for at a time, so a sequence that reads its images when asked
    needs the memory of one image, however many there are; each is asked for several times, in
    order: to see its size and channels, to draw the sample, to segment it.
    """
    progress = progress or Silent()
    if not len(images):
        raise TdsegError("There is nothing to segment; give at least one image.")
    UnlabelledOptions(
        method=method, clusters=clusters, min_size=min_size, cutoff_scale=cutoff_scale
    )
    if not 2 <= initial <= 1000:
        raise TdsegError(f"initial={initial} is not possible; use 2 to 1000.")
    settings = (settings or Settings(features="deep")).with_(augment="none")
    if settings.refine == "auto":
        progress.note("refine=auto chooses by strokes, and there are none: nothing is refined.")
        settings = settings.with_(refine="none")
    job = _Job(images, settings, method, min_size, planes, cache, progress)
    if method == "attention":
        for image, part in _shares(progress, images):
            yield job.attend(image, part)
        return
    # Clusters of a given number need no attention: nothing is computed for them.
    looked = method == "foreground" or clusters == "auto"
    sample = job.sample(looked, Part(progress, 0, 0.5))
    progress.update(0.5, "clustering")
    seed = job.settings.seed
    if method == "foreground":
        found = find_foreground(sample, job.runs, cutoff_scale, initial, seed)
    else:
        found = find_classes(sample, job.runs, clusters, cutoff_scale, initial, seed)
    job.describe(found, sample.method)
    progress.note(f"Segmented without labels: {job.ran}.")
    for image, part in _shares(Part(progress, 0.5, 1), images):
        yield job.segment(image, found, probabilities, part)
    progress.update(1.0)


def _shares(progress: Progress, images: Sequence[Image]) -> Iterator[tuple[Image, Part]]:
    """Give every image the same share of the progress."""
    count = len(images)
    for k, image in enumerate(images):
        yield image, Part(progress, k / count, (k + 1) / count)


class _Job:
    """What the steps share: images, features, backbone, and the words that say what ran."""

    def __init__(
        self,
        images: Sequence[Image],
        settings: Settings,
        method: str,
        min_size: int,
        planes: Sequence[int] | None,
        cache: TokenCache | None,
        progress: Progress,
    ) -> None:
        self._images, self._method, self._min_size = images, method, min_size
        self._chosen = planes
        self._open: tuple[int, Intensity] | None = None
        self._facts = [facts_of_image(image, planes) for image in images]
        self._channels = common_channels(self._facts, settings)
        self._names, self._rgb = selected_channels(images[0], self._channels)
        # Every plane is looked at twice, to find classes and to apply them.
        self._cache = cache or open_cache(
            min(CACHE_BYTES, memory_budget(settings.memory_limit) // 4)
        )
        self._ranges = (
            backbone_ranges(images, self._channels) if settings.normalize == "none" else None
        )
        extraction = build_extraction(settings, self._cache, progress)
        self._extractor, self._weights = extraction.extractor, extraction.weights
        self._upsampler = extraction.upsampler
        self.settings = extraction.settings
        # The first that has attention says what stands out; all of them say what is similar.
        self._backbone = next(
            (b for b in extraction.backbones if b.has_attention),
            next(iter(extraction.backbones), None),
        )
        self.runs: list[FeatureRun] = []
        pictures = 1 if self._rgb else len(self._names)
        if settings.uses_classical:
            own = ClassicalFeatures(ClassicalOptions.of(self.settings))
            classical = len(own.names(self._names, self._rgb))
            self.runs.append(FeatureRun(classical, deep=False))
        for backbone in extraction.backbones:
            count = sum(level.channels for level in backbone.levels)
            self.runs.append(FeatureRun(pictures * count, deep=True))
        self._summary: dict[str, object] = {}
        self.ran = ""

    def sample(self, attention: bool, progress: Progress) -> PixelSample:
        """Draw pixels from all images."""
        spread = spread_planes([len(fact.planes) for fact in self._facts])
        sources = [
            SourcePlane(partial(self._plane, number, fact.planes[place]), fact.size)
            for number, (fact, places) in enumerate(zip(self._facts, spread, strict=True))
            for place in places
        ]

        def look(plane: PlaneInput, features: FeatureMap) -> Saliency:
            return self._saliency(plane, lambda: features, progress)

        sample = draw_sample(
            sources,
            self._extractor.extract,
            look if attention else None,
            SAMPLE_PIXELS,
            self.settings.seed,
            progress,
        )
        self._open = None
        return sample

    def describe(self, found: FoundClasses, looked: str) -> None:
        """Put into words what ran."""
        network = " and ".join(f"{w.name} ({w.source})" for w in self._weights) or "no network"
        self.ran = (
            f"{self._method} of {self.settings.features} features ({network}), "
            f"{len(found.class_names)} classes from {found.initial} clusters"
        )
        if looked:
            self.ran += f", foreground by {_WORDS[looked]}"
        self._summary = {
            "images": [fact.name for fact in self._facts],
            "method": self._method,
            "foreground_by": looked,
            "initial_clusters": found.initial,
            "pixels": dict(zip(found.class_names, found.pixels, strict=True)),
            "densities": list(found.densities) if found.densities else None,
            "features": len(self._extractor.names(self._names, self._rgb)),
        }

    def segment(
        self, image: Image, found: FoundClasses, probabilities: bool, progress: Progress
    ) -> UnlabelledResult:
        """Give every pixel of an image its class, or its object."""
        if found.classifier is None:
            _, grid = plane_grid(image, self._chosen)
            progress.note(f"Nothing stands out in image '{image.name}'.")
            return UnlabelledResult(np.zeros((*grid, *image.size), np.uint16), info=self._info())
        model = self._model(found)
        result = apply(
            model,
            image,
            probabilities=probabilities,
            planes=self._chosen,
            cache=self._cache,
            progress=Part(progress, 0, 0.8) if self._method == "foreground" else progress,
        )
        classes = zip(result.class_values, result.class_names, strict=True)
        if self._method == "clusters":
            return UnlabelledResult(
                result.labels,
                result.class_values,
                result.class_names,
                result.probabilities,
                info={**result.info, **self._info(dict(classes))},
                model=model,
                uncertainty=result.uncertainty,
            )
        masks = result.labels == result.class_values[1]
        labels, objects = self._objects(image, masks, Part(progress, 0.8, 1))
        return UnlabelledResult(
            labels,
            probabilities=result.probabilities,
            objects=objects,
            info={**result.info, **self._info()},
            model=model,
            uncertainty=result.uncertainty,
        )

    def attend(self, image: Image, progress: Progress) -> UnlabelledResult:
        """Return what the network attends to in an image."""
        chosen, (frames, slices) = plane_grid(image, self._chosen)
        height, width = image.size
        intensity = self._intensity(image)
        maps: list[np.ndarray] = []
        masks = np.zeros((frames, slices, height, width), np.bool_)
        found: Saliency | None = None
        for k, index in enumerate(chosen):
            part = Part(progress, k / len(chosen), (k + 1) / len(chosen))
            plane = intensity.plane(index)
            found = self._saliency(plane, partial(self._extractor.extract, plane), part)
            block = found.maps.block(slice(0, height), slice(0, width))
            maps.append(block)
            threshold = 0.5 if found.method == "ncut" else float(block[0].mean(dtype=np.float64))
            if not found.flat:
                masks[divmod(k, slices)] = block[0] > threshold + 1e-6 * abs(threshold)
        assert found is not None
        attention = np.stack(maps).reshape(frames, slices, -1, height, width)
        labels, objects = find_objects_in_planes(masks, attention[:, :, 0], self._min_size)
        network = " and ".join(w.name for w in self._weights)
        if found.method == "attention" and self._backbone is not None:
            network = self._backbone.weights.name
        network = network or self.settings.features + " features"
        self.ran = f"attention of {network}, by {_WORDS[found.method]}"
        progress.note(f"Segmented without labels: {self.ran}.")
        progress.update(1.0)
        return UnlabelledResult(
            labels,
            attention=attention,
            attention_names=found.names,
            objects=objects,
            info=self._info(),
        )

    def _objects(
        self, image: Image, masks: np.ndarray, progress: Progress
    ) -> tuple[np.ndarray, tuple[FoundObject, ...]]:
        chosen, _ = plane_grid(image, self._chosen)
        intensity = self._intensity(image)
        attention = np.zeros(masks.shape, np.float32)
        for k, index in enumerate(chosen):
            place = divmod(k, masks.shape[1])
            if not masks[place].any():
                continue
            plane = intensity.plane(index)
            part = Part(progress, k / len(chosen), (k + 1) / len(chosen))
            found = self._saliency(plane, partial(self._extractor.extract, plane), part)
            height, width = image.size
            attention[place] = found.mean.block(slice(0, height), slice(0, width))[0]
        return find_objects_in_planes(masks, attention, self._min_size)

    def _saliency(
        self, plane: PlaneInput, make: Callable[[], FeatureMap], progress: Progress
    ) -> Saliency:
        return saliency(
            plane, make, self.runs, self._backbone, cache=self._cache, progress=progress
        )

    def _plane(self, number: int, index: int) -> PlaneInput:
        """Read a plane; the image is kept for its other planes."""
        if self._open is None or self._open[0] != number:
            self._open = None  # before the next is read
            self._open = number, self._intensity(self._images[number])
        return self._open[1].plane(index)

    def _intensity(self, image: Image) -> Intensity:
        return Intensity(image, self._channels, self.settings.normalize, self._ranges)

    def _info(self, class_names: Mapping[int, str] = MappingProxyType({})) -> dict[str, str]:
        """Return settings and names of classes; objects, which are numbered, have none."""
        lines = made_with(self.settings, self._weights, self._upsampler)
        return {**lines, **names_line(class_names), "tdseg.unlabelled": self.ran}

    def _model(self, found: FoundClasses) -> Model:
        assert found.classifier is not None
        return Model(
            classifier=found.classifier,
            settings=self.settings,
            feature_names=tuple(self._extractor.names(self._names, self._rgb)),
            class_values=tuple(range(1, len(found.class_names) + 1)),
            class_names=found.class_names,
            channels=self._names,
            rgb=self._rgb,
            dtype=self._facts[0].dtype.name,
            ranges=self._ranges,
            weights=self._weights,
            summary=self._summary,
            name=self._facts[0].name,
            upsampler=self._upsampler,
        )


_WORDS = {"attention": "the network's attention", "ncut": "a normalised cut"}
