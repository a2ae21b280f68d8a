from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import ndimage

from tdseg.features.classical import ClassicalOptions
from tdseg.features.classical.kernels import line_kernels
from tdseg.features.classical.membrane import SORT_TEN, membrane
from tdseg.features.classical.tile import whole


def test_network_sorts_every_pattern() -> None:
    for bits in itertools.product((0, 1), repeat=10):  # enough, by the zero-one principle
        row = list(bits)
        for low, high in SORT_TEN:
            row[low], row[high] = sorted((row[low], row[high]))
        assert row == sorted(row)


@pytest.mark.parametrize(("thickness", "patch", "columns"), [(1, 19, (9, 10)), (3, 9, (3, 6))])
def test_projections_from_their_definition(
    spots: np.ndarray, thickness: int, patch: int, columns: tuple[int, int]
) -> None:
    image = spots.astype(np.float32)
    out = np.empty((6, *image.shape), np.float32)
    options = ClassicalOptions(membrane_thickness=thickness, membrane_patch=patch)
    membrane(whole(image), options, out)
    lines = np.stack(
        [
            ndimage.correlate(image.astype(float), k / k.sum(), mode="nearest")
            for k in line_kernels(patch, *columns)
        ]
    )
    expected = [
        lines.mean(0),
        lines.max(0),
        lines.min(0),
        lines.sum(0),
        lines.std(0, ddof=1),
        np.median(lines, axis=0),
    ]
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-3)
