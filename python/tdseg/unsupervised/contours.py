"""Outlines of masks along the edges of their pixels."""

from __future__ import annotations

import numpy as np

from tdseg.runtime.compiled import compiled


def outlines(mask: np.ndarray) -> list[np.ndarray]:
    """Trace the boundary of a mask.

    Parameters
    ----------
    mask
        (Y, X) bool.

    Returns
    -------
    list of numpy.ndarray
        Closed polygons of (n, 2) int32 corners (x, y), the last joined to the first; only corners
        where the direction changes. Boundaries run clockwise (y points down) and come first;
        those of holes run counter-clockwise. Pixels that touch at a corner are connected.
    """
    padded = np.pad(np.asarray(mask, np.bool_), 1)
    corners, ends = _trace(padded)
    rings = np.split(corners[: ends[-1]] - 1, ends[1:-1]) if len(ends) > 1 else []
    return sorted(rings, key=lambda ring: not _clockwise(ring))


def _clockwise(ring: np.ndarray) -> bool:
    x, y = ring[:, 0].astype(np.int64), ring[:, 1].astype(np.int64)
    return bool((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() > 0)


@compiled()
def _trace(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Follow the edges of a padded mask with the inside on the right hand."""
    height, width = mask.shape
    seen = np.zeros((height, width), np.bool_)  # top edges that a ring has passed
    corners = np.empty((64, 2), np.int32)
    ends = [0]
    count = 0
    # Directions: right, down, left, up; and the pixel ahead on the right hand of a corner.
    step_x, step_y = (1, 0, -1, 0), (0, 1, 0, -1)
    right_x, right_y = (0, -1, -1, 0), (0, 0, -1, -1)
    for y in range(1, height):
        for x in range(1, width):
            if not mask[y, x] or mask[y - 1, x] or seen[y, x]:
                continue
            cx, cy, towards, last = x, y, 0, 3
            while True:
                if towards == 0:
                    if seen[cy, cx]:
                        break
                    seen[cy, cx] = True
                if towards != last:
                    if count == len(corners):
                        longer = np.empty((2 * count, 2), np.int32)
                        longer[:count] = corners
                        corners = longer
                    corners[count, 0], corners[count, 1] = cx, cy
                    count += 1
                last = towards
                cx += step_x[towards]
                cy += step_y[towards]
                left = (towards + 3) % 4
                # The pixel on the left hand ahead is on the right hand of a left turn.
                if mask[cy + right_y[left], cx + right_x[left]]:
                    towards = left
                elif not mask[cy + right_y[towards], cx + right_x[towards]]:
                    towards = (towards + 1) % 4
            ends.append(count)
    return corners, np.array(ends)
