"""From settings to feature extractors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tdseg.backbones.devices import resolve_device
from tdseg.errors import TdsegError
from tdseg.features.classical import (
    ClassicalOptions,
    ClassicalPlane,
    feature_names,
)
from tdseg.features.hybrid import HybridFeatures
from tdseg.runtime.feature_map import FeatureExtractor, FeatureMap, PlaneInput, Projected
from tdseg.runtime.memory import memory_budget
from tdseg.runtime.progress import Progress, Silent

if TYPE_CHECKING:
    from tdseg.backbones.base import Backbone, WeightsInfo
    from tdseg.features.token_cache import TokenCache
    from tdseg.options.settings import Settings


class ClassicalMap(ClassicalPlane):
    """The classical features of one plane, a `FeatureMap`."""

    def project(self, weights: np.ndarray) -> FeatureMap:
        """Return ``features @ weights``, block by block."""
        return Projected(self, weights)


class ClassicalFeatures:
    """TWS's features of every channel."""

    def __init__(self, options: ClassicalOptions) -> None:
        self._options = options

    def names(self, channels: tuple[str, ...], rgb: bool) -> tuple[str, ...]:
        """Return TWS's names, with the channel where there are several."""
        return feature_names(self._options, channels, rgb)

    def extract(self, plane: PlaneInput) -> FeatureMap:
        """Take the statistics of the whole plane; values follow block by block."""
        return ClassicalMap(plane.pixels, self._options, plane.channels, plane.rgb)


@dataclass(frozen=True)
class Extraction:
    """An extractor, the settings with nothing left on ``auto``, and the weights that run.

    `weights` are the backbone's, `upsampler` those of a learned upsampler.
    """

    extractor: FeatureExtractor
    settings: Settings
    weights: WeightsInfo | None
    upsampler: WeightsInfo | None = None


def build_extraction(
    settings: Settings,
    cache: TokenCache | None = None,
    progress: Progress | None = None,
) -> Extraction:
    """Load what the settings ask for, and write out what ``auto`` stood for.

    Parameters
    ----------
    settings
        Any settings, resolved or not.
    cache
        Keeps tokens between jobs; None: nothing is kept.
    progress
        Hears of downloads, of what ``auto`` became, and of the backbone's passes.

    Returns
    -------
    Extraction
        The extractor, with the settings as they were resolved.

    Raises
    ------
    TdsegError
        If a backbone, its weights, a device or a family cannot be had.
    """
    progress = progress or Silent()
    extractors: list[FeatureExtractor] = []
    weights: WeightsInfo | None = None
    upsampler: WeightsInfo | None = None
    if settings.uses_classical:
        extractors.append(ClassicalFeatures(ClassicalOptions.of(settings)))
    if not settings.uses_deep:
        # No network runs; what stands in the settings is where it would have.
        settings = replace(settings, device="cpu", precision="float32")
    else:
        from tdseg.features.deep import DeepFeatures
        from tdseg.features.presets import upsampling_options
        from tdseg.features.token_cache import cache_folder, open_cache

        backbone, settings = load_for(settings, progress)
        weights = backbone.weights
        options = upsampling_options(settings, backbone, memory_budget(settings.memory_limit))
        if cache is None and cache_folder() is not None:
            cache = open_cache(memory_budget(settings.memory_limit) // 8)
        deep = DeepFeatures(backbone, options, cache, progress)
        upsampler = deep.upsampler_weights
        if settings.upsampler_weights and upsampler is None:
            progress.note(
                f"Key 'upsampler_weights' has no effect with upsampling={settings.upsampling}."
            )
        extractors.append(deep)
    extractor = extractors[0] if len(extractors) == 1 else HybridFeatures(extractors)
    return Extraction(extractor, settings, weights, upsampler)


def load_for(settings: Settings, progress: Progress) -> tuple[Backbone, Settings]:
    """Load the backbone of the settings, and return them with every ``auto`` written out."""
    from tdseg.backbones.loading import load_backbone, resolve_backbone
    from tdseg.backbones.registry import backbone_kind
    from tdseg.features.presets import resolve_upsampling
    from tdseg.upsampling.registry import UPSAMPLERS

    weights = settings.weights or None
    listener = progress if settings.backbone == "auto" else None
    name = resolve_backbone(settings.backbone, weights, progress=listener)
    device, precision = resolve_device(settings.device, settings.precision, backbone=name)
    transformer = backbone_kind(name).is_transformer
    settings = replace(settings, backbone=name, device=device, precision=precision)
    settings = resolve_upsampling(settings, transformer)
    asked = tuple(level.strip() for level in settings.levels.split(","))
    backbone = load_backbone(
        name,
        weights=weights,
        device=device,
        precision=precision,
        levels=None if settings.levels == "auto" else asked,
        stride=None if settings.stride == "auto" else int(settings.stride),
        position_embedding=UPSAMPLERS.get(settings.upsampling).position_embedding,
        progress=progress,
    )
    names = [level.name for level in backbone.levels]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TdsegError(f"Key 'levels' names {', '.join(twice)} twice; name each level once.")
    return backbone, replace(settings, levels=",".join(names))


def check_weights(
    expected: WeightsInfo | None,
    found: WeightsInfo | None,
    model: str,
    what: str = "backbone",
    key: str = "weights",
) -> None:
    """Refuse a network whose weights are not those that the classifier was trained with.

    Parameters
    ----------
    expected, found
        At training and now.
    model
        Name of the classifier.
    what, key
        For the message: the network, and the key that names its file.

    Raises
    ------
    TdsegError
        If the hashes differ; the message names both.
    """
    if expected is None or found is None or expected.sha256 == found.sha256:
        return
    raise TdsegError(
        f"Classifier '{model}' was trained with {what} '{expected.name}' (weights "
        f"{expected.sha256[:12]}), but the weights found for it are {found.sha256[:12]} "
        f"({found.source}); give the original file with {key}=[path] or train again."
    )
