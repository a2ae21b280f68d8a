from __future__ import annotations

import numpy as np
import pytest

from tdseg.features.classical.kernels import (
    gaussian_derivative,
    imagej_gaussian,
    line_kernels,
    rotate_kernel,
)


@pytest.mark.parametrize("sigma", [0.2, 0.4, 1.6, 6.4, 12.8])
def test_blur_kernel_sums_to_one_and_falls_to_zero(sigma: float) -> None:
    taps, edge = imagej_gaussian(sigma, 512)
    assert taps[0] + 2 * float(taps[1:].sum()) == pytest.approx(1, abs=1e-6)
    assert (np.diff(taps) < 0).all()
    assert edge[-1] == pytest.approx(0, abs=1e-6)
    assert edge[0] == pytest.approx(float(taps[1:].sum()), abs=1e-6)


def test_blur_kernel_is_limited_by_the_line() -> None:
    assert len(imagej_gaussian(100.0, 20)[0]) == 50
    assert len(imagej_gaussian(100.0, 90)[0]) == 90


def test_smoothing_kernel_is_normalised() -> None:
    taps = gaussian_derivative(3.0, 0, 100)
    assert len(taps) == 10
    assert taps[0] + 2 * taps[1:].sum() == pytest.approx(1)
    assert len(gaussian_derivative(3.0, 5, 7)) == 7


def test_rotation_by_a_quarter_turn_is_exact(rng: np.random.Generator) -> None:
    kernel = rng.random((7, 7)).astype(np.float32)
    turned = rotate_kernel(kernel, 90)
    assert np.array_equal(turned, np.rot90(kernel, -1)) or np.array_equal(turned, np.rot90(kernel))


def test_lines_are_two_columns_for_thickness_one() -> None:
    kernels = line_kernels(19, 9, 10)
    assert len(kernels) == 10
    np.testing.assert_array_equal(np.nonzero(kernels[0].any(axis=0))[0], [9, 10])
    assert all(15 <= k.sum() <= 50 for k in kernels)
