"""The grids between tokens and pixels that FeatUp's upsampler passes, along one axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tdseg.upsampling.jbu_weights import RADIUS, STAGES
from tdseg.upsampling.token_field import Axis
from tdseg.upsampling.transforms import reflected

SCALE = 2**STAGES
"""Elements of the finest grid for a token."""


@dataclass(frozen=True)
class Step:
    """One doubling along an axis, for a run of the finer grid.

    Attributes
    ----------
    cells
        (n + 6,) elements of the finer grid, with those that the kernels reach; reflected inside.
    taps, weights
        (n + 6, 4): the elements of the run of the coarser grid that each takes, and how much.
    """

    cells: npt.NDArray[np.int64]
    taps: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Way:
    """How a run of pixels along an axis comes from a run of tokens."""

    tokens: slice
    steps: tuple[Step, ...]
    axis: Axis


@dataclass(frozen=True)
class JbuAxis:
    """An axis of the image, its tokens and the four grids between.

    The tokens stand for cells of the size of their spacing, side by side. Where these reach beyond
    the image it is continued by reflection, as it was for the backbone.

    Attributes
    ----------
    count
        Number of tokens.
    spacing
        Pixels between them.
    start, stop
        For each of the four grids, the pixels of every element's cell.
    fine
        How pixels sample the finest grid: linearly, by true places.
    """

    count: int
    spacing: float
    start: tuple[npt.NDArray[np.int64], ...]
    stop: tuple[npt.NDArray[np.int64], ...]
    fine: Axis

    @classmethod
    def of(cls, positions: npt.NDArray[np.float64], length: int, spacing: float) -> JbuAxis:
        """Build it from the tokens' centres; `spacing` counts for a single token."""
        count = len(positions)
        if count > 1:
            spacing = float((positions[-1] - positions[0]) / (count - 1))
        first = float(positions[0]) - spacing / 2 + 0.5
        start, stop = [], []
        for stage in range(1, STAGES + 1):
            number = count * 2**stage
            edges = first + np.arange(number + 1) * (spacing / 2**stage)
            low = np.floor(edges[:-1] + 1e-6).astype(np.int64)
            start.append(low)
            stop.append(np.maximum(np.ceil(edges[1:] - 1e-6).astype(np.int64), low + 1))
        centres = first - 0.5 + (np.arange(count * SCALE) + 0.5) * (spacing / SCALE)
        return cls(count, spacing, tuple(start), tuple(stop), Axis.linear(centres, length))

    def way(self, pixels: slice) -> Way:
        """Return what a run of pixels needs, from the finest grid back to the tokens."""
        part = self.fine.part(pixels)
        low, high = part.used()
        axis = Axis(
            part.lower - np.int32(low), part.upper - np.int32(low), part.weight, part.positions
        )
        steps: list[Step] = []
        for stage in range(STAGES, 0, -1):
            cells = reflected(low - RADIUS, high + RADIUS, self.count * 2**stage)
            taps, weights = _doubled(cells, self.count * 2 ** (stage - 1))
            low, high = int(taps.min()), int(taps.max()) + 1
            steps.append(Step(cells, taps - low, weights))
        return Way(slice(low, high), tuple(reversed(steps)), axis)


def _doubled(
    cells: npt.NDArray[np.int64], count: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return the taps (n, 4) and weights of bicubic resizing from `count` elements to twice that.

    Cubic convolution with a = -0.75, the outermost elements repeated, as torch has it.
    """
    base = (cells - 1) // 2
    t = np.where(cells % 2 == 1, 0.25, 0.75)
    a = -0.75
    far = np.stack([t + 1, 2 - t])
    near = np.stack([t, 1 - t])
    outer = ((a * far - 5 * a) * far + 8 * a) * far - 4 * a
    inner = ((a + 2) * near - (a + 3)) * near**2 + 1
    weights = np.stack([outer[0], inner[0], inner[1], outer[1]], axis=1).astype(np.float32)
    taps = np.clip(base[:, None] + np.arange(-1, 3), 0, count - 1)
    return taps, weights
