"""Learned joint bilateral upsampling: FeatUp's JBU stack, with weights from a file.

Fu et al., "FeatUp: a model-agnostic framework for features at any resolution", ICLR 2024. Four
times the grid of tokens is doubled (bicubic) and filtered with a kernel of 7 x 7 that a small
network makes of the colours of the image on that grid; the result is resized to the image.

Kernels know nothing of the tokens, and are the same for all channels. So everything is linear in
the tokens, and the last layer, which mixes channels, may as well come first: ``L(T) + 0.1 M L(T) +
0.1 b = L(T + 0.1 T M') + 0.1 b``. Kernels do not sum to one, hence the constant stays outside L.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError
from tdseg.runtime.feature_map import FeatureMap
from tdseg.runtime.progress import Progress
from tdseg.runtime.telling import tell_once
from tdseg.runtime.threads import map_threads
from tdseg.runtime.tiling import runs
from tdseg.upsampling.interpolated import ShiftUpsampler, one_pass
from tdseg.upsampling.jbu_axis import SCALE, JbuAxis, Way
from tdseg.upsampling.jbu_kernels import embed, fill_kernels, filter_planes, pool, resize
from tdseg.upsampling.jbu_weights import KEY, SIDE, JbuWeights, Stage, read_jbu
from tdseg.upsampling.kernels import add_interpolated
from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.picture import Picture
from tdseg.upsampling.registry import UpsamplerKind
from tdseg.upsampling.token_field import project_values
from tdseg.upsampling.transforms import reflected
from tdseg.upsampling.windowed import Store

if TYPE_CHECKING:
    from tdseg.backbones.base import Backbone

_EDGE = 144  # of the regions that are worked on at a time, on the finest grid
_CHANNELS = 32  # that pass the filters at a time
# What FeatUp subtracts from the colours and divides them by, whatever the backbone.
_MEAN = np.array([0.485, 0.456, 0.406])
_STD = np.array([0.229, 0.224, 0.225])


class JbuField:
    """The features of a plane by FeatUp's upsampler: a `FeatureMap`.

    Nothing is enlarged before a block or a pixel is asked for; then regions are worked on that are
    small whatever the image, with the seven or so tokens around that reach into them.

    Parameters
    ----------
    tokens
        (h, w, C) float32, the last layer applied.
    constant
        (C,) float32, added in the end.
    rows, cols
        Where the tokens lie.
    stages
        What makes the kernels.
    picture
        The image that guides.
    names
        One per feature.
    """

    def __init__(
        self,
        tokens: npt.NDArray[np.float32],
        constant: npt.NDArray[np.float32],
        rows: JbuAxis,
        cols: JbuAxis,
        stages: Sequence[Stage],
        picture: Picture,
        names: Sequence[str],
    ) -> None:
        self._tokens, self._constant = tokens, constant
        self._rows, self._cols = rows, cols
        self._stages, self._picture = tuple(stages), picture
        self._names = tuple(names)
        # Memory goes by the finest grid, which is finer than the image where tokens are dense.
        self._edge = max(int(_EDGE * min(rows.spacing, cols.spacing) / SCALE), 8)

    @property
    def names(self) -> tuple[str, ...]:
        """The feature names."""
        return self._names

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self._picture.shape

    def block(self, rows: slice, cols: slice) -> npt.NDArray[np.float32]:
        """Return the features of a block, (F, h, w) float32."""
        top, bottom, _ = rows.indices(self.shape[0])
        left, right, _ = cols.indices(self.shape[1])
        height, width = max(bottom - top, 0), max(right - left, 0)
        out = np.empty((len(self._names), height, width), np.float32)

        def fill(region: tuple[slice, slice]) -> None:
            y, x = region
            inside = slice(y.start - top, y.stop - top), slice(x.start - left, x.stop - left)
            for channels, values in self._chunks(y, x):
                out[channels, inside[0], inside[1]] = values

        map_threads(
            fill,
            [
                (slice(*y), slice(*x))
                for y in runs(top, bottom, self._edge)
                for x in runs(left, right, self._edge)
            ],
        )
        return out

    def at(
        self, rows: npt.NDArray[np.signedinteger], cols: npt.NDArray[np.signedinteger]
    ) -> npt.NDArray[np.float32]:
        """Return the features of n pixels, (n, F) float32, equal to `block`'s values."""
        rows, cols = np.asarray(rows, np.intp), np.asarray(cols, np.intp)
        out = np.empty((len(rows), len(self._names)), np.float32)
        across = ceil(self.shape[1] / self._edge)
        cell = rows // self._edge * across + cols // self._edge
        order = np.argsort(cell, kind="stable")
        borders = np.flatnonzero(np.diff(cell[order])) + 1

        def fill(inside: npt.NDArray[np.int64]) -> None:
            y, x = rows[inside], cols[inside]
            top, left = y.min(), x.min()
            region = slice(top, y.max() + 1), slice(left, x.max() + 1)
            for channels, values in self._chunks(*region):
                out[inside, channels] = values[:, y - top, x - left].T

        if len(rows):
            map_threads(fill, np.split(order, borders))
        return out

    def project(self, weights: npt.NDArray[np.floating]) -> FeatureMap:
        """Return ``features @ weights``, computed on the tokens: the filters are linear in them."""
        weights = np.ascontiguousarray(weights, np.float32)
        return JbuField(
            project_values(self._tokens, weights),
            self._constant @ weights,
            self._rows,
            self._cols,
            self._stages,
            self._picture,
            tuple(str(k) for k in range(weights.shape[1])),
        )

    def bytes_per_pixel(self) -> int:
        """Memory of `block` for each pixel; that of the regions is bounded beside it."""
        region = 2 * SIDE * SIDE + 2 * len(self._stages[0].embed_in) + 3 * _CHANNELS
        return 4 * len(self._names) + 4 * region

    def _chunks(self, rows: slice, cols: slice) -> Iterator[tuple[slice, npt.NDArray[np.float32]]]:
        """Yield the features of a region, some channels (n, h, w) at a time."""
        row_way, col_way = self._rows.way(rows), self._cols.way(cols)
        kernels = self._kernels(row_way, col_way)
        tokens = self._tokens[row_way.tokens, col_way.tokens]
        size = rows.stop - rows.start, cols.stop - cols.start
        r, c = row_way.axis, col_way.axis
        for first in range(0, tokens.shape[2], _CHANNELS):
            part = slice(first, min(first + _CHANNELS, tokens.shape[2]))
            values = np.ascontiguousarray(tokens[:, :, part].transpose(2, 0, 1))
            for kernel, y, x in zip(kernels, row_way.steps, col_way.steps, strict=True):
                finer = np.empty((len(values), len(y.cells), len(x.cells)), np.float32)
                resize(values, y.taps, y.weights, x.taps, x.weights, finer)
                values = np.empty((len(values), *kernel.shape[1:]), np.float32)
                filter_planes(kernel, finer, values)
            out = np.empty((len(values), *size), np.float32)
            out[:] = self._constant[part, None, None]
            add_interpolated(values, r.lower, r.upper, r.weight, c.lower, c.upper, c.weight, out)
            yield part, out

    def _kernels(self, rows: Way, cols: Way) -> list[npt.NDArray[np.float32]]:
        """Return the kernels (49, h, w) of every stage."""
        starts, stops, crops = [], [], []
        for axis, way, length in zip(
            (self._rows, self._cols), (rows, cols), self.shape, strict=True
        ):
            start = [axis.start[k][step.cells] for k, step in enumerate(way.steps)]
            stop = [axis.stop[k][step.cells] for k, step in enumerate(way.steps)]
            low = min(int(s.min()) for s in start)
            crops.append(reflected(low, max(int(s.max()) for s in stop), length))
            starts.append([s - low for s in start])
            stops.append([s - low for s in stop])
        image = self._picture.crop(*crops)
        found = []
        for k, stage in enumerate(self._stages):
            size = len(rows.steps[k].cells), len(cols.steps[k].cells)
            guide = np.empty((3, *size), np.float32)
            pool(image, starts[0][k], stops[0][k], starts[1][k], stops[1][k], _MEAN, _STD, guide)
            embedded = np.empty((len(stage.embed_in), *size), np.float32)
            embed(
                guide.reshape(3, -1), stage.embed_in, stage.embed_in_bias,
                stage.embed_out, stage.embed_out_bias, embedded.reshape(len(embedded), -1),
            )  # fmt: skip
            kernel = np.empty((SIDE * SIDE, size[0] - SIDE + 1, size[1] - SIDE + 1), np.float32)
            fill_kernels(
                embedded, guide, stage.temperature, stage.spatial, stage.fix_in,
                stage.fix_in_bias, stage.fix_out, stage.fix_out_bias, kernel,
            )  # fmt: skip
            found.append(kernel)
        return found


class JbuUpsampler(ShiftUpsampler):
    """FeatUp's learned upsampler on the tokens of one pass.

    FeatUp feeds the image as it is; here it is continued by reflection until tokens surround all
    pixels, as for every upsampler, and FeatUp's procedure is that for the continued image.

    Raises
    ------
    TdsegError
        If there are no weights, or they do not fit the backbone.
    """

    def __init__(self, backbone: Backbone, options: UpsamplingOptions) -> None:
        super().__init__(backbone, one_pass(options))
        self._weights = read_jbu(options.weights, tell_once)
        self.weights = self._weights.info
        levels = self._encoder.levels
        if len(levels) > 1:
            raise TdsegError(
                f"upsampling=jbu takes one level of tokens, {backbone.name} gives {len(levels)}; "
                f"choose one with levels=, for example levels={levels[-1].name}."
            )
        if levels[0].channels != self._weights.channels:
            raise TdsegError(
                f"{self.weights.name} upsamples tokens of {self._weights.channels} channels, "
                f"those of {backbone.name} have {levels[0].channels}; give the file made for this "
                f"backbone with {KEY}=[path]."
            )

    def features(
        self,
        picture: Picture,
        names: Sequence[str],
        store: Store | None = None,
        progress: Progress | None = None,
    ) -> JbuField:
        """Encode the image, all its windows at once, and prepare the tokens."""
        grids = self.encoded(picture, names, store, progress).levels[0]
        if len(grids) > 1:
            raise TdsegError(
                f"upsampling=jbu takes one grid of tokens, the copies of the image give "
                f"{len(grids)}; use flips=false."
            )
        grid = grids[0]
        spacing = float(self._encoder.levels[0].stride)
        rows, cols = (
            JbuAxis.of(axis.positions, length, spacing)
            for axis, length in zip((grid.rows, grid.cols), picture.shape, strict=True)
        )
        tokens, constant = prepared(grid.values, self._weights)
        return JbuField(tokens, constant, rows, cols, self._weights.stages, picture, names)


def prepared(
    values: npt.NDArray[np.floating], weights: JbuWeights
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return tokens (h, w, C) with the norm and the last layer applied, and its constant (C,)."""
    if weights.norm is not None:
        values = values.astype(np.float32)
        values -= values.mean(axis=2, keepdims=True)
        values /= np.sqrt((values**2).mean(axis=2, keepdims=True) + np.float32(1e-5))
        values = values * weights.norm[0] + weights.norm[1]
    tenth = np.float32(0.1)
    mix = np.eye(weights.channels, dtype=np.float32) + tenth * weights.mix.T
    return project_values(values, np.ascontiguousarray(mix)), tenth * weights.mix_bias


JBU = UpsamplerKind(JbuUpsampler, shifts=1, flips="false")
