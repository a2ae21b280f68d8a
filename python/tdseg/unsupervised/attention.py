"""Maps of what a network attends to, at the resolution of the image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from tdseg.backbones.base import AttentionBackbone, Backbone, Level
from tdseg.features.deep import DeepFeatures
from tdseg.runtime.feature_map import FeatureMap, PlaneInput
from tdseg.runtime.progress import Progress
from tdseg.unsupervised.embedding import FeatureRun
from tdseg.unsupervised.ncut import cut_foreground, no_foreground
from tdseg.upsampling.options import UpsamplingOptions

if TYPE_CHECKING:
    from tdseg.features.token_cache import TokenCache

FACETS = ("value_attention", "attention")


@dataclass(frozen=True)
class Saliency:
    """How much each pixel of a plane stands out.

    Attributes
    ----------
    maps
        The mean over the heads, then one map a head; a single map for a cut.
    names
        ``mean``, ``head 1``, ...; or ``ncut``.
    method
        "attention" or "ncut".
    flat
        Whether the plane is constant, so that nothing can stand out.
    """

    maps: FeatureMap
    names: tuple[str, ...]
    method: str
    flat: bool = False

    @property
    def mean(self) -> FeatureMap:
        """The first map alone."""
        return self.maps.project(np.eye(len(self.names), 1, dtype=np.float32))


def saliency(
    plane: PlaneInput,
    features: Callable[[], FeatureMap],
    runs: Sequence[FeatureRun],
    backbone: Backbone | None,
    *,
    facet: str = "value_attention",
    cache: TokenCache | None = None,
    progress: Progress | None = None,
) -> Saliency:
    """Say how much each pixel stands out.

    Parameters
    ----------
    plane
        What the backbone sees.
    features
        Gives the plane's features; called only where there is no attention, for the cut.
    runs
        Kinds of the features.
    backbone
        Its class token's attention is the answer if it has one.
    facet
        "value_attention": HR-Dv2's "o", the class token's attention output times a patch's value;
        may be negative. It follows objects better than "attention": the softmax, as multiples of
        a uniform attention.
    cache, progress
        Keeps attention between calls; hears of the passes.

    Returns
    -------
    Saliency
        From the backbone's attention, else from a normalised cut; `method` says which.
    """
    if backbone is None or not backbone.has_attention:
        flat = is_flat(plane)
        field = no_foreground(*plane.pixels.shape[:2]) if flat else None
        return Saliency(field or cut_foreground(features(), runs), ("ncut",), "ncut", flat)
    tokens = AttentionTokens(cast(AttentionBackbone, backbone), facet)
    # Maps as smooth as attention gain little from more copies, and every copy is a pass.
    native = int(backbone.levels[0].stride) == backbone.multiple
    options = UpsamplingOptions(
        shifts=2 if native else 1,
        storage="float32",
        levels=(facet,),
        batch_bytes=0 if backbone.device.type == "cpu" else 1024**3,
    )
    found = DeepFeatures(tokens, options, cache, progress).extract(plane)
    heads = tokens.levels[0].channels
    pictures = len(found.names) // heads
    weights = np.zeros((pictures, heads, heads + 1), np.float32)
    weights[:, :, 0] = 1 / (pictures * heads)
    weights[:, np.arange(heads), np.arange(heads) + 1] = 1 / pictures
    names = ("mean", *(f"head {h + 1}" for h in range(heads)))
    maps = found.project(weights.reshape(-1, heads + 1))
    return Saliency(maps, names, "attention", is_flat(plane))


def is_flat(plane: PlaneInput) -> bool:
    """Return whether every channel of a plane is constant."""
    pixels = plane.array
    return bool((pixels == pixels[:1, :1]).all())


class AttentionTokens:
    """A backbone whose only level is its attention, a channel a head: a `Backbone`.

    So attention goes the way of features: windows, copies and interpolation are the same.
    """

    def __init__(self, backbone: AttentionBackbone, facet: str) -> None:
        if facet not in FACETS:
            raise ValueError(f"facet {facet} is none of {FACETS}")
        self._backbone = backbone
        self._facet = facet
        self.name = backbone.name
        self.weights = backbone.weights
        self.multiple = backbone.multiple
        self.window = backbone.window
        self.has_global_context = backbone.has_global_context
        self.has_attention = False
        self.device = backbone.device
        self.dtype = torch.float32
        self.position_embedding = getattr(backbone, "position_embedding", "native")
        level = backbone.levels[0]
        side = 2 * backbone.multiple
        heads = self.tokens(torch.zeros(1, 3, side, side))[0].shape[1]
        self.levels: tuple[Level, ...] = (replace(level, name=facet, channels=heads),)

    def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Return the attention, (B, heads, h, w); softmax as multiples of uniform attention."""
        with torch.inference_mode():
            if self._facet == "value_attention":
                return [self._backbone.value_attention(images)]
            found = self._backbone.attention(images)
            return [found * (found.shape[2] * found.shape[3])]
