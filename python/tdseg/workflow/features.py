"""Compute features: the one function behind every route."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tdseg.classifiers.provenance import made_with
from tdseg.errors import TdsegError
from tdseg.features.components import PrincipalComponents
from tdseg.features.extractors import build_extraction
from tdseg.images.image import Image, as_image
from tdseg.images.intensity import Intensity, selected_channels
from tdseg.images.planes import plane_grid
from tdseg.options.settings import Settings, one_of, parse_numbers
from tdseg.runtime.feature_map import FeatureMap
from tdseg.runtime.memory import memory_budget
from tdseg.runtime.progress import Progress, Silent
from tdseg.runtime.tiling import blocks
from tdseg.workflow.applier import BLOCK_BYTES

if TYPE_CHECKING:
    from tdseg.features.token_cache import TokenCache


@dataclass
class FeatureStack:
    """The features of an image: names, and planes evaluated when asked for.

    Attributes
    ----------
    names
        Names of the F features (or components).
    settings
        What was computed, nothing left on ``auto``.
    info
        Settings and provenance, text by key.
    """

    names: list[str]
    settings: Settings
    info: Mapping[str, str]
    _maps: list[Any]
    _grid: tuple[int, int]
    _components: PrincipalComponents | None
    _limit: int
    _tile: int
    _progress: Progress

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Sizes (T, Z, F, Y, X)."""
        height, width = self._maps[0]().shape
        return (*self._grid, len(self.names), height, width)

    @property
    def array(self) -> np.ndarray:
        """All features in memory: (F, Y, X) float32 for one plane, else (T, Z, F, Y, X)."""
        shape = self.shape
        out = np.empty((shape[0] * shape[1], *shape[2:]), np.float32)
        for index, rows, cols, block in self.planes():
            out[index][:, rows, cols] = block
        return out[0] if len(out) == 1 else out.reshape(shape)

    def planes(self) -> Iterator[tuple[int, slice, slice, np.ndarray]]:
        """Iterate over blocks: plane number, rows, columns, features (F, h, w) float32.

        No more than `memory_limit` is held at a time.
        """
        count = len(self._maps)
        for index, make in enumerate(self._maps):
            features = make()
            grid = list(blocks(features.shape, features.bytes_per_pixel(), self._limit, self._tile))
            for done, (rows, cols) in enumerate(grid):
                self._progress.update((index + done / len(grid)) / count, "computing features")
                block = features.block(rows, cols)
                if self._components is not None:
                    block = self._components.transform_block(block)
                yield index, rows, cols, block


def compute_features(
    image: Image | np.ndarray,
    settings: Settings | None = None,
    *,
    components: int = 0,
    planes: Sequence[int] | None = None,
    cache: TokenCache | None = None,
    progress: Progress | None = None,
    options: Settings | None = None,
) -> FeatureStack:
    """Compute the features of an image.

    Parameters
    ----------
    image
        Any image, or an array that `Image.from_array` takes without axes.
    settings
        Which features; default: hybrid.
    components
        Give the first principal components of the standardised features instead; 0: all features.
    planes
        Plane numbers; default all.
    cache, progress
        Token cache of a session; who hears how far the work is.
    options
        Another name of `settings`.

    Returns
    -------
    FeatureStack
        Names and planes, computed as they are asked for.

    Raises
    ------
    TdsegError
        If the settings or pixels are not usable; the message says which.
    """
    image, progress = as_image(image), progress or Silent()
    settings = one_of(settings, options) or Settings()
    channels = parse_numbers(settings.channels, len(image.channels), "channels", "channels")
    extraction = build_extraction(settings, cache, progress)
    names = list(extraction.extractor.names(*selected_channels(image, channels)))
    intensity = Intensity(image, channels, settings.normalize, None)
    chosen, grid = plane_grid(image, planes)
    last: dict[int, FeatureMap] = {}

    def make(index: int) -> FeatureMap:
        # Only the latest plane's map is kept: its tokens are what takes memory.
        if index not in last:
            last.clear()
            last[index] = extraction.extractor.extract(intensity.plane(index))
        return last[index]

    maps = [lambda index=index: make(index) for index in chosen]
    reduced: PrincipalComponents | None = None
    if components > 0:
        if components > len(names):
            raise TdsegError(
                f"Key 'components': {components} is more than the {len(names)} features."
            )
        reduced = PrincipalComponents.fit_maps(maps, components, settings.seed)
        names = [f"component-{k + 1}" for k in range(components)]
    limit = min(memory_budget(settings.memory_limit) // 2, BLOCK_BYTES)
    info = made_with(extraction.settings, extraction.weights, extraction.upsampler)
    if reduced is not None:
        info["tdseg.components"] = str(components)
    return FeatureStack(
        names, extraction.settings, info, maps, grid, reduced, limit, settings.tile, progress
    )
