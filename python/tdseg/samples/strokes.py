"""Strokes drawn at random inside a truth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

DIRECTION_JITTER = 0.35  # radians a step
TRIES = 50


def draw_strokes(
    truth: npt.NDArray[np.integer],
    seed: int,
    *,
    strokes: int = 4,
    length: tuple[int, int] = (15, 60),
    radius: int = 1,
) -> list[tuple[int, npt.NDArray[np.int64]]]:
    """Return strokes of every class of a truth, as a user with a brush would draw them.

    Parameters
    ----------
    truth
        (Y, X), 0 is not drawn on.
    seed
        Another seed, other strokes.
    strokes
        Strokes of each class.
    length
        Shortest and longest path, pixels; a path ends where its class does.
    radius
        Of the brush: a path keeps that far inside its class where the class is wide enough.

    Returns
    -------
    list of (int, array)
        Label value and path, (n, 2) rows and columns, of each stroke, the lowest value first.
    """
    rng = np.random.default_rng(seed)
    drawn = []
    for value in np.unique(truth[truth > 0]):
        inside = np.pad(truth == value, 1)
        depth = ndimage.distance_transform_edt(inside)[1:-1, 1:-1]
        # A user stays off the border where the class is wide enough.
        starts = np.argwhere(depth > min(2 + radius, 0.7 * depth.max()))
        for _ in range(strokes):
            path = _path(depth, starts, int(rng.integers(*length)), radius, rng)
            drawn.append((int(value), path))
    return drawn


def redraw(
    truth: npt.NDArray[np.integer],
    seed: int,
    *,
    strokes: int = 4,
    length: tuple[int, int] = (15, 60),
    radius: int = 1,
) -> npt.NDArray[np.uint8]:
    """Return the strokes of `draw_strokes` as a label image (Y, X) uint8, 0 = unlabelled.

    Where a class is thinner than the brush, so is the stroke.
    """
    out = np.zeros(truth.shape, np.uint8)
    for value, path in draw_strokes(truth, seed, strokes=strokes, length=length, radius=radius):
        mask = np.zeros(truth.shape, bool)
        mask[tuple(path.T)] = True
        if radius:  # SciPy takes 0 iterations for as many as change anything
            mask = ndimage.binary_dilation(mask, iterations=radius)
        out[mask & (truth == value)] = value
    return out


def _path(
    depth: npt.NDArray[np.float64],
    starts: npt.NDArray[np.int64],
    length: int,
    radius: int,
    rng: np.random.Generator,
) -> npt.NDArray[np.int64]:
    """Return the longest of a few random walks, (n, 2) rows and columns."""
    best = np.array(starts[rng.integers(len(starts))][None], np.int64)
    for _ in range(TRIES):
        at = starts[rng.integers(len(starts))].astype(float)
        angle = rng.uniform(0, 2 * np.pi)
        walk = [at.astype(int)]
        while len(walk) < length:
            angle += rng.normal(0, DIRECTION_JITTER)
            at = at + np.array([np.sin(angle), np.cos(angle)])
            row, col = np.rint(at).astype(int)
            inside = 0 <= row < depth.shape[0] and 0 <= col < depth.shape[1]
            if not inside or depth[row, col] <= min(radius, 0.5 * depth.max()):
                break
            walk.append(np.array([row, col]))
        if len(walk) > len(best):
            best = np.array(walk, np.int64)
        if len(best) >= length:
            break
    return best
