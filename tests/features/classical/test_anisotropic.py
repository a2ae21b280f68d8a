from __future__ import annotations

from pathlib import Path

import numpy as np

from tdseg.features.classical import ClassicalOptions
from tdseg.features.classical.anisotropic import anisotropic_diffusion, anisotropic_names
from tdseg.features.classical.diffusion_tensor import tensor_row

OPTIONS = ClassicalOptions(classical="anisotropic_diffusion", sigma_max=2.0)


def test_tensor_has_the_diffusivities_as_eigenvalues(spots: np.ndarray) -> None:
    framed = np.pad(spots.astype(np.float32), 1, mode="edge")[np.newaxis]
    height, width = spots.shape
    tensor = np.empty((3, height, width), np.float32)
    scratch, doubles = np.empty((8, width), np.float32), np.empty((3, width))
    for y in range(height):
        tensor_row(framed, y, 0.1, 0.9, 25.0, scratch, doubles, np.empty(width, np.int32), tensor)
    xx, xy, yy = tensor.astype(float)
    values = np.linalg.eigvalsh(np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -1))
    # f1 = b^-0.1 and f2 = b^-0.9 of the same b >= 1
    np.testing.assert_allclose(values[..., 0], values[..., 1] ** 9, rtol=2e-4, atol=1e-6)
    assert values.max() <= 1 + 1e-6


def test_diffusion_smooths_within_the_range_and_is_compact(spots: np.ndarray) -> None:
    planes = anisotropic_diffusion(spots[np.newaxis], OPTIONS)
    assert planes.shape == (len(anisotropic_names(OPTIONS)), 1, *spots.shape)
    assert planes.dtype == np.uint8
    for plane in planes:
        assert plane.min() >= spots.min()
        assert plane.max() <= spots.max()
        noise = np.abs(np.diff(spots.astype(float), axis=0)).mean()
        assert 0 < np.abs(np.diff(plane[0].astype(float), axis=0)).mean() < noise


def test_fractions_are_cut_and_flat_planes_are_zero() -> None:
    assert not anisotropic_diffusion(np.full((1, 5, 5), 77), OPTIONS).any()
    assert not anisotropic_diffusion(np.random.default_rng(0).random((1, 9, 9)), OPTIONS).any()


def test_negative_values_keep_their_sign(spots: np.ndarray) -> None:
    planes = anisotropic_diffusion(spots[np.newaxis].astype(np.float32) - 300, OPTIONS)
    assert planes.max() < 0
    assert planes.min() >= -300


def test_colours_are_diffused_together_as_by_the_plugin() -> None:
    """Against what Fiji's own filter makes of a 24-bit image, bit for bit."""
    data = Path(__file__).resolve().parents[2] / "data" / "weka" / "ihc_rgb.anisotropic.npz"
    with np.load(data, allow_pickle=False) as stored:
        image, expected, names = stored["image"], stored["planes"], stored["names"]
    options = ClassicalOptions(classical="anisotropic_diffusion")
    assert list(names) == anisotropic_names(options)
    found = anisotropic_diffusion(image.transpose(2, 0, 1), options)
    np.testing.assert_array_equal(found, expected)
