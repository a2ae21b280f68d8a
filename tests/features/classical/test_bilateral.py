from __future__ import annotations

import numpy as np

from tdseg.features.classical.bilateral import RANGES, SPATIAL, bilateral


def weights(radius: int) -> np.ndarray:
    offset = np.arange(-radius, radius + 1)
    bell = np.exp(-0.5 * (offset / (0.4 * (radius + 1))) ** 2)
    return bell / bell.sum()


def test_bilateral_from_its_definition(spots: np.ndarray) -> None:
    image = spots[:24, :28]
    out = np.empty((4, *image.shape), np.float32)
    bilateral(np.pad(image, 10), 10, out)
    padded = np.pad(image, 10).astype(int)  # outside counts as 0
    for k, (radius, reach) in enumerate((r, v) for r in SPATIAL for v in RANGES):
        space, value = weights(radius), weights(reach)
        for i, j in [(0, 0), (5, 9), (23, 27), (12, 3), (20, 14)]:
            y, x = i + 10, j + 10
            patch = padded[y - radius : y + radius + 1, x - radius : x + radius + 1]
            gap = patch - padded[y, x]
            near = np.abs(gap) <= reach
            w = np.outer(space, space) * np.where(
                near, value[np.clip(gap + reach, 0, 2 * reach)], 0
            )
            assert abs(out[k, i, j] - (w * patch).sum() / w.sum()) <= 1.001


def test_constant_images_stay_as_they_are_inside() -> None:
    out = np.empty((4, 40, 40), np.float32)
    bilateral(np.pad(np.full((40, 40), 7, np.uint8), 10), 10, out)
    assert set(np.unique(out[:, 12:-12, 12:-12])) <= {6.0, 7.0}  # 6: TWS cuts the quotient
