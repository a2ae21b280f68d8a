from __future__ import annotations

import numpy as np
import pytest

from tdseg.features.classical.entropy import BINS, entropy


@pytest.mark.parametrize("radius", [0, 1, 3, 6])
def test_entropy_by_counting(rng: np.random.Generator, radius: int) -> None:
    image = (rng.random((17, 21)) ** 2 * 255).astype(np.uint8)
    image[:, 15:] = 40  # flat: entropy 0
    out = np.empty((4, *image.shape), np.float32)
    entropy(image, 0, 0, radius, out)
    y, x = np.mgrid[:17, :21]
    for i, j in np.ndindex(image.shape):
        inside = image[(y - i) ** 2 + (x - j) ** 2 <= (radius + 0.5) ** 2]
        for k, bins in enumerate(BINS):
            counts = np.bincount(inside[inside < bins])
            p = counts[counts > 0] / max(1, counts.sum())
            expected = np.float32(-(p * np.log2(p)).sum()) if len(p) else 0
            assert out[k, i, j] == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_flat_images_have_exactly_no_entropy() -> None:
    out = np.empty((4, 30, 30), np.float32)
    entropy(np.full((30, 30), 200, np.uint8), 0, 0, 16, out)
    assert not out.any()
