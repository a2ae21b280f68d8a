from __future__ import annotations

import numpy as np
from scipy import ndimage

from tdseg.features.classical.structure import structure
from tdseg.features.classical.tile import whole


def test_eigenvalues_agree_with_scipy(spots: np.ndarray) -> None:
    image = spots.astype(float)
    out = np.empty((4, *image.shape), np.float32)
    structure(whole(spots.astype(np.float32)), 2.0, out)
    gx, gy = (
        ndimage.gaussian_filter(image, 2.0, order=o, mode="mirror", truncate=4)
        for o in ((0, 1), (1, 0))
    )
    for k, scale in enumerate((1, 3)):
        xx, xy, yy = (
            ndimage.gaussian_filter(p, scale, mode="mirror", truncate=3)
            for p in (gx * gx, gx * gy, gy * gy)
        )
        values = np.linalg.eigvalsh(np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -1))
        atol = 0.02 * values.max()  # the kernels are cut a little differently
        np.testing.assert_allclose(out[2 * k], values[..., 1], atol=atol)
        np.testing.assert_allclose(out[2 * k + 1], values[..., 0], atol=atol)


def test_stripes_have_one_direction() -> None:
    image = np.tile(np.sin(np.arange(80) / 3), (60, 1)).astype(np.float32)
    out = np.empty((4, 60, 80), np.float32)
    structure(whole(image), 1.0, out)
    assert out[0].max() > 0.01
    assert out[1].max() < 1e-9
