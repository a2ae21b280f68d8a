"""A classifier made ready for one image: settings checked, networks loaded, values chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tdseg.backbones.devices import resolve_device
from tdseg.classifiers.model import Model
from tdseg.classifiers.uncertainty import uncertainty as uncertainty_of
from tdseg.errors import TdsegError
from tdseg.features.extractors import build_extraction, check_weights
from tdseg.images.image import Image
from tdseg.images.intensity import Intensity, selected_channels
from tdseg.labels.carried_names import names_line
from tdseg.options.settings import Settings, parse_numbers
from tdseg.runtime.feature_map import FeatureMap, PlaneInput
from tdseg.runtime.memory import memory_budget
from tdseg.runtime.progress import Progress
from tdseg.runtime.tiling import blocks

if TYPE_CHECKING:
    from tdseg.features.token_cache import TokenCache

# Larger blocks gain nothing: their memory is touched once and costs more than their borders.
BLOCK_BYTES = 128 * 1024**2


@dataclass(frozen=True)
class Results:
    """Where the results of a rectangle go: (h, w), (K, h, w) and (h, w), or None."""

    labels: np.ndarray
    probabilities: np.ndarray | None = None
    uncertainty: np.ndarray | None = None

    @property
    def labels_only(self) -> bool:
        """Whether nothing else is asked for."""
        return self.probabilities is None and self.uncertainty is None


class Applier:
    """Classifies planes of an image, whole or by rectangles, with the same values.

    Parameters
    ----------
    model
        The classifier.
    image
        With the channels that the model was trained on.
    settings
        What may be overridden, as for `tdseg.apply`.
    cache, progress
        Token cache of a session; who hears how far the work is.

    Attributes
    ----------
    settings
        As given, but for the device and the refinement that were chosen.
    resolved
        What runs, nothing left on ``auto``.
    values
        (K,) label values, uint8 or uint16.

    Raises
    ------
    TdsegError
        If the image does not fit the model, or the backbone's weights differ.
    """

    def __init__(
        self,
        model: Model,
        image: Image,
        settings: Settings | None,
        cache: TokenCache | None,
        progress: Progress,
    ) -> None:
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
        self.model, self.settings, self.resolved = model, used, extraction.settings
        self._extractor = extraction.extractor
        self._intensity = Intensity(image, channels, used.normalize, model.ranges)
        values = np.asarray(model.class_values) + used.first_label - 1
        self.values = values.astype(np.uint8 if values.max() <= 255 else np.uint16)

    @property
    def class_values(self) -> tuple[int, ...]:
        """The label value of each class in results."""
        return tuple(int(v) for v in self.values)

    def info(self) -> dict[str, str]:
        """Return settings and provenance, text by key."""
        names = dict(zip(self.class_values, self.model.class_names, strict=True))
        return {**self.model.info(self.resolved), **names_line(names)}

    def plane(
        self, index: int, facts: dict[str, npt.NDArray[np.float64]] | None = None
    ) -> PlaneInput:
        """Return plane number `index`; `facts` as `Intensity.plane` takes them."""
        return self._intensity.plane(index, facts)

    def prepare(self, plane: PlaneInput, labels_only: bool) -> FeatureMap:
        """Return what `classify` takes: the features of a plane as the classifier wants them."""
        features = self._extractor.extract(plane)
        classifier = self.model.classifier
        return (classifier.prepare_labels if labels_only else classifier.prepare)(features)

    def classify(
        self,
        prepared: FeatureMap,
        rows: slice,
        cols: slice,
        out: Results,
        progress: Progress,
        region: np.ndarray | None = None,
    ) -> None:
        """Fill the results of a rectangle of a plane, block by block.

        Parameters
        ----------
        prepared
            From `prepare`, with ``labels_only`` as `out` has it.
        rows, cols
            The rectangle.
        out
            Its results.
        progress
            Hears of each block.
        region
            (h, w) bool: only blocks that have some of these pixels; None: all.
        """
        classifier, settings = self.model.classifier, self.settings
        limit = min(memory_budget(settings.memory_limit) // 2, BLOCK_BYTES)
        per_pixel = classifier.bytes_per_pixel(prepared)
        size = (rows.stop - rows.start, cols.stop - cols.start)
        grid = list(blocks(size, per_pixel, limit, settings.tile))
        for done, (down, across) in enumerate(grid):
            progress.update(done / len(grid), "classifying")
            if region is not None and not region[down, across].any():
                continue
            block = prepared.block(
                slice(rows.start + down.start, rows.start + down.stop),
                slice(cols.start + across.start, cols.start + across.stop),
            )
            if out.labels_only:
                out.labels[down, across] = self.values[classifier.predict_block(block)]
                continue
            found = classifier.predict_proba_block(block)
            if out.probabilities is not None:
                out.probabilities[:, down, across] = found
            if out.uncertainty is not None:
                out.uncertainty[down, across] = uncertainty_of(found)
            out.labels[down, across] = self.values[found.argmax(axis=0)]


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
