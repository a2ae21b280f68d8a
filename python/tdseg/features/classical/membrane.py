"""Membrane projections: a line detector in ten directions, summarised by six projections."""

from __future__ import annotations

import numpy as np

from tdseg.features.classical.compiled import compiled
from tdseg.features.classical.kernels import ANGLES, line_kernels
from tdseg.features.classical.options import ClassicalOptions
from tdseg.features.classical.tile import Tile, in_bands

CHUNK = 256


def membrane_names(options: ClassicalOptions) -> list[str]:
    """Return TWS's labels: mean, maximum, minimum, sum, standard deviation, median."""
    return [
        f"Membrane_projections_{i}_{options.patch}_{options.membrane_thickness}" for i in range(6)
    ]


def membrane_reach(options: ClassicalOptions) -> int:
    """Return the margin in pixels."""
    return options.patch // 2


def membrane_offsets(options: ClassicalOptions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return row and column offsets of the ones of all kernels, and where each kernel starts.

    Returns
    -------
    rows, columns : ndarray of int64, shape (N,)
        Offsets from the kernel's first row and column, row by row within a kernel.
    starts : ndarray of int64, shape (11,)
    """
    centre = options.patch // 2
    thickness = options.membrane_thickness
    first, last = centre - thickness // 2, centre + (thickness + 1) // 2
    found = [np.nonzero(k) for k in line_kernels(options.patch, max(first, 0), last)]
    starts = np.cumsum([0] + [len(rows) for rows, _ in found])
    return (
        np.concatenate([rows for rows, _ in found]).astype(np.int64),
        np.concatenate([columns for _, columns in found]).astype(np.int64),
        starts.astype(np.int64),
    )


@compiled
def _line_mean(pad, y, c0, rows, columns, first, last, acc, to):  # type: ignore[no-untyped-def]
    """Average the pixels under one line kernel for a chunk of a row."""
    n = to.size
    acc[:] = 0.0
    k = first
    while k + 8 <= last:
        p0 = pad[y + rows[k], c0 + columns[k] : c0 + columns[k] + n]
        p1 = pad[y + rows[k + 1], c0 + columns[k + 1] : c0 + columns[k + 1] + n]
        p2 = pad[y + rows[k + 2], c0 + columns[k + 2] : c0 + columns[k + 2] + n]
        p3 = pad[y + rows[k + 3], c0 + columns[k + 3] : c0 + columns[k + 3] + n]
        p4 = pad[y + rows[k + 4], c0 + columns[k + 4] : c0 + columns[k + 4] + n]
        p5 = pad[y + rows[k + 5], c0 + columns[k + 5] : c0 + columns[k + 5] + n]
        p6 = pad[y + rows[k + 6], c0 + columns[k + 6] : c0 + columns[k + 6] + n]
        p7 = pad[y + rows[k + 7], c0 + columns[k + 7] : c0 + columns[k + 7] + n]
        for x in range(n):
            s = acc[x] + p0[x]
            s = s + p1[x]
            s = s + p2[x]
            s = s + p3[x]
            s = s + p4[x]
            s = s + p5[x]
            s = s + p6[x]
            acc[x] = s + p7[x]
        k += 8
    while k < last:
        p0 = pad[y + rows[k], c0 + columns[k] : c0 + columns[k] + n]
        for x in range(n):
            acc[x] = acc[x] + p0[x]
        k += 1
    scale = 1.0 / (last - first)
    for x in range(n):
        to[x] = np.float32(acc[x] * scale)


@compiled
def _order(low, high):  # type: ignore[no-untyped-def]
    """Swap two rows elementwise so that `low` holds the smaller values."""
    for x in range(low.size):
        p, q = low[x], high[x]
        low[x] = min(p, q)
        high[x] = max(p, q)


@compiled
def _membrane(pad, rows, columns, starts, pairs, out, y0, y1):  # type: ignore[no-untyped-def]
    """Write rows y0..y1 of the six projections."""
    width = out.shape[2]
    lines = np.empty((10, CHUNK), np.float32)
    total = np.empty(CHUNK, np.float64)
    square = np.empty(CHUNK, np.float64)
    for y in range(y0, y1):
        for c0 in range(0, width, CHUNK):
            c1 = min(width, c0 + CHUNK)
            n = c1 - c0
            s1, s2 = total[:n], square[:n]
            for i in range(10):
                _line_mean(pad, y, c0, rows, columns, starts[i], starts[i + 1], s1, lines[i, :n])
            s1[:] = 0.0
            s2[:] = 0.0
            tally = out[3, y, c0:c1]
            tally[:] = np.float32(0)
            for i in range(10):
                line = lines[i, :n]
                for x in range(n):
                    s1[x] += line[x]
                for x in range(n):
                    s2[x] += np.float64(line[x]) * line[x]
                for x in range(n):
                    tally[x] += line[x]
            to = out[0, y, c0:c1]
            for x in range(n):
                to[x] = np.float32(s1[x] / 10.0)
            to = out[4, y, c0:c1]
            for x in range(n):
                v = ((10.0 * s2[x] - s1[x] * s1[x]) / 10.0) / 9.0
                to[x] = np.float32(np.sqrt(max(v, 0.0)))
            for k in range(pairs.shape[0]):
                _order(lines[pairs[k, 0], :n], lines[pairs[k, 1], :n])
            out[1, y, c0:c1] = lines[9, :n]
            out[2, y, c0:c1] = lines[0, :n]
            to = out[5, y, c0:c1]
            fifth, sixth = lines[4, :n], lines[5, :n]
            for x in range(n):
                to[x] = (fifth[x] + sixth[x]) / np.float32(2)


# Knuth's sorting network for ten values (29 exchanges), The Art of Computer Programming 3, 5.3.4
SORT_TEN = np.array(
    [
        *((4, 9), (3, 8), (2, 7), (1, 6), (0, 5)),
        *((1, 4), (6, 9), (0, 3), (5, 8)),
        *((0, 2), (3, 6), (7, 9)),
        *((0, 1), (2, 4), (5, 7), (8, 9)),
        *((1, 2), (4, 6), (7, 8), (3, 5)),
        *((2, 5), (6, 8), (1, 3), (4, 7)),
        *((2, 3), (6, 7)),
        *((3, 4), (5, 6)),
        (4, 5),
    ],
    dtype=np.int64,
)


def membrane(tile: Tile, options: ClassicalOptions, out: np.ndarray) -> None:
    """Compute the six membrane projections.

    Ten line kernels (a square with `membrane_thickness` + 1 columns of ones, rotated by 18 degrees
    each, nearest neighbour) average the image (double sums, float32 results, edge pixels repeated);
    over the ten: mean, maximum, minimum, float32 sum, standard deviation with n - 1, median.

    Parameters
    ----------
    tile : Tile
    options : ClassicalOptions
    out : ndarray of float32, shape (6, h, w)

    Notes
    -----
    Source: ``FeatureStack.addMembraneFeatures`` of Trainable Weka Segmentation. As there, a
    line of thickness 1 is two columns wide and lies half a pixel off the centre.
    """
    pad = tile.padded(membrane_reach(options))
    rows, columns, starts = membrane_offsets(options)
    assert len(starts) == ANGLES + 1
    in_bands(
        lambda a, b: _membrane(pad, rows, columns, starts, SORT_TEN, out, a, b), 0, tile.height
    )
