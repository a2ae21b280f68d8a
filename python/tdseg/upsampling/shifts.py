"""Encode an image: tokens of shifted, mirrored and turned copies, put onto regular grids.

Averaging happens between tokens and not between pixels: copies shifted by parts of a patch
interleave to a denser grid, copies that fall on the same lattice are averaged there, and windows
of a large image are blended there. What is left to do for each pixel is one interpolation.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import lcm
from typing import Any

import numpy as np
import torch

from ..backbones.base import Backbone, Level
from ..progress import Progress, Silent
from ..tiling import Windows
from .picture import Picture
from .plan import Pass, Plan, make_plan, token_positions
from .token_field import Axis, TokenGrid
from .transforms import IDENTITY, Orientation, Shift, reflected

Key = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class EncodedPlane:
    """The tokens of one image: the grids of every level."""

    levels: tuple[tuple[TokenGrid, ...], ...]
    shape: tuple[int, int]

    @property
    def nbytes(self) -> int:
        """Bytes of all tokens."""
        return sum(grid.nbytes for grids in self.levels for grid in grids)


@dataclass(frozen=True)
class EncodeOptions:
    """How an image is encoded; all of it changes values, except `batch_bytes`.

    Parameters
    ----------
    shifts
        (rows, columns) in pixels; several copies, see `transforms.subpatch`.
    orientations
        Combined with every shift.
    window, overlap
        Pixels; 0 and 0: chosen by `default_windows`.
    levels
        Names of the backbone's levels to keep; None: all.
    storage
        Type in which tokens are kept. Sums are float32 whatever the storage.
    position_bias
        Subtract what the tokens of featureless images hold at the same place of the input.
    batch_bytes
        Memory for the copies that a device sees at a time. Processors see one at a time.
    """

    shifts: tuple[Shift, ...] = ((0, 0),)
    orientations: tuple[Orientation, ...] = (IDENTITY,)
    window: int = 0
    overlap: int = 0
    levels: tuple[str, ...] | None = None
    storage: str = "float16"
    position_bias: bool = False
    batch_bytes: int = 0


def default_windows(backbone: Backbone) -> tuple[int, int]:
    """Return window and overlap in pixels for large images.

    A network that looks at its whole input is shown what it was trained on, with a quarter of
    overlap; one that looks around its tokens only, half as much again with a sixth.
    """
    unit = window_unit(backbone)
    size, share = backbone.window, 4
    if not backbone.has_global_context:
        size, share = size * 3 // 2, 6
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
        What to run.
    """

    def __init__(self, backbone: Backbone, options: EncodeOptions) -> None:
        self.backbone = backbone
        self.options = options
        names = [level.name for level in backbone.levels]
        chosen = options.levels or names
        self._chosen = [names.index(name) for name in chosen]
        self.levels: tuple[Level, ...] = tuple(backbone.levels[i] for i in self._chosen)
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
        self._tail: float | None = None
        self._rate: float | None = None  # seconds for a pixel of input

    def plan(self, shape: tuple[int, int]) -> Plan:
        """Return the passes for an image of this shape."""
        return make_plan(
            shape,
            self.levels,
            self._tail_of_input(),
            self.backbone.multiple,
            self.options.shifts,
            self.options.orientations,
            self.windows,
        )

    def encode(self, picture: Picture, progress: Progress | None = None) -> EncodedPlane:
        """Run all passes.

        Parameters
        ----------
        picture
            Image of any size.
        progress
            Told of every batch; it may raise to cancel.
        """
        plan = self.plan(picture.shape)
        gathered = [_Gathering(plan, level, self.windows) for level in self.levels]
        for done, tokens in self._run(plan.passes, picture, progress or Silent()):
            for lattices, values in zip(gathered, tokens, strict=True):
                lattices.add(done, values)
        storage = np.dtype(self.options.storage)
        grids = tuple(lattices.grids(picture.shape, storage) for lattices in gathered)
        return EncodedPlane(grids, picture.shape)

    def seconds(self, shape: tuple[int, int]) -> float:
        """Estimate how long `encode` takes, by the last run or by one small timed pass."""
        if self._rate is None:
            side = max(256 // self.backbone.multiple, 1) * self.backbone.multiple
            images = torch.zeros(1, 3, side, side)
            self._tokens(images)
            start = time.perf_counter()
            self._tokens(images)
            self._rate = (time.perf_counter() - start) / side**2
        return self._rate * sum(p.size[0] * p.size[1] for p in self.plan(shape).passes)

    def _run(
        self, passes: Sequence[Pass], picture: Picture, progress: Progress
    ) -> Iterator[tuple[Pass, list[np.ndarray]]]:
        """Yield every pass with its tokens, (h, w, C) float32 in image orientation."""
        done, start = 0, time.perf_counter()
        for batch in self._batches(passes):
            message = f"{self.backbone.name}: pass {done + 1} of {len(passes)}"
            if done:
                left = (time.perf_counter() - start) / done * (len(passes) - done)
                message += f", about {left:.0f} s left"
            progress.update(done / len(passes), message)
            images = np.stack([_cut(picture, item) for item in batch])
            tokens = self._tokens(torch.from_numpy(images))
            for index, item in enumerate(batch):
                orient = item.copy.orientation
                yield (
                    item,
                    [
                        orient.undo(level[index]).permute(1, 2, 0).float().cpu().numpy()
                        for level in tokens
                    ],
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
        if self._tail is None:
            coarsest = max(range(len(self.levels)), key=lambda i: self.levels[i].stride)
            level, multiple = self.levels[coarsest], self.backbone.multiple
            length = max(-(-int(2 * level.stride) // multiple), 2) * multiple
            with torch.inference_mode():
                count = self.backbone.tokens(torch.zeros(1, 3, length, length))[
                    self._chosen[coarsest]
                ].shape[2]
            tail = length - 1 - (level.offset + level.stride * (count - 1))
            # The surplus changes with the length where strides do not divide it.
            self._tail = tail if multiple % level.stride == 0 else tail + level.stride - 1
        return self._tail


def _cut(picture: Picture, item: Pass) -> np.ndarray:
    """Return what the network sees in a pass, (3, h, w) float32."""
    (height, width), (top, left) = picture.shape, item.copy.pad
    rows = reflected(item.rows[0] - top, item.rows[1] - top, height)
    cols = reflected(item.cols[0] - left, item.cols[1] - left, width)
    return np.ascontiguousarray(item.copy.orientation.apply(picture.crop(rows, cols)))


class _Gathering:
    """Adds up the tokens of one level, on as many lattices as the copies' tokens form."""

    def __init__(self, plan: Plan, level: Level, windows: Windows) -> None:
        self._plan, self._level, self._windows = plan, level, windows
        self._keys = {copy: plan.lattice(level, copy) for copy in plan.copies}
        self._sums: dict[Key, _Lattice] = {}

    def add(self, item: Pass, tokens: np.ndarray) -> None:
        """Add the tokens (h, w, C) of a pass, weighted towards the middle of its window."""
        copy, counts = item.copy, tokens.shape[:2]
        key = self._keys[copy]
        if key not in self._sums:
            self._sums[key] = self._lattice(key, counts, tokens.shape[2])
        places, weights = [], []
        axes = ((self._plan.rows, item.rows), (self._plan.cols, item.cols))
        for axis, (plan, span) in enumerate(axes):
            where = self._positions(axis, copy.pad[axis], copy.orientation, span, counts[axis])
            places.append(where)
            inside = where + copy.pad[axis]
            weights.append(self._windows.weights(plan.spans, item.window[axis], inside))
        self._sums[key].add(places, weights, tokens)

    def _positions(
        self, axis: int, pad: int, orientation: Orientation, span: tuple[int, int], count: int
    ) -> np.ndarray:
        backwards = (orientation.flip_rows, orientation.flip_cols)[axis]
        return token_positions(self._level, count, span, pad, backwards)

    def _lattice(self, key: Key, counts: tuple[int, ...], channels: int) -> _Lattice:
        axes: list[list[np.ndarray]] = [[], []]
        for copy in (c for c, k in self._keys.items() if k == key):
            for axis, plan in enumerate((self._plan.rows, self._plan.cols)):
                axes[axis] += [
                    self._positions(axis, copy.pad[axis], copy.orientation, span, counts[axis])
                    for span in plan.spans
                ]
        return _Lattice(_union(axes[0]), _union(axes[1]), channels)

    def grids(self, shape: tuple[int, int], storage: np.dtype) -> tuple[TokenGrid, ...]:
        """Return a grid for every lattice."""
        return tuple(lattice.grid(shape, storage) for lattice in self._sums.values())


class _Lattice:
    """Weighted sums of tokens at fixed places."""

    def __init__(self, rows: np.ndarray, cols: np.ndarray, channels: int) -> None:
        self._rows, self._cols = rows, cols
        self._sum = np.zeros((len(rows), len(cols), channels), np.float32)
        self._weight = np.zeros((len(rows), len(cols)), np.float32)

    def add(self, places: list[np.ndarray], weights: list[np.ndarray], tokens: np.ndarray) -> None:
        rows, cols = _indices(self._rows, places[0]), _indices(self._cols, places[1])
        weight = weights[0][:, None] * weights[1]
        target: tuple[Any, ...] = (rows, cols)
        if isinstance(rows, np.ndarray) or isinstance(cols, np.ndarray):
            target = np.ix_(
                np.arange(len(self._rows))[rows],
                np.arange(len(self._cols))[cols],
            )
        self._sum[target] += tokens * weight[:, :, None]
        self._weight[target] += weight

    def grid(self, shape: tuple[int, int], storage: np.dtype) -> TokenGrid:
        rows, cols = _covered(self._weight)
        values = self._sum[rows, cols]
        values /= self._weight[rows, cols, None]
        grid = TokenGrid(
            values, Axis.linear(self._rows[rows], shape[0]), Axis.linear(self._cols[cols], shape[1])
        ).cropped()
        # Half precision ends at 65504; a network with larger tokens keeps single precision.
        if storage == np.float16 and np.abs(grid.values).max(initial=0) > 6e4:
            storage = np.dtype(np.float32)
        return TokenGrid(np.ascontiguousarray(grid.values.astype(storage)), grid.rows, grid.cols)


def _union(parts: list[np.ndarray]) -> np.ndarray:
    """Return all positions once, increasing; those nearer than a thousandth are the same."""
    every = np.sort(np.concatenate(parts))
    return every[np.concatenate([[True], np.diff(every) > 1e-3])]


def _indices(lattice: np.ndarray, places: np.ndarray) -> slice | np.ndarray:
    """Return where `places` stand in the lattice, as a slice if they are evenly spaced."""
    index = np.searchsorted(lattice, places - 1e-3)
    steps = np.unique(np.diff(index))
    if len(steps) > 1:
        return index
    step = int(steps[0]) if len(steps) else 1
    return slice(int(index[0]), int(index[-1]) + 1, step)


def _covered(weight: np.ndarray) -> tuple[slice, slice]:
    """Return the largest centred part without empty places: copies end at different tokens."""
    top, bottom, left, right = 0, weight.shape[0], 0, weight.shape[1]
    while (empty := weight[top:bottom, left:right] == 0).any():
        shares = {
            "top": empty[0].mean(),
            "bottom": empty[-1].mean(),
            "left": empty[:, 0].mean(),
            "right": empty[:, -1].mean(),
        }
        worst = max(shares, key=lambda side: shares[side])
        top += worst == "top"
        bottom -= worst == "bottom"
        left += worst == "left"
        right -= worst == "right"
    return slice(top, bottom), slice(left, right)
