"""A piece of an image plane with the halo that a filter needs around the wanted pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tdseg.runtime import threads
from tdseg.runtime.cancelling import check
from tdseg.runtime.tiling import runs

ROWS_AT_ONCE = 128


@dataclass(frozen=True)
class Tile:
    """Wanted pixels (the core) inside a crop of the plane.

    The crop is clipped at the plane's edges and nowhere else, so a filter may treat the crop as if
    it were the whole plane: where the crop ends inside the plane, the halo keeps the false edge
    away from the core.

    Attributes
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

    def grown(self, halo: int) -> tuple[int, int, int, int]:
        """Return (row start, row stop, column start, column stop) of the core grown by `halo`."""
        rows, cols = self.pixels.shape
        return (
            max(0, self.top - halo),
            min(rows, self.top + self.height + halo),
            max(0, self.left - halo),
            min(cols, self.left + self.width + halo),
        )

    def padded(self, halo: int) -> np.ndarray:
        """Return the core with `halo` pixels on every side, the plane's edge pixels repeated."""
        y0, y1, x0, x1 = self.grown(halo)
        missing = (
            (halo - (self.top - y0), halo - (y1 - self.top - self.height)),
            (halo - (self.left - x0), halo - (x1 - self.left - self.width)),
        )
        return np.pad(self.pixels[y0:y1, x0:x1], missing, mode="edge")


def whole(plane: np.ndarray) -> Tile:
    """Return the tile whose core is the whole plane."""
    height, width = plane.shape
    pixels = np.ascontiguousarray(plane, dtype=np.float32)
    return Tile(pixels, 0, 0, height, width, (height, width))


def in_bands(
    function: Callable[[int, int], None],
    start: int,
    stop: int,
    least: int = 16,
    most: int = ROWS_AT_ONCE,
) -> None:
    """Call ``function(first, last)`` on bands of ``range(start, stop)``, one band a thread.

    Parameters
    ----------
    function
        Writes these rows; before each call the work may be cancelled.
    start, stop
        All rows.
    least
        Bands are not shorter.
    most
        Nor is a call longer; more where rows of a call share work.
    """

    def band(part: tuple[int, int]) -> None:
        for first, last in runs(start + part[0], start + part[1], most):
            check()
            function(first, last)

    threads.map_threads(band, threads.bands(stop - start, least))
