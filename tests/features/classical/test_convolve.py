from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from tdseg.features.classical.convolve import derive_x, derive_y, imagej_blur


@pytest.mark.parametrize("scale", [1.0, 2.0, 5.0, 16.0])
def test_blur_is_a_gaussian_of_four_tenths_of_the_scale(spots: np.ndarray, scale: float) -> None:
    image = spots.astype(np.float32)
    height, width = image.shape
    ours = imagej_blur(image, scale, (0, height, 0, width), image.shape)
    expected = ndimage.gaussian_filter(image.astype(float), 0.4 * scale, mode="nearest", truncate=6)
    np.testing.assert_allclose(ours, expected, atol=2e-4 * 255)


def test_blur_at_scale_zero_copies(spots: np.ndarray) -> None:
    image = spots.astype(np.float32)
    np.testing.assert_array_equal(
        imagej_blur(image, 0.0, (3, 9, 2, 8), image.shape), image[3:9, 2:8]
    )


@pytest.mark.parametrize("shape", [(1, 1), (3, 70), (70, 2)])
def test_blur_keeps_a_constant_whatever_the_size(shape: tuple[int, int]) -> None:
    image = np.full(shape, 100, np.float32)
    ours = imagej_blur(image, 16.0, (0, shape[0], 0, shape[1]), shape)
    np.testing.assert_allclose(ours, 100, rtol=1e-5)


@pytest.mark.parametrize("order", [0, 1, 2, 3, 4, 5])
def test_derivatives_of_polynomials(order: int) -> None:
    # far from the border, the n-th derivative of x^n is n! (the kernel is cut at 5 sigma)
    x = np.arange(-40, 41, dtype=np.float32) / 8
    image = np.ascontiguousarray(np.tile(x**order, (81, 1)), np.float32)
    factorial = float(np.prod(np.arange(1, order + 1)))
    across = derive_x(image, 3.0, order, (40, 41), 81)
    assert across[40, 0] * 8**order == pytest.approx(factorial, rel=0.04)
    down = derive_y(np.ascontiguousarray(image.T), 3.0, order, (40, 41), 81)
    assert down[0, 40] * 8**order == pytest.approx(factorial, rel=0.04)


def test_second_derivative_agrees_with_scipy(spots: np.ndarray) -> None:
    image = spots.astype(np.float32)
    ours = derive_x(image, 4.0, 2, (0, image.shape[1]), image.shape[1])
    theirs = ndimage.gaussian_filter1d(
        image.astype(float), 4.0, axis=1, order=2, mode="mirror", truncate=4
    )
    np.testing.assert_allclose(ours, theirs, atol=0.02 * np.abs(theirs).max())
