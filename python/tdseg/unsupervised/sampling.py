"""A sample of pixels over all images, with their features and their attention."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from tdseg.runtime.feature_map import FeatureMap, PlaneInput
from tdseg.runtime.progress import Progress
from tdseg.unsupervised.attention import Saliency, is_flat
from tdseg.unsupervised.surroundings import Place, Surroundings

MAX_VALUES = 1 << 26
"""Of a sample: with very many features, fewer pixels are drawn."""
MAX_PLANES = 64
"""Of a large stack, evenly spread planes are looked at: more do not change the clusters."""


@dataclass(frozen=True)
class SourcePlane:
    """One plane of one image, read when asked for."""

    read: Callable[[], PlaneInput]
    size: tuple[int, int]


@dataclass(frozen=True)
class PixelSample:
    """Pixels of all images; n pixels, F features.

    Attributes
    ----------
    features
        (n, F) float32.
    attention
        (n,) float32: how much each stands out; None where it was not asked for.
    method
        What said so, "attention" or "ncut"; "" where it was not asked for.
    surroundings
        Means around the pixels; None where they tell nothing (constant images).
    """

    features: np.ndarray
    attention: np.ndarray | None
    method: str
    surroundings: Surroundings | None = None


def spread_planes(counts: Sequence[int], limit: int = MAX_PLANES) -> list[list[int]]:
    """Choose evenly spread planes of each image: about `limit` in all, at least one per image."""
    total = sum(counts)
    chosen = []
    for count in counts:
        share = count if total <= limit else max(1, count * limit // total)
        chosen.append([(2 * k + 1) * count // (2 * share) for k in range(share)])
    return chosen


def draw_sample(
    planes: Sequence[SourcePlane],
    extract: Callable[[PlaneInput], FeatureMap],
    stands_out: Callable[[PlaneInput, FeatureMap], Saliency] | None,
    pixels: int,
    seed: int,
    progress: Progress,
) -> PixelSample:
    """Draw about `pixels` pixels from the planes, evenly.

    Parameters
    ----------
    planes
        Where from.
    extract
        Computes the features of a plane.
    stands_out
        Computes attention; None: not needed.
    pixels, seed
        How many, and what fixes the choice.
    progress
        Hears of every plane; may cancel.

    Returns
    -------
    PixelSample
        Features and, where asked for, attention of the pixels.
    """
    rng = np.random.default_rng(seed)
    each = max(1, pixels // len(planes))
    features: list[np.ndarray] = []
    attention: list[np.ndarray] = []
    places: list[Place] = []
    method = ""
    flat = True
    for done, plane in enumerate(planes):
        progress.update(done / len(planes), "looking at pixels")
        height, width = plane.size
        pixels_of = plane.read()
        found = extract(pixels_of)
        most = max(1, MAX_VALUES // (len(found.names) * len(planes)))
        pick = rng.choice(height * width, min(each, most, height * width), replace=False)
        rows, cols = np.divmod(np.sort(pick), width)
        features.append(found.at(rows, cols))
        # Computed again when asked for (tokens are kept): all planes at once may not fit.
        places.append((partial(_features, plane, extract), rows, cols))
        flat = flat and is_flat(pixels_of)
        if stands_out is not None:
            salient = stands_out(pixels_of, found)
            method = salient.method
            attention.append(salient.mean.at(rows, cols)[:, 0])
    joined = np.concatenate(features)
    if flat:
        # Nothing but rounding and borders tells the pixels of constant images apart.
        joined[:] = joined[0]
    return PixelSample(
        joined,
        np.concatenate(attention) if attention else None,
        method,
        None if flat else Surroundings(places),
    )


def _features(plane: SourcePlane, extract: Callable[[PlaneInput], FeatureMap]) -> FeatureMap:
    return extract(plane.read())
