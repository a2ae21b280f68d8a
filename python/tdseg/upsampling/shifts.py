"""Encode an image: tokens of shifted, mirrored and turned copies, put onto regular grids.

Averaging happens between tokens and not between pixels: copies shifted by parts of a patch
interleave to a denser grid, and copies that fall on the same lattice are averaged there. What is
left to do for each pixel is one interpolation.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import lcm
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tdseg.backbones.base import Backbone, Level
from tdseg.runtime.progress import Part, Progress, Silent
from tdseg.runtime.tiling import Windows
from tdseg.upsampling.lattices import LevelSums
from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.picture import Picture
from tdseg.upsampling.plan import Pass, Plan, make_plan
from tdseg.upsampling.token_field import Axis, TokenGrid
from tdseg.upsampling.transforms import Shift, reflected, subpatch

# One small pass tells how a backbone's grid ends; none is run when tokens come from a cache.
_TAILS: dict[tuple[str, str, int, Level], float] = {}


@dataclass(frozen=True)
class EncodedPlane:
    """The tokens of one image, or of one window of it: the grids of every level."""

    levels: tuple[tuple[TokenGrid, ...], ...]
    shape: tuple[int, int]

    @property
    def nbytes(self) -> int:
        """Bytes of all tokens."""
        return sum(grid.nbytes for grids in self.levels for grid in grids)

    def with_pixels(self) -> EncodedPlane:
        """Return the plane whose grids are interpolated at every pixel of the image."""
        height, width = self.shape
        return EncodedPlane(
            tuple(
                tuple(
                    TokenGrid(
                        grid.values,
                        Axis.linear(grid.rows.positions, height),
                        Axis.linear(grid.cols.positions, width),
                    ).cropped()
                    for grid in grids
                )
                for grids in self.levels
            ),
            self.shape,
        )


def default_windows(backbone: Backbone) -> tuple[int, int]:
    """Return window and overlap in pixels for large images.

    A network that looks at its whole input is shown what it was trained on, with a quarter of
    overlap; one that looks around its tokens only, half as much again with an eighth.
    """
    unit = window_unit(backbone)
    size, share = backbone.window, 4
    if not backbone.has_global_context:
        size, share = size * 3 // 2, 8
    window = max(size // unit, 2) * unit
    return window, max(window // share // unit, 1) * unit


def window_unit(backbone: Backbone) -> int:
    """Return the pixels by which windows move: whole tokens of every level."""
    strides = [int(level.stride) for level in backbone.levels if float(level.stride).is_integer()]
    return lcm(backbone.multiple, *strides)


class Encoder:
    """Runs a backbone over images.

    Parameters
    ----------
    backbone
        The network.
    options
        Copies, windows, levels and storage.

    Attributes
    ----------
    levels
        Those that are kept.
    shifts
        (rows, columns) in pixels.
    windows
        How long images are cut.
    """

    def __init__(self, backbone: Backbone, options: UpsamplingOptions) -> None:
        self.backbone = backbone
        self.options = options
        names = [level.name for level in backbone.levels]
        chosen = options.levels or names
        self._chosen = [names.index(name) for name in chosen]
        self.levels: tuple[Level, ...] = tuple(backbone.levels[i] for i in self._chosen)
        self.shifts: tuple[Shift, ...] = (
            subpatch(max(level.stride for level in self.levels), options.shifts)
            if isinstance(options.shifts, int)
            else options.shifts
        )
        window, overlap = default_windows(backbone)
        unit = window_unit(backbone)
        window = options.window or window
        self.windows = Windows(
            max(-(-window // unit), 2) * unit,
            options.overlap or min(overlap, window // 2),
            unit,
            limit=max(-(-window // unit), 2) * unit * 5 // 4,
        )
        self._biases: dict[tuple[int, int], list[torch.Tensor]] = {}
        self._rate: float | None = None  # seconds for a pixel of input

    @property
    def passes(self) -> int:
        """Number of copies."""
        return len(self.shifts) * len(self.options.orientations)

    def settings(self) -> dict[str, Any]:
        """Return what the tokens depend on, besides the backbone and the image."""
        return {
            "shifts": self.shifts,
            "orientations": self.options.orientations,
            "levels": [level.name for level in self.levels],
            "window": (self.windows.size, self.windows.overlap),
            "storage": self.options.storage,
            "position_bias": self.options.position_bias,
        }

    def plan(self, shape: tuple[int, int]) -> Plan:
        """Return the passes for an image of this shape."""
        return make_plan(
            shape,
            self.levels,
            self._tail_of_input(),
            self.backbone.multiple,
            self.shifts,
            self.options.orientations,
            self.windows,
        )

    def encode(
        self,
        picture: Picture,
        plan: Plan,
        window: tuple[int, int],
        progress: Progress | None = None,
    ) -> EncodedPlane:
        """Run all copies of a window and average their tokens.

        Parameters
        ----------
        picture
            The whole image, of any size.
        plan
            Made by `plan` for its shape.
        window
            One of ``plan.windows``.
        progress
            Told of every batch; it may raise to cancel.

        Returns
        -------
        EncodedPlane
            Grids that know the centres of their tokens in the image; `Axis.linear` makes pixels
            of them.
        """
        sums = [LevelSums(plan, level) for level in self.levels]
        number = plan.windows.index(window)
        part = Part(
            progress or Silent(), number / len(plan.windows), (number + 1) / len(plan.windows)
        )
        for item, tokens in self._run(plan.passes(window), picture, part):
            for level, values in zip(sums, tokens, strict=True):
                level.add(item, values)
        storage = np.dtype(self.options.storage)
        return EncodedPlane(
            tuple(
                tuple(TokenGrid(v, Axis.bare(r), Axis.bare(c)) for r, c, v in level.pieces(storage))
                for level in sums
            ),
            picture.shape,
        )

    def seconds(self, shape: tuple[int, int]) -> float:
        """Estimate how long `encode` takes, by the last run or by one small timed pass."""
        if self._rate is None:
            side = max(256 // self.backbone.multiple, 1) * self.backbone.multiple
            images = torch.zeros(1, 3, side, side)
            self._tokens(images)
            start = time.perf_counter()
            self._tokens(images)
            self._rate = (time.perf_counter() - start) / side**2
        return self._rate * self.plan(shape).input_pixels

    def _run(
        self, passes: Sequence[Pass], picture: Picture, progress: Progress
    ) -> Iterator[tuple[Pass, list[npt.NDArray[np.float32]]]]:
        """Yield every pass with its tokens, (h, w, C) float32 in image orientation."""
        done, start = 0, time.perf_counter()
        for batch in self._batches(passes):
            progress.update(
                done / len(passes), f"{self.backbone.name}: pass {done + 1} of {len(passes)}"
            )
            images = np.stack([_cut(picture, item) for item in batch])
            tokens = self._tokens(torch.from_numpy(images))
            for index, item in enumerate(batch):
                undo = item.copy.orientation.undo
                yield (
                    item,
                    [undo(t[index]).permute(1, 2, 0).float().cpu().numpy() for t in tokens],
                )
            done += len(batch)
        pixels = sum(item.size[0] * item.size[1] for item in passes)
        self._rate = (time.perf_counter() - start) / pixels

    def _batches(self, passes: Iterable[Pass]) -> Iterator[list[Pass]]:
        batch: list[Pass] = []
        for item in passes:
            if batch and (item.size != batch[0].size or len(batch) >= self._batch_size(item)):
                yield batch
                batch = []
            batch.append(item)
        if batch:
            yield batch

    def _batch_size(self, item: Pass) -> int:
        # About 500 bytes of activations a pixel, for small networks of either kind.
        return max(self.options.batch_bytes // (500 * item.size[0] * item.size[1]), 1)

    def _tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
        with torch.inference_mode():
            found = self.backbone.tokens(images)
            tokens = [found[index] for index in self._chosen]
            if self.options.position_bias:
                biases = self._bias((images.shape[2], images.shape[3]))
                tokens = [t.float() - bias for t, bias in zip(tokens, biases, strict=True)]
        return tokens

    def _bias(self, size: tuple[int, int]) -> list[torch.Tensor]:
        """Return what depends on the place only, (C, h, w) a level, without its mean."""
        if size not in self._biases:
            greys = torch.tensor([0.25, 0.5, 0.75])
            totals: list[torch.Tensor] | None = None
            for grey in greys:
                found = self.backbone.tokens(grey.expand(1, 3, *size).contiguous())
                part = [found[index][0].float() for index in self._chosen]
                totals = (
                    part if totals is None else [a + b for a, b in zip(totals, part, strict=True)]
                )
            assert totals is not None
            self._biases[size] = [
                (t - t.mean(dim=(1, 2), keepdim=True)) / len(greys) for t in totals
            ]
        return self._biases[size]

    def _tail_of_input(self) -> float:
        """Return how far the coarsest level's last token is from the end of the input."""
        level = max(self.levels, key=lambda level: level.stride)
        multiple = self.backbone.multiple
        key = self.backbone.name, self.backbone.weights.sha256, multiple, level
        if key not in _TAILS:
            length = max(-(-int(2 * level.stride) // multiple), 2) * multiple
            with torch.inference_mode():
                found = self.backbone.tokens(torch.zeros(1, 3, length, length))
            count = found[self.backbone.levels.index(level)].shape[2]
            tail = length - 1 - (level.offset + level.stride * (count - 1))
            # The surplus changes with the length where strides do not divide it.
            _TAILS[key] = tail if multiple % level.stride == 0 else tail + level.stride - 1
        return _TAILS[key]


def _cut(picture: Picture, item: Pass) -> npt.NDArray[np.float32]:
    """Return what the network sees in a pass, (3, h, w) float32."""
    (height, width), (top, left) = picture.shape, item.copy.pad
    rows = reflected(item.rows[0] - top, item.rows[1] - top, height)
    cols = reflected(item.cols[0] - left, item.cols[1] - left, width)
    return np.ascontiguousarray(item.copy.orientation.apply(picture.crop(rows, cols)))
