"""From settings to feature extractors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    from tdseg.features.deep import DeepFeatures
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
    """An extractor, the settings with nothing left on ``auto``, and the networks that run.

    `upsampler` are the weights of a learned upsampler.
    """

    extractor: FeatureExtractor
    settings: Settings
    backbones: tuple[Backbone, ...] = ()
    upsampler: WeightsInfo | None = None

    @property
    def weights(self) -> tuple[WeightsInfo, ...]:
        """The weights of the backbones, in the order of the key ``backbone``."""
        return tuple(backbone.weights for backbone in self.backbones)


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
    backbones: tuple[Backbone, ...] = ()
    upsampler: WeightsInfo | None = None
    if settings.uses_classical:
        extractors.append(ClassicalFeatures(ClassicalOptions.of(settings)))
    if not settings.uses_deep:
        # No network runs; what stands in the settings is where it would have.
        settings = replace(settings, device="cpu", precision="float32")
    else:
        from tdseg.features.token_cache import cache_folder, open_cache

        backbones, settings = load_for(settings, progress)
        if cache is None and cache_folder() is not None:
            cache = open_cache(memory_budget(settings.memory_limit) // 8)
        deep, upsampler = _deep_extractor(backbones, settings, cache, progress)
        if settings.upsampler_weights and upsampler is None:
            progress.note(
                f"Key 'upsampler_weights' has no effect with upsampling={settings.upsampling}."
            )
        extractors.append(deep)
    extractor = extractors[0] if len(extractors) == 1 else HybridFeatures(extractors)
    return Extraction(extractor, settings, backbones, upsampler)


def _deep_extractor(
    backbones: Sequence[Backbone],
    settings: Settings,
    cache: TokenCache | None,
    progress: Progress,
) -> tuple[FeatureExtractor, WeightsInfo | None]:
    """Return the features of one backbone or several, and the weights of their upsampler."""
    from tdseg.features.deep import DeepFeatures
    from tdseg.features.presets import upsampling_options
    from tdseg.features.several import SeveralDeepFeatures, take_apart

    memory = memory_budget(settings.memory_limit)
    # All hold tokens at the same time, but only one runs.
    options = [
        upsampling_options(part, backbone, memory, memory // (4 * len(backbones)))
        for part, backbone in zip(take_apart(settings), backbones, strict=True)
    ]
    if len(backbones) == 1:
        deep = DeepFeatures(backbones[0], options[0], cache, progress)
        return deep, deep.upsampler_weights

    def make(k: int, prefix: str, announce: Callable[[tuple[int, int]], None]) -> DeepFeatures:
        return DeepFeatures(backbones[k], options[k], cache, progress, prefix, announce)

    several = SeveralDeepFeatures(backbones, make, progress)
    return several, several.parts[0].upsampler_weights


def load_for(settings: Settings, progress: Progress) -> tuple[tuple[Backbone, ...], Settings]:
    """Load the backbones of the settings, and return them with every ``auto`` written out."""
    from tdseg.backbones.loading import resolve_backbone
    from tdseg.features.several import put_together, take_apart

    named = []
    for part in take_apart(settings):
        listener = progress if part.backbone == "auto" else None
        name = resolve_backbone(part.backbone, part.weights or None, progress=listener)
        device, precision = resolve_device(part.device, part.precision, backbone=name)
        named.append(replace(part, backbone=name, device=device, precision=precision))
    if len({part.precision for part in named}) > 1:  # one key, so the format that suits all
        named = [replace(part, precision="float32") for part in named]
    put_together(named, settings.weights)  # refuses a backbone that is named twice
    loaded = [_load(part, len(named), progress) for part in named]
    resolved = put_together([part for _, part in loaded], settings.weights)
    return tuple(backbone for backbone, _ in loaded), resolved


def _load(settings: Settings, keep: int, progress: Progress) -> tuple[Backbone, Settings]:
    """Load one backbone by its name, and write out how its tokens become pixels."""
    from tdseg.backbones.loading import load_backbone
    from tdseg.backbones.registry import backbone_kind
    from tdseg.features.presets import resolve_upsampling
    from tdseg.upsampling.registry import UPSAMPLERS

    name = settings.backbone
    transformer = backbone_kind(name).is_transformer
    settings = resolve_upsampling(settings, transformer)
    asked = tuple(level.strip() for level in settings.levels.split(","))
    backbone = load_backbone(
        name,
        weights=settings.weights or None,
        device=settings.device,
        precision=settings.precision,
        levels=None if settings.levels == "auto" else asked,
        stride=None if settings.stride == "auto" else int(settings.stride),
        position_embedding=UPSAMPLERS.get(settings.upsampling).position_embedding,
        progress=progress,
        keep=keep,
    )
    names = [level.name for level in backbone.levels]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise TdsegError(f"Key 'levels' names {', '.join(twice)} twice; name each level once.")
    return backbone, replace(settings, levels=",".join(names))


def check_weights(
    expected: Sequence[WeightsInfo | None],
    found: Sequence[WeightsInfo | None],
    model: str,
    what: str = "backbone",
    key: str = "weights",
) -> None:
    """Refuse networks whose weights are not those that the classifier was trained with.

    Parameters
    ----------
    expected, found
        At training and now, in the same order; None: nothing was learned.
    model
        Name of the classifier.
    what, key
        For the message: the network, and the key that names its file.

    Raises
    ------
    TdsegError
        If the hashes of one differ; the message names both.
    """
    for trained, here in zip(expected, found, strict=False):
        if trained is None or here is None or trained.sha256 == here.sha256:
            continue
        raise TdsegError(
            f"Classifier '{model}' was trained with {what} '{trained.name}' (weights "
            f"{trained.sha256[:12]}), but the weights found for it are {here.sha256[:12]} "
            f"({here.source}); give the original file with {key}=[path] or train again."
        )
