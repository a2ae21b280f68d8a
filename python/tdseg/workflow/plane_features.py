"""The features of a plane at some pixels, extracted only where a cache does not know them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tdseg.features.hybrid import deep_part
from tdseg.features.token_cache import token_key

if TYPE_CHECKING:
    from tdseg.features.extractors import Extraction
    from tdseg.features.token_cache import TokenCache
    from tdseg.runtime.feature_map import FeatureMap, PlaneInput

_NO_FEATURES = frozenset(
    "classifier trees shares balance samples held_out augment refine memory_limit".split()
)
"""Settings that change no feature."""

Pixels = npt.NDArray[np.int64]


class PlaneFeatures:
    """The features of a plane for training.

    Parameters
    ----------
    extraction
        Computes them.
    plane
        Its pixels.
    cache
        Knows those of earlier trainings; None: nothing is kept.
    """

    def __init__(
        self, extraction: Extraction, plane: PlaneInput, cache: TokenCache | None = None
    ) -> None:
        self._extraction = extraction
        self._plane = plane
        self._cache = None if cache is None else cache.pixels
        self._key = "" if cache is None else _key(extraction, plane)
        self._found: FeatureMap | None = None
        self.shape: tuple[int, int] = plane.pixels.shape[:2]

    def at(self, rows: Pixels, cols: Pixels) -> npt.NDArray[np.float32]:
        """Return all features of n pixels, (n, F) float32, not to be written into."""
        if self._cache is None:
            return self._map().at(rows, cols)
        make = lambda: self._map().at(rows, cols)  # noqa: E731
        return self._cache.get_or_make(self._key, rows, cols, make)

    def deep_at(self, rows: Pixels, cols: Pixels) -> npt.NDArray[np.float32] | None:
        """Return the deep features of n pixels, (n, D) float32; None where there are none."""
        if not self._extraction.settings.uses_deep:
            return None

        def make() -> npt.NDArray[np.float32]:
            deep = deep_part(self._map())
            assert deep is not None
            return deep.at(rows, cols)

        if self._cache is None:
            return make()
        return self._cache.get_or_make(f"deep {self._key}", rows, cols, make)

    def _map(self) -> FeatureMap:
        if self._found is None:
            self._found = self._extraction.extractor.extract(self._plane)
        return self._found


def _key(extraction: Extraction, plane: PlaneInput) -> str:
    """Return what a plane's features are filed under."""
    settings = extraction.settings.to_dict()
    values = {name: value for name, value in settings.items() if name not in _NO_FEATURES}
    values |= {
        "weights": extraction.weights,
        "upsampler weights": extraction.upsampler,
        "seen as": (plane.channels, plane.rgb, plane.ranges is None),
    }
    ranges = np.zeros(0) if plane.ranges is None else plane.ranges
    return token_key(np.asarray(plane.pixels), ranges, values)
