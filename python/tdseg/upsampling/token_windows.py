"""Tokens as cells along an axis, and the window of tokens that each pixel attends to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TokenCells:
    """The tokens of an axis as cells of the size of their spacing, side by side.

    Attributes
    ----------
    first
        Edge of the first cell, in pixels of the image: pixel p reaches from p to p + 1.
    spacing
        Pixels between tokens.
    start, stop
        (n,): the pixels that each cell touches; cells may lie beyond the image.
    """

    first: float
    spacing: float
    start: Ints
    stop: Ints

    @classmethod
    def of(cls, positions: npt.NDArray[np.float64], spacing: float) -> TokenCells:
        """Build it from the tokens' centres; `spacing` counts for a single token."""
        count = len(positions)
        if count > 1:
            spacing = float((positions[-1] - positions[0]) / (count - 1))
        first = float(positions[0]) - spacing / 2 + 0.5
        edges = first + np.arange(count + 1) * spacing
        start = np.floor(edges[:-1] + 1e-6).astype(np.int64)
        stop = np.maximum(np.ceil(edges[1:] - 1e-6).astype(np.int64), start + 1)
        return cls(first, spacing, start, stop)

    def neighbours(self, length: int, side: int) -> TokenWindows:
        """Let every pixel see `side` tokens, its own in the middle, but for the ends."""
        count = len(self.start)
        own = np.floor((np.arange(length) + 0.5 - self.first) / self.spacing).astype(np.int64)
        lower = np.clip(own - side // 2, 0, max(count - side, 0))
        return TokenWindows(self, lower, np.minimum(lower + side, count))

    def within(self, length: int, plane: tuple[int, int], ratio: float) -> TokenWindows:
        """Let every pixel see the tokens closer than a part of the plane from start to stop."""
        count, extent = len(self.start), plane[1] - plane[0]
        place = (np.arange(length) + 0.5 - plane[0]) / extent
        lower = np.floor(np.clip(place - ratio, 0, 1) * count).astype(np.int64)
        upper = np.ceil(np.clip(place + ratio, 0, 1) * count).astype(np.int64)
        return TokenWindows(self, lower, upper)


@dataclass(frozen=True)
class TokenWindows:
    """The tokens from lower to upper that each pixel of the image sees along an axis."""

    cells: TokenCells
    lower: Ints
    upper: Ints

    def span(self, pixels: slice) -> slice:
        """Return the tokens that a run of pixels sees."""
        return slice(int(self.lower[pixels].min()), int(self.upper[pixels].max()))

    def touched(self, tokens: slice) -> tuple[int, int]:
        """Return the pixels that these tokens' cells touch."""
        return int(self.cells.start[tokens.start]), int(self.cells.stop[tokens.stop - 1])


def extent(cells: list[TokenCells]) -> tuple[int, int]:
    """Return the pixels that the cells of several levels touch together."""
    return min(int(c.start[0]) for c in cells), max(int(c.stop[-1]) for c in cells)
