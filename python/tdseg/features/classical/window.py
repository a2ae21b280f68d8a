"""A piece of an image plane with the margin that a filter needs around the wanted pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tdseg.runtime import threads


@dataclass(frozen=True)
class Window:
    """Wanted pixels (the core) inside a crop of the plane.

    The crop is clipped at the plane's edges and nowhere else, so a filter may treat the crop as if
    it were the whole plane: where the crop ends inside the plane, the margin keeps the false edge
    away from the core.

    Parameters
    ----------
    pixels : ndarray of float32, shape (H, W)
        The crop, C-contiguous.
    top, left, height, width : int
        The core inside the crop.
    plane : tuple of int
        Height and width of the whole plane, for the few rules that depend on them.
    origin : tuple of int
        Row and column of the crop's first pixel in the plane.
    """

    pixels: np.ndarray
    top: int
    left: int
    height: int
    width: int
    plane: tuple[int, int]
    origin: tuple[int, int] = (0, 0)

    def grown(self, margin: int) -> tuple[int, int, int, int]:
        """Return (row start, row stop, column start, column stop) of the core grown by `margin`."""
        rows, cols = self.pixels.shape
        return (
            max(0, self.top - margin),
            min(rows, self.top + self.height + margin),
            max(0, self.left - margin),
            min(cols, self.left + self.width + margin),
        )

    def padded(self, margin: int) -> np.ndarray:
        """Return the core with `margin` pixels on every side, the plane's edge pixels repeated."""
        y0, y1, x0, x1 = self.grown(margin)
        missing = (
            (margin - (self.top - y0), margin - (y1 - self.top - self.height)),
            (margin - (self.left - x0), margin - (x1 - self.left - self.width)),
        )
        return np.pad(self.pixels[y0:y1, x0:x1], missing, mode="edge")


def whole(plane: np.ndarray) -> Window:
    """Return the window whose core is the whole plane."""
    height, width = plane.shape
    pixels = np.ascontiguousarray(plane, dtype=np.float32)
    return Window(pixels, 0, 0, height, width, (height, width))


def in_bands(function: Callable[[int, int], None], start: int, stop: int, least: int = 16) -> None:
    """Call ``function(first, last)`` on bands of ``range(start, stop)``, one band a thread."""
    threads.map_threads(
        lambda band: function(start + band[0], start + band[1]),
        threads.bands(stop - start, least),
    )
