from __future__ import annotations

import numpy as np
from scipy import ndimage

from tdseg.unsupervised.contours import outlines


def _area(ring: np.ndarray) -> float:
    x, y = ring[:, 0].astype(float), ring[:, 1].astype(float)
    return float(0.5 * (x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


def _filled(rings: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Fill by the even-odd rule, looking from every pixel's centre to the left."""
    inside = np.zeros(shape, bool)
    for ring in rings:
        for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            if x0 == x1:
                inside[min(y0, y1) : max(y0, y1), x0:] ^= True
    return inside


def test_outlines_enclose_exactly_the_pixels() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        mask = rng.random((13, 10)) < rng.random()
        rings = outlines(mask)
        assert np.array_equal(_filled(rings, mask.shape), mask)
        assert sum(_area(ring) for ring in rings) == mask.sum()


def test_boundaries_and_holes_are_as_many_as_components() -> None:
    rng = np.random.default_rng(1)
    for _ in range(30):
        mask = rng.random((12, 12)) < 0.5
        rings = outlines(mask)
        clockwise = [_area(ring) > 0 for ring in rings]
        # Corners connect the mask, so they do not connect what is outside.
        _, parts = ndimage.label(mask, np.ones((3, 3)))
        _, outside = ndimage.label(~np.pad(mask, 1))
        assert sum(clockwise) == parts
        assert len(clockwise) - sum(clockwise) == outside - 1
        assert clockwise == sorted(clockwise, reverse=True)  # boundaries before holes


def test_only_corners_are_kept() -> None:
    mask = np.zeros((9, 9), bool)
    mask[2:6, 3:8] = True
    (ring,) = outlines(mask)
    assert ring.tolist() == [[3, 2], [8, 2], [8, 6], [3, 6]]
    assert outlines(np.zeros((4, 4), bool)) == []
