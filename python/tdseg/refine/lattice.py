"""The permutohedral lattice: fast Gaussian filtering in a few to a dozen dimensions.

Points are embedded in the lattice of `A. Adams, J. Baek and M. A. Davis, Fast High-Dimensional
Filtering Using the Permutohedral Lattice, Eurographics 2010`; values are spread over the d+1
corners of the simplex around each point (splat), blurred with (1/2, 1, 1/2) along the d+1 lattice
directions, and gathered with the same weights (slice). Only corners that some point touches exist,
so memory follows the data and not the volume of the space. The result approximates a Gaussian of
unit standard deviation up to a constant factor, which the symmetric normalisation removes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tdseg.runtime.compiled import compiled

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int32]

RECENT = 4096
"""Simplices remembered while points are embedded; a power of two, affects speed only."""

LANES = 4
"""Values of a corner that are handled together."""


@dataclass(frozen=True)
class Lattice:
    """Where each point lies in the lattice, and which corners are neighbours.

    Attributes
    ----------
    corner : (N, d + 1) int32
        The corners around each point, 1 to M; corner 0 stands for an absent neighbour.
    weight : (N, d + 1) float32
        Barycentric weight of each of these corners; rows sum to 1.
    neighbour : (d + 1, M + 1, 2) int32
        The two neighbours of a corner along each lattice direction, 0 where there is none.
    """

    corner: Integers
    weight: Floats
    neighbour: Integers

    @property
    def corner_count(self) -> int:
        """Return the number of corners M."""
        return int(self.neighbour.shape[1]) - 1


def build_lattice(points: Floats) -> Lattice:
    """Embed points, given in units of the Gaussian's standard deviation.

    Parameters
    ----------
    points : (N, d) float32
        Finite coordinates; each standard deviation is one unit.

    Returns
    -------
    Lattice
        8 (d + 1) bytes per point, and at most 12 (d + 1) + 4 d bytes per corner.
    """
    count, dimensions = points.shape
    corner = np.empty((count, dimensions + 1), np.int32)
    weight = np.empty((count, dimensions + 1), np.float32)
    keys = _embed(np.ascontiguousarray(points, np.float32), corner, weight)
    return Lattice(corner, weight, _neighbours(keys))


@compiled()
def _mix(key: Integers) -> np.uint64:
    """Return a hash of the integers in `key`, good in its low bits."""
    mixed = np.uint64(0)
    for i in range(key.shape[0]):
        mixed = (mixed ^ np.uint64(np.uint32(key[i]))) * np.uint64(0x9E3779B97F4A7C15)
    return mixed ^ (mixed >> np.uint64(32))


@compiled()
def _is_row(rows: Integers, n: int | np.int64, key: Integers) -> bool:
    """Tell whether row `n` is `key`, without making a view of it, which costs more."""
    for i in range(key.shape[0]):  # noqa: SIM110 (compiled code has no all())
        if rows[n, i] != key[i]:
            return False
    return True


@compiled()
def _slot(table: Integers, keys: Integers, key: Integers) -> np.int64:
    """Return the slot of `key` in the open-addressing hash table: its own, or a free one."""
    mask = table.shape[0] - 1
    slot = np.int64(_mix(key) & np.uint64(mask))
    while table[slot] != 0 and not _is_row(keys, table[slot], key):
        slot = (slot + 1) & mask
    return slot


@compiled()
def _embed(points: Floats, corner: Integers, weight: Floats) -> Integers:
    """Fill `corner` and `weight`; return the corners' keys, (M + 1, d), row 0 unused."""
    count, d = points.shape
    table = np.zeros(1 << 14, np.int32)
    keys = np.zeros((1 << 12, d), np.int32)
    used = 0
    # The blur has this variance along each axis, so this scale makes the whole a unit Gaussian.
    deviation = np.sqrt(2.0 / 3.0) * (d + 1)
    scale = np.empty(d, np.float32)
    for i in range(d):
        scale[i] = deviation / np.sqrt((i + 1.0) * (i + 2.0))
    down = np.float32(1.0 / (d + 1))
    elevated = np.empty(d + 1, np.float32)
    nearest = np.empty(d + 1, np.int32)  # the closest lattice point of remainder 0
    rank = np.empty(d + 1, np.int32)
    # Pixels of similar place and colour share a simplex: remember one point of each recent one.
    recent = np.full(RECENT, -1, np.int32)
    recent_simplex = np.zeros((RECENT, 2 * d + 2), np.int32)
    simplex = np.empty(2 * d + 2, np.int32)
    share = np.empty(d + 2, np.float32)
    key = np.empty(d, np.int32)
    for n in range(count):
        # Rotate into the hyperplane whose coordinates sum to zero.
        total = np.float32(0.0)
        for i in range(d, 0, -1):
            x = points[n, i - 1] * scale[i - 1]
            elevated[i] = total - i * x
            total += x
        elevated[0] = total
        excess = np.int32(0)
        for i in range(d + 1):
            whole = np.int32(np.floor(elevated[i] * down + np.float32(0.5)))
            nearest[i] = whole * (d + 1)
            excess += whole
            rank[i] = 0
        for i in range(d):
            a = elevated[i] - nearest[i]
            for j in range(i + 1, d + 1):
                less = np.int32(a < elevated[j] - nearest[j])
                rank[i] += less
                rank[j] += np.int32(1) - less
        if excess != 0:
            for i in range(d + 1):
                rank[i] += excess
                if rank[i] < 0:
                    rank[i] += d + 1
                    nearest[i] += d + 1
                elif rank[i] > d:
                    rank[i] -= d + 1
                    nearest[i] -= d + 1
        for i in range(d + 2):
            share[i] = 0.0
        for i in range(d + 1):
            v = (elevated[i] - nearest[i]) * down
            share[d - rank[i]] += v
            share[d - rank[i] + 1] -= v
            simplex[i] = nearest[i]
            simplex[d + 1 + i] = rank[i]
        share[0] += np.float32(1.0) + share[d + 1]
        for r in range(d + 1):
            weight[n, r] = share[r]
        place = np.int64(_mix(simplex) & np.uint64(RECENT - 1))
        known = recent[place]
        if known >= 0 and _is_row(recent_simplex, place, simplex):
            for r in range(d + 1):
                corner[n, r] = corner[known, r]
            continue
        recent[place] = n
        for i in range(2 * d + 2):
            recent_simplex[place, i] = simplex[i]
        for r in range(d + 1):
            for i in range(d):
                key[i] = nearest[i] + r - (d + 1 if rank[i] > d - r else 0)
            slot = _slot(table, keys, key)
            if table[slot] == 0:
                used += 1
                if used == keys.shape[0]:
                    grown = np.zeros((2 * used, d), np.int32)
                    grown[:used] = keys
                    keys = grown
                    table = np.zeros(2 * table.shape[0], np.int32)
                    for old in range(1, used):
                        table[_slot(table, keys, keys[old])] = old
                    slot = _slot(table, keys, key)
                for i in range(d):
                    keys[used, i] = key[i]
                table[slot] = used
            corner[n, r] = table[slot]
    return keys[: used + 1].copy()


@compiled()
def _neighbours(keys: Integers) -> Integers:
    """Return the neighbours of each corner along each direction, (d + 1, M + 1, 2)."""
    size, d = keys.shape
    slots = 4
    while slots < 4 * size:
        slots *= 2
    table = np.zeros(slots, np.int32)
    for m in range(1, size):
        table[_slot(table, keys, keys[m])] = m
    found = np.zeros((d + 1, size, 2), np.int32)
    key = np.empty(d, np.int32)
    for axis in range(d + 1):
        for m in range(1, size):
            for i in range(d):
                key[i] = keys[m, i] - 1
            if axis < d:
                key[axis] += d + 1
            other = table[_slot(table, keys, key)]
            if other != 0:
                found[axis, m, 0] = other
                found[axis, other, 1] = m
    return found


@compiled()
def splat_and_blur(
    planes: Floats, corner: Integers, weight: Floats, neighbour: Integers, work: Floats
) -> Floats:
    """Spread values over the corners and blur them there.

    Parameters
    ----------
    planes : (L, N) float32
        Values of the N points.
    corner, weight, neighbour
        Of a `Lattice`; the weights may have been multiplied by a factor for each point.
    work : (2, M + 1, P) float32
        Overwritten; P is L rounded up to a multiple of `LANES`.

    Returns
    -------
    (M + 1, P) float32
        Blurred values, a part of `work`. Slice them with the same corners and weights.
    """
    lanes, count = planes.shape
    values: Floats = work[0]
    blurred: Floats = work[1]
    values[:] = 0.0
    blurred[0] = 0.0
    # Four values are written out, here and below, for the compiler to make one vector of them.
    for c in range(0, values.shape[1], LANES):
        p0 = planes[c]
        p1 = planes[min(c + 1, lanes - 1)]
        p2 = planes[min(c + 2, lanes - 1)]
        p3 = planes[min(c + 3, lanes - 1)]
        for n in range(count):
            for r in range(corner.shape[1]):
                w = weight[n, r]
                m = corner[n, r]
                values[m, c] += w * p0[n]
                values[m, c + 1] += w * p1[n]
                values[m, c + 2] += w * p2[n]
                values[m, c + 3] += w * p3[n]
    half = np.float32(0.5)
    for axis in range(neighbour.shape[0]):
        for m in range(1, neighbour.shape[1]):
            a = neighbour[axis, m, 0]
            b = neighbour[axis, m, 1]
            for c in range(0, values.shape[1], LANES):
                for k in range(LANES):
                    both = values[a, c + k] + values[b, c + k]
                    blurred[m, c + k] = values[m, c + k] + half * both
        values, blurred = blurred, values
    return values


@compiled()
def slice_corners(blurred: Floats, corner: Integers, weight: Floats, out: Floats) -> None:
    """Gather blurred values at every point.

    Parameters
    ----------
    blurred : (M + 1, P) float32
        From `splat_and_blur`.
    corner, weight
        Of a `Lattice`, the weights with or without a factor for each point.
    out : (L, N) float32
        Overwritten with the filtered values.
    """
    lanes, count = out.shape
    for c in range(0, blurred.shape[1], LANES):
        for n in range(count):
            s0 = s1 = s2 = s3 = np.float32(0.0)
            for r in range(corner.shape[1]):
                w = weight[n, r]
                m = corner[n, r]
                s0 += w * blurred[m, c]
                s1 += w * blurred[m, c + 1]
                s2 += w * blurred[m, c + 2]
                s3 += w * blurred[m, c + 3]
            out[c, n] = s0
            if c + 1 < lanes:
                out[c + 1, n] = s1
            if c + 2 < lanes:
                out[c + 2, n] = s2
            if c + 3 < lanes:
                out[c + 3, n] = s3
