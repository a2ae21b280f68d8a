from __future__ import annotations

import numpy as np

from tdseg.features.classical import ClassicalOptions
from tdseg.features.classical.kuwahara import _lines, kuwahara
from tdseg.features.classical.tile import whole


def test_kuwahara_from_its_definition(spots: np.ndarray) -> None:
    image = spots[:26, :30].astype(np.float32)
    options = ClassicalOptions(membrane_patch=7)
    low = float(image.min())
    out = np.empty((3, *image.shape), np.float32)
    kuwahara(whole(image), low, options, out)
    padded = np.pad(image - low, 3, mode="edge").astype(float)
    best = np.full(out.shape, np.inf)
    value = np.zeros(out.shape)
    for rows, columns in _lines(7):
        pixels = np.stack(
            [padded[r : r + 26, c : c + 30] for r, c in zip(rows, columns, strict=True)]
        )
        mean, spread = pixels.mean(0), pixels.var(0)
        for k, criterion in enumerate(
            (spread, spread / (mean + 1e-30), spread / (mean**2 + 1e-30))
        ):
            around, means = np.pad(criterion, 3, mode="edge"), np.pad(mean, 3, mode="edge")
            for r, c in zip(rows, columns, strict=True):
                here = around[r : r + 26, c : c + 30]
                closer = here < best[k]
                best[k] = np.where(closer, here, best[k])
                value[k] = np.where(closer, means[r : r + 26, c : c + 30], value[k])
    same = np.isclose(out, value + 0.5 + low, atol=1e-3)
    assert same.mean() > 0.98  # nearly equal criteria may fall either way in single precision


def test_steps_stay_sharp() -> None:
    image = np.zeros((40, 40), np.float32)
    image[:, 20:] = 100
    out = np.empty((3, 40, 40), np.float32)
    kuwahara(whole(image), 0.0, ClassicalOptions(), out)
    np.testing.assert_array_equal(out[0], image + 0.5)
