from __future__ import annotations

import numpy as np
import pytest

from tdseg.features.classical.neighbors import neighbors
from tdseg.features.classical.tile import whole


@pytest.mark.parametrize("shape", [(9, 12), (4, 5), (1, 3)])
@pytest.mark.parametrize("distance", [1, 4])
def test_neighbours_pixel_by_pixel(
    rng: np.random.Generator, shape: tuple[int, int], distance: int
) -> None:
    image = rng.integers(1, 99, shape).astype(np.float32)
    out = np.empty((8, *shape), np.float32)
    neighbors(whole(image), distance, out)

    def value(y: int, x: int) -> float:
        place = []
        for i, n in ((y, shape[0]), (x, shape[1])):
            i = -i if i < 0 else i
            place.append(2 * n - 2 - i if i >= n else i)
        inside = all(0 <= i < n for i, n in zip(place, shape, strict=True))
        return float(image[tuple(place)]) if inside else 0.0

    k = 0
    for dx in (-distance, 0, distance):
        for dy in (-distance, 0, distance):
            if (dx, dy) == (0, 0):
                continue
            expected = [[value(y + dy, x + dx) for x in range(shape[1])] for y in range(shape[0])]
            np.testing.assert_array_equal(out[k], expected)
            k += 1
