"""HR-Dv2's upsampling as its authors' program does it, for comparison with published results.

Faults are part of it: copies wrap around at the borders, a grid of tokens is stretched over the
whole image although its outermost tokens lie inside, and where shifts and flips are combined they
are undone in the wrong order. Use ``upsampling=shifts`` for results.

Everything is nearest-neighbour, so undoing a copy's transform and resizing its tokens amount to one
look-up table an axis, and nothing is resized before a pixel is asked for.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from tdseg.runtime.progress import Progress, Silent
from tdseg.upsampling.interpolated import field_of
from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.picture import Picture
from tdseg.upsampling.registry import UpsamplerKind
from tdseg.upsampling.shifts import EncodedPlane
from tdseg.upsampling.token_field import Axis, TokenField, TokenGrid
from tdseg.upsampling.transforms import FLIPS, IDENTITY, Orientation, Shift, moore, reflected
from tdseg.upsampling.windowed import Store

if TYPE_CHECKING:
    from tdseg.backbones.base import Backbone, WeightsInfo

_PATCH = 14
_TIMED_PATCHES = (6, 12)  # sides of the passes that are timed
# The identity stands twice, as in the authors' list.
_FLIPS = (IDENTITY, FLIPS[1], IDENTITY, FLIPS[2])


class Hrdv2Upsampler:
    """Nearest-neighbour resizing and a plain mean over wrapped copies.

    The backbone should be a vision transformer with stride 4 and HR-Dv2's position embedding.
    A number of shifts is the largest distance in pixels of the Moore neighbours that copies are
    shifted to (HR-Dv2: 2); more than one orientation stands for its list of four flips.

    As in HR-Dv2 the network sees the centre of the image, cropped to a multiple of the patch
    size; pixels outside this crop, which HR-Dv2 drops, take the values of the nearest pixel
    inside. Sides below one patch are continued by reflection.
    """

    weights: WeightsInfo | None = None

    def __init__(self, backbone: Backbone, options: UpsamplingOptions) -> None:
        self._backbone = backbone
        self._options = options
        flips: tuple[Orientation, ...] = (IDENTITY,)
        if len(options.orientations) > 1:
            flips = _FLIPS
        shifts = options.shifts
        if isinstance(shifts, int):
            shifts = moore(range(1, shifts + 1))
        self._copies = [(shift, flip) for shift in shifts for flip in flips]
        self.passes = len(set(self._copies))
        self._multiple = max(backbone.multiple, _PATCH)
        self._rates: tuple[float, float] | None = None

    def features(
        self,
        picture: Picture,
        names: Sequence[str],
        store: Store | None = None,
        progress: Progress | None = None,
    ) -> TokenField:
        """Average the copies for each pixel."""
        store = store or (lambda name, make: make())
        encoded = store("whole", lambda: self._encode(picture, progress))
        return field_of(encoded, names)

    def _encode(self, picture: Picture, progress: Progress | None) -> EncodedPlane:
        """Run the backbone on every copy, one after the other."""
        progress = progress or Silent()
        starts, sizes = zip(*(self._crop(length) for length in picture.shape), strict=True)
        rows, cols = (
            reflected(start, start + size, length)
            for start, size, length in zip(starts, sizes, picture.shape, strict=True)
        )
        image = torch.from_numpy(picture.crop(rows, cols))[None]
        known: dict[tuple[Shift, Orientation], list[npt.NDArray[np.floating]]] = {}
        grids: list[list[TokenGrid]] = [[] for _ in self._chosen()]
        for number, (shift, flip) in enumerate(self._copies):
            message = f"{self._backbone.name}: pass {number + 1} of {len(self._copies)}"
            progress.update(number / len(self._copies), message)
            if (shift, flip) not in known:
                known[shift, flip] = self._tokens(flip.apply(torch.roll(image, shift, (2, 3))))
            for level, values in zip(grids, known[shift, flip], strict=True):
                axes = [
                    _axis(length, starts[k], sizes[k], values.shape[k], shift[k], turned)
                    for k, (length, turned) in enumerate(
                        zip(picture.shape, (flip.flip_rows, flip.flip_cols), strict=True)
                    )
                ]
                level.append(TokenGrid(values, *axes))
        return EncodedPlane(tuple(tuple(level) for level in grids), picture.shape)

    def token_settings(self) -> dict[str, Any]:
        """Return what the tokens depend on."""
        return {
            "kind": "hrdv2",
            "copies": self._copies,
            "levels": self._options.levels,
            "storage": self._options.storage,
        }

    def seconds(self, shape: tuple[int, int]) -> float:
        """Estimate how long the network takes, from two small timed passes.

        A pass on n pixels takes ``(a + b n) n``: attention grows with the square, which at stride
        4 soon counts.
        """
        if self._rates is None:
            self._rates = self._timed_rates()
        constant, growth = self._rates
        pixels = self._crop(shape[0])[1] * self._crop(shape[1])[1]
        return self.passes * (constant + growth * pixels) * pixels

    def _timed_rates(self) -> tuple[float, float]:
        """Return seconds for a pixel, and what every further pixel adds to them."""
        pixels, rates = [], []
        for patches in _TIMED_PATCHES:
            images = torch.zeros(1, 3, self._multiple * patches, self._multiple * patches)
            self._tokens(images)  # the first pass on a size prepares it
            start = time.perf_counter()
            self._tokens(images)
            pixels.append(images[0, 0].numel())
            rates.append((time.perf_counter() - start) / pixels[-1])
        growth = max((rates[1] - rates[0]) / (pixels[1] - pixels[0]), 0.0)
        return max(rates[0] - growth * pixels[0], 0.0), growth

    def _crop(self, length: int) -> tuple[int, int]:
        """Return start and size of the centre that the network sees."""
        size = max(length // self._multiple, 1) * self._multiple
        return (length - size) // 2, size

    def _chosen(self) -> list[int]:
        names = [level.name for level in self._backbone.levels]
        return [names.index(name) for name in self._options.levels or names]

    def _tokens(self, images: torch.Tensor) -> list[npt.NDArray[np.floating]]:
        with torch.inference_mode():
            found = self._backbone.tokens(images.contiguous())
        storage = np.dtype(self._options.storage)
        return [
            found[i][0].permute(1, 2, 0).float().cpu().numpy().astype(storage)
            for i in self._chosen()
        ]


def _axis(length: int, start: int, size: int, count: int, shift: int, turned: bool) -> Axis:
    """Return which token each pixel takes from a copy.

    The authors resize to full size (torch's ``nearest-exact``), undo the shift, then the flip,
    although the flip was done last.
    """
    pixels = np.clip(np.arange(length) - start, 0, size - 1)
    if turned:
        pixels = size - 1 - pixels
    pixels = (pixels + shift) % size
    scale = np.float32(count) / np.float32(size)
    index = np.floor((pixels.astype(np.float32) + np.float32(0.5)) * scale).astype(np.int64)
    centres = start + (np.arange(count) + 0.5) * size / count - 0.5
    return Axis.nearest(np.minimum(index, count - 1), centres)


HRDV2 = UpsamplerKind(
    Hrdv2Upsampler,
    shifts=2,
    flips="false",
    stride=4,
    needs_transformer=True,
    position_embedding="offset",
)
