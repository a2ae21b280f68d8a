"""Large images: windows that are encoded when asked for, and blended where they overlap.

Windows lie at fixed places of the image, so values depend neither on the blocks that are asked for
nor on their order. Only windows that hold a pixel in question are run, and no more tokens are kept
than the memory limit allows.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from tdseg.runtime.feature_map import FeatureMap
from tdseg.runtime.progress import Progress, Silent
from tdseg.upsampling.blended import BlendedAxis, BlendedGrid, WindowIndex, WindowSource
from tdseg.upsampling.picture import Picture
from tdseg.upsampling.plan import AxisPlan, Plan
from tdseg.upsampling.shifts import EncodedPlane, Encoder
from tdseg.upsampling.token_field import (
    Grid,
    LevelGrids,
    TokenField,
    TokenGrid,
    project_values,
)

Store = Callable[[str, Callable[[], EncodedPlane]], EncodedPlane]


class _Kept:
    """Planes that are held, and the last used others within a bound."""

    def __init__(self, make: Callable[[WindowIndex], EncodedPlane], limit_bytes: int) -> None:
        self._make, self._limit = make, limit_bytes
        self._planes: OrderedDict[WindowIndex, EncodedPlane] = OrderedDict()
        self._lock = threading.RLock()

    def hold(self, wanted: Sequence[WindowIndex]) -> None:
        with self._lock:
            for window in wanted:
                self.get(window)
            total = sum(plane.nbytes for plane in self._planes.values())
            for window in [w for w in self._planes if w not in set(wanted)]:
                if total <= self._limit:
                    return
                total -= self._planes.pop(window).nbytes

    def get(self, window: WindowIndex) -> EncodedPlane:
        with self._lock:
            if window not in self._planes:
                self._planes[window] = self._make(window)
            self._planes.move_to_end(window)
            return self._planes[window]


class EncodedWindows:
    """Windows of an image, encoded when first needed.

    Parameters
    ----------
    encoder
        Runs the backbone.
    picture
        The image.
    plan
        The encoder's plan for it.
    store
        Looks a window up in a cache, by name, before it is made.
    progress
        Told of every pass; it may raise to cancel.
    limit_bytes
        Bound of the tokens that are kept besides those in use.
    """

    def __init__(
        self,
        encoder: Encoder,
        picture: Picture,
        plan: Plan,
        store: Store | None = None,
        progress: Progress | None = None,
        limit_bytes: int = 256 * 1024**2,
    ) -> None:
        self.plan = plan
        self.windows = encoder.windows
        self.shape = picture.shape
        self.channels = tuple(level.channels for level in encoder.levels)
        self._store = store or (lambda name, make: make())
        self._encoder, self._picture = encoder, picture
        self._progress = progress or Silent()
        self._kept = _Kept(self._encode, limit_bytes)

    def hold(self, wanted: Sequence[WindowIndex]) -> None:
        """Encode these windows unless they are there."""
        self._kept.hold(wanted)

    def get(self, window: WindowIndex) -> EncodedPlane:
        """Return the tokens of a window."""
        return self._kept.get(window)

    def _encode(self, window: WindowIndex) -> EncodedPlane:
        def make() -> EncodedPlane:
            return self._encoder.encode(self._picture, self.plan, window, self._progress)

        return self._store(f"{window[0]}.{window[1]}", make)


class ProjectedWindows:
    """The windows of another source, their tokens multiplied by weights."""

    def __init__(self, source: WindowSource, weights: Sequence[npt.NDArray[np.float32]]) -> None:
        self.plan, self.windows, self.shape = source.plan, source.windows, source.shape
        self.channels = tuple(w.shape[1] for w in weights)
        self._source, self._weights = source, weights
        self._kept = _Kept(self._project, 64 * 1024**2)

    def hold(self, wanted: Sequence[WindowIndex]) -> None:
        """Project these windows unless they are there."""
        self._kept.hold(wanted)

    def get(self, window: WindowIndex) -> EncodedPlane:
        """Return the projected tokens of a window."""
        return self._kept.get(window)

    def _project(self, window: WindowIndex) -> EncodedPlane:
        self._source.hold([window])
        plane = self._source.get(window)
        levels = tuple(
            tuple(TokenGrid(project_values(g.values, w), g.rows, g.cols) for g in grids)
            for grids, w in zip(plane.levels, self._weights, strict=True)
        )
        return EncodedPlane(levels, plane.shape)


class WindowedField:
    """The features of a large image: a `FeatureMap` over windows.

    Parameters
    ----------
    source
        Tokens of the windows.
    starts
        The first feature of each level.
    names
        One per feature.
    """

    def __init__(self, source: WindowSource, starts: Sequence[int], names: Sequence[str]) -> None:
        self._source = source
        self._starts = tuple(starts)
        self._names = tuple(names)
        self._field: TokenField | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The feature names."""
        return self._names

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self._source.shape

    def block(self, rows: slice, cols: slice) -> npt.NDArray[np.float32]:
        """Return the features of a block, (F, h, w) float32."""
        top, bottom, _ = rows.indices(self.shape[0])
        left, right, _ = cols.indices(self.shape[1])
        out = np.empty((len(self._names), max(bottom - top, 0), max(right - left, 0)), np.float32)
        self.fill(slice(top, bottom), slice(left, right), out)
        return out

    def fill(self, rows: slice, cols: slice, out: npt.NDArray[np.float32]) -> None:
        """Write what `block` returns into `out`, (F, h, w) float32."""
        if out.size:
            top, bottom, _ = rows.indices(self.shape[0])
            left, right, _ = cols.indices(self.shape[1])
            ready = self._ready(np.arange(top, bottom), np.arange(left, right))
            ready.fill(slice(top, bottom), slice(left, right), out)

    def at(
        self, rows: npt.NDArray[np.int64], cols: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return the features of n pixels, (n, F) float32, equal to `block`'s values."""
        rows, cols = np.asarray(rows, np.intp), np.asarray(cols, np.intp)
        out = np.empty((len(rows), len(self._names)), np.float32)
        # WindowIndex by window, so that few are needed at a time.
        plan = self._source.plan
        cell = _cells(rows, plan.rows) * len(plan.cols.spans) + _cells(cols, plan.cols)
        for number in np.unique(cell):
            inside = np.flatnonzero(cell == number)
            y, x = rows[inside], cols[inside]
            ready = self._ready(np.unique(y), np.unique(x))
            out[inside] = ready.at(y, x)
        return out

    def project(self, weights: npt.NDArray[np.floating]) -> FeatureMap:
        """Return ``features @ weights``; tokens are projected when their window is encoded."""
        weights = np.ascontiguousarray(weights, np.float32)
        parts = [
            weights[start : start + count]
            for start, count in zip(self._starts, self._source.channels, strict=True)
        ]
        names = [str(k) for k in range(weights.shape[1])]
        source = ProjectedWindows(self._source, parts)
        return WindowedField(source, [0] * len(parts), names)

    def bytes_per_pixel(self) -> int:
        """Memory of `block` for each pixel; tokens are few beside the features."""
        return 4 * len(self._names) + 4 * max(self._source.channels)

    def whole(self) -> EncodedPlane:
        """Return the blended tokens of the whole image, for those who need them at once."""
        height, width = self.shape
        ready = self._ready(np.arange(height), np.arange(width))
        return EncodedPlane(
            tuple(tuple(_solid(grid) for grid in level.grids) for level in ready.levels),
            self.shape,
        )

    def _ready(self, rows: npt.NDArray[np.int64], cols: npt.NDArray[np.int64]) -> TokenField:
        """Return a field with the windows held that these rows and columns need."""
        if self._field is None:
            plan = self._source.plan
            known = int(_cells(rows[:1], plan.rows)[0]), int(_cells(cols[:1], plan.cols)[0])
            self._field = self._make_field(known)
        wanted: set[WindowIndex] = set()
        for level in self._field.levels:
            for grid in level.grids:
                assert isinstance(grid, BlendedGrid)
                own_rows, own_cols = (
                    blend.holding(np.unique([axis.lower[pixels], axis.upper[pixels]]))
                    for blend, axis, pixels in (
                        (grid.row_blend, grid.rows, rows),
                        (grid.col_blend, grid.cols, cols),
                    )
                )
                wanted |= {(i, j) for i in own_rows for j in own_cols}
        self._source.hold(sorted(wanted))
        return self._field

    def _make_field(self, known: WindowIndex) -> TokenField:
        source = self._source
        source.hold([known])
        levels = []
        for level, grids in enumerate(source.get(known).levels):
            blended = []
            for lattice, grid in enumerate(grids):
                rows, cols = (
                    BlendedAxis.of(axis.positions, k, plan, source.windows)
                    for axis, k, plan in (
                        (grid.rows, known[0], source.plan.rows),
                        (grid.cols, known[1], source.plan.cols),
                    )
                )
                blended.append(BlendedGrid(source, level, lattice, rows, cols))
            levels.append(LevelGrids(self._starts[level], tuple(blended)))
        return TokenField(levels, self._names, self.shape)


def _cells(pixels: npt.NDArray[np.int64], plan: AxisPlan) -> npt.NDArray[np.int64]:
    """Return, for each pixel, the last window that starts before it."""
    starts = np.array([start for start, _ in plan.spans])
    return np.maximum(np.searchsorted(starts, pixels + plan.base, "right") - 1, 0)


def _solid(grid: Grid) -> TokenGrid:
    (top, bottom), (left, right) = grid.rows.used(), grid.cols.used()
    values = grid.tokens(slice(top, bottom), slice(left, right))
    return TokenGrid(values, grid.rows.cropped(), grid.cols.cropped())
