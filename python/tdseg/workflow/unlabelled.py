"""Segment images without labels: the one function behind every route."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from tdseg.classifiers.model import Model
from tdseg.errors import TdsegError
from tdseg.features.classical import ClassicalOptions
from tdseg.features.extractors import (
    ClassicalFeatures,
    build_extraction,
    load_for,
)
from tdseg.features.token_cache import TokenCache, open_cache
from tdseg.images.image import Image
from tdseg.images.intensity import Intensity, backbone_ranges, selected_channels
from tdseg.images.planes import plane_grid
from tdseg.options.groups import UnlabelledOptions
from tdseg.options.settings import Settings, one_of, parse_numbers
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

CACHE_BYTES = 1024**3


def segment_without_labels(
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
    options: Settings | None = None,
) -> list[UnlabelledResult]:
    """Segment one or many images without labels; the same class has the same value in all.

    Parameters
    ----------
    images
        Images of one kind.
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
    images = [images] if isinstance(images, Image) else list(images)
    progress = progress or Silent()
    if not images:
        raise TdsegError("There is nothing to segment; give at least one image.")
    UnlabelledOptions(
        method=method, clusters=clusters, min_size=min_size, cutoff_scale=cutoff_scale
    )
    if not 2 <= initial <= 1000:
        raise TdsegError(f"Key 'initial': '{initial}' is not valid; use 2 to 1000.")
    settings = one_of(settings, options) or Settings(features="deep")
    job = _Job(images, settings, method, min_size, planes, cache, progress)
    if method == "attention":
        return [job.attend(image, part) for image, part in _shares(progress, images)]
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
    results = [
        job.segment(image, found, probabilities, part)
        for image, part in _shares(Part(progress, 0.5, 1), images)
    ]
    progress.update(1.0)
    return results


def _shares(progress: Progress, images: Sequence[Image]) -> list[tuple[Image, Part]]:
    """Give every image the same share of the progress."""
    count = len(images)
    return [(image, Part(progress, k / count, (k + 1) / count)) for k, image in enumerate(images)]


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
        self._channels, self._names, self._rgb = _common_channels(images, settings)
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
        self._backbone = None
        self.runs: list[FeatureRun] = []
        total = len(self._extractor.names(self._names, self._rgb))
        classical = 0
        if settings.uses_classical:
            own = ClassicalFeatures(ClassicalOptions.of(self.settings))
            classical = len(own.names(self._names, self._rgb))
            self.runs.append(FeatureRun(classical, deep=False))
        if settings.uses_deep:
            self._backbone = load_for(self.settings, Silent())[0]
            self.runs.append(FeatureRun(total - classical, deep=True))
        self._summary: dict[str, object] = {}
        self.ran = ""

    def sample(self, attention: bool, progress: Progress) -> PixelSample:
        """Draw pixels from all images."""
        grids = [plane_grid(image, self._chosen)[0] for image in self._images]
        sources = []
        for image, grid, places in zip(
            self._images, grids, spread_planes([len(g) for g in grids]), strict=True
        ):
            intensity = self._intensity(image)
            for place in places:
                read = partial(intensity.plane, grid[place])
                sources.append(SourcePlane(read, image.size))

        def look(plane: PlaneInput, features: FeatureMap) -> Saliency:
            return self._saliency(plane, lambda: features, progress)

        return draw_sample(
            sources,
            self._extractor.extract,
            look if attention else None,
            SAMPLE_PIXELS,
            self.settings.seed,
            progress,
        )

    def describe(self, found: FoundClasses, looked: str) -> None:
        """Put into words what ran."""
        network = (
            f"{self._weights.name} ({self._weights.source})" if self._weights else "no network"
        )
        self.ran = (
            f"{self._method} of {self.settings.features} features ({network}), "
            f"{len(found.class_names)} classes from {found.initial} clusters"
        )
        if looked:
            self.ran += f", foreground by {_WORDS[looked]}"
        self._summary = {
            "images": [image.name for image in self._images],
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
        info = {**result.info, **self._info()}
        if self._method == "clusters":
            return UnlabelledResult(
                result.labels,
                result.class_values,
                result.class_names,
                result.probabilities,
                info=info,
                model=model,
            )
        masks = result.labels == result.class_values[1]
        labels, objects = self._objects(image, masks, Part(progress, 0.8, 1))
        return UnlabelledResult(
            labels, probabilities=result.probabilities, objects=objects, info=info, model=model
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
        network = self._weights.name if self._weights else self.settings.features + " features"
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

    def _intensity(self, image: Image) -> Intensity:
        return Intensity(image, self._channels, self.settings.normalize, self._ranges)

    def _info(self) -> dict[str, str]:
        settings = {f"tdseg.{k}": str(v) for k, v in self.settings.to_dict().items()}
        return {**settings, "tdseg.unlabelled": self.ran}

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
            dtype=self._images[0].dtype.name,
            ranges=self._ranges,
            weights=self._weights,
            summary=self._summary,
            name=self._images[0].name,
            upsampler=self._upsampler,
        )


_WORDS = {"attention": "the network's attention", "ncut": "a normalised cut"}


def _common_channels(
    images: Sequence[Image], settings: Settings
) -> tuple[list[int], tuple[str, ...], bool]:
    first = images[0]
    channels = parse_numbers(settings.channels, len(first.channels), "channels", "channels")
    for image in images[1:]:
        if image.channels != first.channels or image.is_colour != first.is_colour:
            raise TdsegError(
                f"Images '{first.name}' and '{image.name}' differ in their channels; segment "
                "images of one kind together."
            )
    names, rgb = selected_channels(first, channels)
    return channels, names, rgb
