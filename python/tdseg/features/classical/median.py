"""Median over a disc, from a histogram that slides along the rows."""

from __future__ import annotations

import numpy as np

from tdseg.features.classical.compiled import compiled
from tdseg.features.classical.disc import disc_half_widths, disc_reach
from tdseg.features.classical.tile import Tile, in_bands


def rank_image(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Replace values by their ranks.

    Returns
    -------
    ranks : ndarray of int32, shape of `pixels`
    values : ndarray of float32, shape (N,)
        Sorted distinct values, ``values[ranks]`` is `pixels`.
    """
    low, high = pixels.min(), pixels.max()
    if high - low < 70000 and low > -(2**23) and high < 2**23:
        whole = pixels.astype(np.int32)
        if np.array_equal(whole, pixels):
            whole -= np.int32(low)
            seen = np.zeros(int(high - low) + 1, bool)
            seen[whole] = True
            values = (np.nonzero(seen)[0] + float(low)).astype(np.float32)
            return (np.cumsum(seen, dtype=np.int32) - 1)[whole], values
    values, ranks = np.unique(pixels, return_inverse=True)
    return ranks.reshape(pixels.shape).astype(np.int32), values


@compiled
def _disc_median(ranks, values, widths, shift, out, y0, y1):  # type: ignore[no-untyped-def]
    """Write rows y0..y1 of the median.

    `rank` is where the median was last; `below` counts the pixels under it. Whole groups of
    ``1 << shift`` ranks are skipped where they are not reached.
    """
    height = widths.size
    reach = height // 2
    width = ranks.shape[1] - 2 * reach
    size = 1 << shift
    fine = np.zeros(((values.size >> shift) + 2) << shift, np.int32)
    coarse = np.zeros((values.size >> shift) + 2, np.int32)
    count = 0
    for k in range(height):
        count += 2 * widths[k] + 1
    middle = count // 2  # pixels under the median; count is odd
    rank = 0
    for y in range(y0, y1):
        below = 0
        for k in range(height):
            for x in range(reach - widths[k], reach + widths[k] + 1):
                r = ranks[y + k, x]
                fine[r] += 1
                coarse[r >> shift] += 1
                below += r < rank
        for x in range(width):
            if x > 0:
                for k in range(height):
                    r = ranks[y + k, x - 1 + reach - widths[k]]
                    fine[r] -= 1
                    coarse[r >> shift] -= 1
                    below -= r < rank
                    r = ranks[y + k, x + reach + widths[k]]
                    fine[r] += 1
                    coarse[r >> shift] += 1
                    below += r < rank
            while below > middle:
                if rank & (size - 1) == 0:
                    while below - coarse[(rank >> shift) - 1] > middle:
                        rank -= size
                        below -= coarse[rank >> shift]
                rank -= 1
                below -= fine[rank]
            while below + fine[rank] <= middle:
                below += fine[rank]
                rank += 1
                if rank & (size - 1) == 0:
                    while below + coarse[rank >> shift] <= middle:
                        below += coarse[rank >> shift]
                        rank += size
            out[y, x] = values[rank]
        for k in range(height):  # empty the histogram; cheaper than clearing all of it
            end = width - 1 + reach
            for x in range(end - widths[k], end + widths[k] + 1):
                r = ranks[y + k, x]
                fine[r] -= 1
                coarse[r >> shift] -= 1


def median(
    tile: Tile, radius: float, ranked: tuple[np.ndarray, np.ndarray], out: np.ndarray
) -> None:
    """Compute the median over ImageJ's disc; edge pixels are repeated.

    Parameters
    ----------
    tile : Tile
    radius : float
        Radius in pixels.
    ranked : tuple
        `rank_image` of the tile's pixels.
    out : ndarray of float32, shape (h, w)

    Notes
    -----
    T. Huang, G. Yang, G. Tang, IEEE Trans. ASSP 27 (1979) 13-18, with ranks instead of values so
    that it is exact for any image.
    """
    ranks, values = ranked
    reach = disc_reach(radius)
    pad = Tile(ranks, tile.top, tile.left, tile.height, tile.width, tile.plane).padded(reach)
    widths = disc_half_widths(radius)
    shift = max(4, len(values).bit_length() // 2)
    in_bands(lambda a, b: _disc_median(pad, values, widths, shift, out, a, b), 0, tile.height)
