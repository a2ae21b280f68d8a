from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from tdseg.features.classical.disc import disc_half_widths
from tdseg.features.classical.median import median, rank_image
from tdseg.features.classical.rank import mean_variance, minimum_maximum
from tdseg.features.classical.tile import whole


def footprint(radius: float) -> np.ndarray:
    widths = disc_half_widths(radius)
    reach = len(widths) // 2
    return np.abs(np.arange(-reach, reach + 1))[np.newaxis, :] <= widths[:, np.newaxis]


def test_discs_are_those_of_imagej() -> None:
    assert footprint(1).sum() == 9
    assert footprint(2).sum() == 21
    assert footprint(16).shape == (33, 33)
    np.testing.assert_array_equal(footprint(1.5), footprint(1.75))
    np.testing.assert_array_equal(footprint(2.5), footprint(2.85))


@pytest.mark.parametrize("radius", [1.0, 2.0, 3.7, 8.0])
@pytest.mark.parametrize("kind", ["grey", "float"])
def test_disc_filters_agree_with_scipy(
    spots: np.ndarray, rng: np.random.Generator, radius: float, kind: str
) -> None:
    image = spots.astype(np.float32)
    if kind == "float":
        image = rng.normal(0, 1e3, spots.shape).astype(np.float32)
    window, shape = whole(image), footprint(radius)
    mean, variance, least, most, middle = np.empty((5, *image.shape), np.float32)
    mean_variance(window, radius, mean, variance)
    minimum_maximum(window, radius, least, most)
    median(window, radius, rank_image(image), middle)
    options = {"footprint": shape, "mode": "nearest"}
    np.testing.assert_array_equal(least, ndimage.minimum_filter(image, **options))
    np.testing.assert_array_equal(most, ndimage.maximum_filter(image, **options))
    np.testing.assert_array_equal(middle, ndimage.median_filter(image, **options))
    weights = shape / shape.sum()
    first = ndimage.correlate(image.astype(float), weights, mode="nearest")
    second = ndimage.correlate(image.astype(float) ** 2, weights, mode="nearest")
    np.testing.assert_allclose(mean, first, rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(variance, second - first**2, rtol=1e-4, atol=1e-3)


def test_ranks_restore_the_image(rng: np.random.Generator) -> None:
    for image in (
        rng.integers(-40, 3000, (20, 30)).astype(np.float32),
        rng.random((20, 30), dtype=np.float32),
    ):
        ranks, values = rank_image(image)
        np.testing.assert_array_equal(values[ranks], image)
        assert (np.diff(values) > 0).all()
