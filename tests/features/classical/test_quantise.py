from __future__ import annotations

import numpy as np

from tdseg.features.classical.quantise import quantise


def test_the_range_is_stretched_to_8_bits() -> None:
    image = np.array([[400, 401, 26400, 52399, 52400]], np.float32)
    np.testing.assert_array_equal(quantise(image, 400, 52400), [[0, 0, 128, 255, 255]])


def test_flat_planes_become_zero() -> None:
    assert not quantise(np.full((3, 4), 8, np.float32), 8, 8).any()
