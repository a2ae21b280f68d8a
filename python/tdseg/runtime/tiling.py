"""One global grid of overlapping windows, and blocks for bounded memory.

Windows belong to the *definition* of features: a network sees a large image through windows that
lie at fixed places of the image, the same at training and at application. Blocks are only an order
of evaluation and never change a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, isqrt

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Windows:
    """Overlapping windows along an axis, blended with smooth weights.

    Attributes
    ----------
    size
        Length of a window in pixels.
    overlap
        Smallest overlap of neighbours, in pixels.
    unit
        Windows start at multiples of this, so that their tokens share one lattice.
    limit
        Axes up to this length are seen whole. A little above `size`, so that an image of just
        about the window's size needs no second window.
    """

    size: int
    overlap: int
    unit: int = 1
    limit: int = 0

    def __post_init__(self) -> None:
        if self.size % self.unit or not 0 <= self.overlap <= self.size - self.unit:
            raise ValueError(
                f"size {self.size} must be a multiple of unit {self.unit} that exceeds "
                f"overlap {self.overlap} by at least a unit"
            )

    def spans(self, length: int) -> list[tuple[int, int]]:
        """Return the half-open spans of the windows that cover an axis of `length` pixels.

        All are `size` long (the whole axis if it is no longer than `limit`); the last may reach
        beyond the axis by less than a unit: the image is continued there.
        """
        if length <= max(self.limit, self.size):
            return [(0, length)]
        count = ceil((length - self.overlap) / (self.size - self.overlap))
        steps = ceil((length - self.size) / self.unit)
        while max(np.diff(self._starts(count, steps))) > (self.size - self.overlap) // self.unit:
            count += 1
        return [
            (start * self.unit, start * self.unit + self.size)
            for start in self._starts(count, steps)
        ]

    @staticmethod
    def _starts(count: int, steps: int) -> list[int]:
        return [steps * k // (count - 1) for k in range(count)]

    def weights(
        self, spans: Sequence[tuple[int, int]], index: int, positions: npt.NDArray[np.number]
    ) -> npt.NDArray[np.float32]:
        """Return the blending weights of a window's tokens, float32, positive.

        They rise linearly over the overlap with the window before and fall over that with the
        window behind; where windows share a token, dividing by the sum of their weights makes
        them add to one.

        Parameters
        ----------
        spans
            All windows of the axis, from `spans`.
        index
            Which of them.
        positions
            Centres of the tokens, in the same coordinates.
        """
        start, stop = spans[index]
        weights = np.ones(len(positions))
        if index > 0:
            shared = spans[index - 1][1] - start
            weights = np.minimum(weights, (positions - start + 1) / (shared + 1))
        if index < len(spans) - 1:
            shared = stop - spans[index + 1][0]
            weights = np.minimum(weights, (stop - positions) / (shared + 1))
        # A token may be centred outside its window (continued by the network): its weight is
        # then small, but it must not vanish where no other window has it.
        smallest = 1 / (self.size + 1)
        return np.maximum(weights, smallest).astype(np.float32)


def runs(start: int, stop: int, most: int) -> Iterator[tuple[int, int]]:
    """Cut ``range(start, stop)`` into nearly equal runs of at most `most`; none if it is empty."""
    parts = ceil((stop - start) / most)
    return pairwise(start + (stop - start) * k // max(parts, 1) for k in range(parts + 1))


def blocks(
    shape: tuple[int, int],
    bytes_per_pixel: float,
    limit_bytes: float,
    edge: int = 0,
) -> Iterator[tuple[slice, slice]]:
    """Iterate over blocks that cover a plane, row by row.

    Parameters
    ----------
    shape
        Height and width of the plane.
    bytes_per_pixel
        Memory that the work on a pixel takes.
    limit_bytes
        Memory that a block may take; a block has at least 16 x 16 pixels all the same.
    edge
        Largest edge in pixels; 0: by memory alone, in full rows where 16 of them fit.

    Yields
    ------
    tuple of slice
        Rows and columns.
    """
    height, width = shape
    pixels = max(int(limit_bytes / max(bytes_per_pixel, 1)), 256)
    if edge:
        rows = cols = min(edge, isqrt(pixels))
    elif pixels >= 16 * width:
        rows, cols = min(pixels // width, height), width
    else:
        rows = cols = isqrt(pixels)
    for top in range(0, height, rows):
        for left in range(0, width, cols):
            yield slice(top, min(top + rows, height)), slice(left, min(left + cols, width))
