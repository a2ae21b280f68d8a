from __future__ import annotations

import numpy as np
from scipy import ndimage

from tdseg.features.classical.derivatives import ORDERS, derivatives
from tdseg.features.classical.tile import whole


def test_mixed_derivatives_and_laplacian_agree_with_scipy(spots: np.ndarray) -> None:
    image = spots.astype(float)
    mixed = np.empty((4, *image.shape), np.float32)
    laplacian = np.empty(image.shape, np.float32)
    derivatives(whole(spots.astype(np.float32)), 2.0, mixed, laplacian)
    for order, ours in zip(ORDERS, mixed, strict=True):
        expected = ndimage.gaussian_filter(
            image, 2.0, order=(order, order), mode="mirror", truncate=5
        )
        np.testing.assert_allclose(ours, expected, atol=0.02 * np.abs(expected).max())
    expected = ndimage.gaussian_laplace(image, 2.0, mode="mirror", truncate=4)
    np.testing.assert_allclose(laplacian, expected, atol=0.03 * np.abs(expected).max())
