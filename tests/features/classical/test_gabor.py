from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from tdseg.features.classical import ClassicalOptions
from tdseg.features.classical.gabor import gabor
from tdseg.features.classical.gabor_bank import (
    BANKS,
    bank_label,
    gabor_names,
    half_kernels,
    separable_kernels,
)
from tdseg.features.classical.gabor_statistics import gabor_statistics
from tdseg.features.classical.tile import whole


def kernel(bank: object, angle: int, phase: float) -> np.ndarray:
    reach = bank.reach  # type: ignore[attr-defined]
    wide, tall = bank.sigma, bank.sigma / bank.gamma  # type: ignore[attr-defined]
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(float)
    theta = angle * np.pi / 10
    along, across = x * np.cos(theta) + y * np.sin(theta), y * np.cos(theta) - x * np.sin(theta)
    wave = np.cos(2 * np.pi * bank.frequency * along / (2 * reach + 1) + phase)  # type: ignore[attr-defined]
    bell = np.exp(-0.5 * (along**2 / wide**2 + across**2 / tall**2))
    return bell * wave / (2 * np.pi * wide * tall)


@pytest.mark.parametrize("angle", [0, 3, 5, 8])
@pytest.mark.parametrize("bank", BANKS, ids=str)
def test_both_forms_of_a_kernel_are_the_kernel(bank: object, angle: int) -> None:
    reach = bank.reach  # type: ignore[attr-defined]
    rows, columns, weights = half_kernels(bank, angle)  # type: ignore[arg-type]
    factors = separable_kernels(bank, angle)  # type: ignore[arg-type]
    for part, phase in enumerate((0.0, np.pi / 2)):
        expected = kernel(bank, angle, phase)
        full = np.zeros_like(expected)
        sign = -1 if part else 1
        np.add.at(full, (reach + rows, reach + columns), weights[part])
        np.add.at(full, (reach - rows, reach - columns), sign * weights[part])
        np.testing.assert_allclose(full, expected, atol=1e-8)
        if factors is not None:
            cx, sx, cy, sy = (
                np.concatenate([s * f[:0:-1], f])
                for f, s in zip(factors, (1, -1, 1, -1), strict=True)
            )
            product = np.outer(cy, cx) - np.outer(sy, sx)
            if part:
                product = -(np.outer(cy, sx) + np.outer(sy, cx))
            np.testing.assert_allclose(product, expected, atol=1e-12)


def test_features_from_their_definition(spots: np.ndarray) -> None:
    image = spots[:50, :64].astype(np.float32)
    names = gabor_names(ClassicalOptions())
    planes = dict(zip(names, np.empty((44, *image.shape), np.float32), strict=True))
    level = float(image.mean())
    gabor(whole(image), level, gabor_statistics(image, level), planes)
    for bank in (BANKS[2], BANKS[4], BANKS[10]):
        padded = np.pad(image.astype(float), bank.reach, mode="reflect")
        for code, phase in ((0, 0.0), (2, np.pi / 2)):
            responses = np.stack(
                [signal.convolve(padded, kernel(bank, i, phase), mode="valid") for i in range(10)]
            )
            responses -= responses.mean(axis=(1, 2), keepdims=True)
            responses /= responses.std(axis=(1, 2), ddof=1, keepdims=True)
            for which, expected in ((1, responses.max(0)), (2, responses.min(0))):
                ours = planes[f"Gabor_{which}_{bank_label(bank, code)}"]
                np.testing.assert_allclose(ours, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("shape", [(60, 90), (270, 35), (13, 7), (1, 40)])
def test_statistics_are_those_of_the_responses(
    rng: np.random.Generator, shape: tuple[int, int]
) -> None:
    image = rng.integers(0, 256, shape).astype(np.uint8)
    image[:, : shape[1] // 2] //= 3
    level = float(image.mean())
    statistics = gabor_statistics(image, level)
    for index, bank in enumerate(BANKS):
        padded = np.pad(image - level, bank.reach, mode="reflect")
        for angle in (0, 2, 9):
            for part, phase in enumerate((0.0, np.pi / 2)):
                response = signal.oaconvolve(padded, kernel(bank, angle, phase), mode="valid")
                mean, scale = statistics[index, angle, part]
                deviation = response.std(ddof=1)
                assert mean == pytest.approx(response.mean(), abs=1e-5 * deviation + 1e-12)
                if deviation > 1e-9:
                    assert scale * deviation == pytest.approx(1, rel=1e-5)


def test_a_plane_without_variation_has_scale_zero() -> None:
    assert not gabor_statistics(np.full((20, 30), 5), 5.0).any()
