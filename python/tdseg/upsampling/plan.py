"""Which crops of a reflected image a backbone sees, and where their tokens lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from tdseg.backbones.base import Level
from tdseg.runtime.tiling import Windows
from tdseg.upsampling.transforms import Orientation, Shift, is_product

Span = tuple[int, int]


@dataclass(frozen=True)
class AxisPlan:
    """The crops along one image axis.

    Attributes
    ----------
    base
        Pixels added before the image in every copy, so that tokens surround all pixels.
    extra
        Further pixels for copies that run backwards: their tokens then fall on the lattice of
        the others.
    length
        Length of every copy.
    spans
        The windows of a copy.
    """

    base: int
    extra: int
    length: int
    spans: tuple[Span, ...]

    def pad(self, shift: int, backwards: bool) -> int:
        """Return the pixels before the image in a copy."""
        return self.base + shift + (self.extra if backwards else 0)


def plan_axis(
    length: int,
    level: Level,
    tail: float,
    multiple: int,
    shifts: Sequence[int],
    interleaved: bool,
    flipped: bool,
    windows: Windows,
) -> AxisPlan:
    """Choose the padding of an axis.

    Parameters
    ----------
    length
        Of the image.
    level
        The coarsest level: what surrounds all pixels with its tokens does so with the others'.
    tail
        Distance of the last token's centre from the end of the backbone's input.
    multiple
        Divides the backbone's input sizes.
    shifts
        The shifts along this axis.
    interleaved
        Whether the copies' tokens form one grid, so that only together they must reach the edges.
    flipped
        Whether some copies run backwards.
    windows
        How long copies are cut.

    Returns
    -------
    AxisPlan
        Where the passes lie along the axis.
    """
    least, most = min(shifts), max(shifts)
    reach = most if interleaved else least
    base = max(-least, ceil(level.offset - reach - 1e-6), 0)
    size = multiple
    while True:
        spans = windows.spans(size)
        extra = 0
        if flipped:
            window = spans[0][1] - spans[0][0]
            gap = (window - 1 - 2 * level.offset) % level.stride
            extra = round(gap) % max(round(level.stride), 1)
        behind = ceil(max(most, (least if interleaved else most) + tail))
        if size >= length + base + extra + behind:
            return AxisPlan(base, extra, size, tuple(spans))
        size += multiple


def token_positions(
    level: Level, count: int, span: Span, pad: int, backwards: bool
) -> npt.NDArray[np.float64]:
    """Return the centres of a window's tokens along an axis, in image pixels, increasing.

    Parameters
    ----------
    level
        Stride and offset.
    count
        Number of tokens.
    span
        The window within the copy.
    pad
        Where the image starts in the copy.
    backwards
        Whether the network saw the axis reversed.
    """
    inside = level.offset + level.stride * np.arange(count, dtype=np.float64)
    if backwards:
        inside = (span[1] - span[0] - 1 - inside)[::-1]
    return inside + (span[0] - pad)


@dataclass(frozen=True)
class Copy:
    """A shifted and oriented copy of the image."""

    shift: Shift
    orientation: Orientation
    pad: Shift


@dataclass(frozen=True)
class Pass:
    """One window of one copy: what the network runs on."""

    copy: Copy
    rows: Span
    cols: Span

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the network's input."""
        size = self.rows[1] - self.rows[0], self.cols[1] - self.cols[0]
        return (size[1], size[0]) if self.copy.orientation.transpose else size


@dataclass(frozen=True)
class Plan:
    """All passes for an image of one size.

    `interleaved` says whether the shifts are a product, so that the tokens of the copies of an
    orientation form one grid.
    """

    rows: AxisPlan
    cols: AxisPlan
    copies: tuple[Copy, ...]
    interleaved: bool

    @property
    def windows(self) -> list[tuple[int, int]]:
        """The windows, as numbers of spans along rows and columns."""
        return [(i, j) for i in range(len(self.rows.spans)) for j in range(len(self.cols.spans))]

    def passes(self, window: tuple[int, int]) -> list[Pass]:
        """Return the passes of one window: all copies."""
        rows, cols = self.rows.spans[window[0]], self.cols.spans[window[1]]
        return [Pass(copy, rows, cols) for copy in self.copies]

    @property
    def input_pixels(self) -> int:
        """Number of pixels that the network sees in all passes."""
        (top, bottom), (left, right) = self.rows.spans[0], self.cols.spans[0]
        return (bottom - top) * (right - left) * len(self.windows) * len(self.copies)

    def lattice(self, level: Level, copy: Copy) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return which lattice a copy's tokens belong to: row and column phases.

        Copies of one orientation whose shifts are a product share a lattice, as do orientations
        whose tokens coincide; tokens of a lattice become one grid.
        """
        mates: tuple[Copy, ...] = (copy,)
        if self.interleaved:
            mates = tuple(c for c in self.copies if c.orientation == copy.orientation)
        orientation = copy.orientation
        sides = ((self.rows, orientation.flip_rows), (self.cols, orientation.flip_cols))
        found = []
        for axis, (plan, backwards) in enumerate(sides):
            first = [
                token_positions(level, 1, plan.spans[0], c.pad[axis], backwards)[0] for c in mates
            ]
            found.append(tuple(sorted({round(p % level.stride, 3) % level.stride for p in first})))
        return found[0], found[1]


def make_plan(
    shape: tuple[int, int],
    levels: Sequence[Level],
    tail: float,
    multiple: int,
    shifts: Sequence[Shift],
    orientations: Sequence[Orientation],
    windows: Windows,
) -> Plan:
    """Plan the passes for an image.

    Parameters
    ----------
    shape
        Height and width of the image; any size.
    levels
        Of the backbone.
    tail
        Distance of the coarsest level's last token from the end of the backbone's input.
    multiple
        Divides the backbone's input sizes.
    shifts, orientations
        Every shift is combined with every orientation.
    windows
        How large copies are cut.

    Returns
    -------
    Plan
        The passes, in the order in which they run.
    """
    coarsest = max(levels, key=lambda level: level.stride)
    interleaved = is_product(shifts)

    def axis(number: int) -> AxisPlan:
        flipped = any((o.flip_rows, o.flip_cols)[number] for o in orientations)
        along = [shift[number] for shift in shifts]
        return plan_axis(
            shape[number], coarsest, tail, multiple, along, interleaved, flipped, windows
        )

    rows, cols = axis(0), axis(1)
    copies = tuple(
        Copy(
            shift,
            orientation,
            (rows.pad(shift[0], orientation.flip_rows), cols.pad(shift[1], orientation.flip_cols)),
        )
        for orientation in orientations
        for shift in shifts
    )
    return Plan(rows, cols, copies, interleaved)
