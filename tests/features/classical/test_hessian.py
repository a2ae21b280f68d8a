from __future__ import annotations

import numpy as np
from scipy import ndimage

from tdseg.features.classical.hessian import HESSIAN_PARTS, edges

VERTICAL = np.array([[1, 2, 1], [0, 0, 0], [-1, -2, -1]], float)
HORIZONTAL = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], float)


def features(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sobel = np.empty(image.shape, np.float32)
    hessian = np.empty((len(HESSIAN_PARTS), *image.shape), np.float32)
    edges(image, 0, 0, sobel, hessian)
    return sobel, hessian


def test_sobel_and_hessian_from_their_definition(spots: np.ndarray) -> None:
    image = spots.astype(np.float32)
    gx, gy = (
        ndimage.correlate(image.astype(float), k, mode="nearest") for k in (VERTICAL, HORIZONTAL)
    )
    sobel, (norm, trace, determinant, first, second, angle, _, _) = features(image)
    np.testing.assert_allclose(sobel, np.hypot(gx, gy), rtol=1e-6)
    a = ndimage.correlate(gx, VERTICAL, mode="nearest")
    b = ndimage.correlate(gx, HORIZONTAL, mode="nearest")
    d = ndimage.correlate(gy, HORIZONTAL, mode="nearest")
    np.testing.assert_allclose(norm, np.sqrt(a**2 + b**2 + d**2), rtol=1e-6)
    matrix = np.stack([np.stack([a, b], -1), np.stack([b, d], -1)], -1)
    values = np.linalg.eigvalsh(matrix)
    scale = np.abs(values).max()
    np.testing.assert_allclose(second, values[..., 0], atol=1e-5 * scale)
    np.testing.assert_allclose(first, values[..., 1], atol=1e-5 * scale)
    np.testing.assert_allclose(trace, values.sum(-1), atol=1e-5 * scale)
    np.testing.assert_allclose(determinant, values.prod(-1), atol=1e-5 * scale**2)
    along = np.stack([np.cos(angle), np.sin(angle)], -1)
    turned = np.einsum("...i,...ij,...j", along, matrix, along)  # the axis of the larger eigenvalue
    np.testing.assert_allclose(turned, values[..., 1], atol=1e-3 * scale)


def test_flat_images_have_orientation_zero() -> None:
    sobel, hessian = features(np.full((6, 5), 3, np.float32))
    assert not sobel.any()
    assert not hessian.any()
