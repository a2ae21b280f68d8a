from __future__ import annotations

import numpy as np
import pytest

from tdseg.features.classical.sampling import patches


@pytest.mark.parametrize("reach", [0, 10, 90])
def test_every_pixel_is_in_one_patch(rng: np.random.Generator, reach: int) -> None:
    rows, columns = rng.integers(0, 900, 200), rng.integers(0, 700, 200)
    found = patches(rows, columns, (900, 700), reach, 256)
    members = np.sort(np.concatenate([m for _, _, m in found]))
    np.testing.assert_array_equal(members, np.arange(200))
    for (top, bottom), (left, right), m in found:
        assert max(bottom - top, right - left) <= 256
        assert ((rows[m] >= top) & (rows[m] < bottom)).all()
        assert ((columns[m] >= left) & (columns[m] < right)).all()


def test_a_stroke_costs_less_than_the_plane() -> None:
    columns = np.arange(100, 300)
    rows = np.full(200, 2000)
    found = patches(rows, columns, (4096, 4096), 30, 1024)
    area = sum((b - t + 60) * (r - lo + 60) for (t, b), (lo, r), _ in found)
    assert area < 4096 * 4096 / 100
