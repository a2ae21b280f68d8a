from __future__ import annotations

import numpy as np
import pytest

from tdseg.features.classical import FAMILIES, ClassicalOptions, ClassicalPlane
from tdseg.features.classical.torch_path import block_on_device

ON_PROCESSOR = ("median", "anisotropic_diffusion", "bilateral", "lipschitz", "kuwahara", "entropy")


@pytest.mark.parametrize("part", [(slice(None), slice(None)), (slice(20, 61), slice(70, 118))])
def test_device_and_processor_agree(spots: np.ndarray, part: tuple[slice, slice]) -> None:
    options = ClassicalOptions(families=FAMILIES, sigma_max=8.0)
    plane = ClassicalPlane(spots[..., np.newaxis], options)
    features, note = block_on_device(plane, *part, "cpu")
    expected = plane.block(*part)
    for name, ours, theirs in zip(plane.names, features, expected, strict=True):
        atol = 1e-5 * np.abs(theirs).max()
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=atol, err_msg=name)
    assert all(family in note for family in ON_PROCESSOR)
    assert "gaussian" not in note


def test_channels_stay_apart_and_nothing_is_said_when_all_ran_on_the_device(
    spots: np.ndarray,
) -> None:
    pixels = np.stack([spots, spots[::-1]], axis=2).astype(np.float32) / 3
    plane = ClassicalPlane(pixels, ClassicalOptions(), ("a", "b"))
    features, note = block_on_device(plane, slice(5, 40), slice(None), "cpu")
    expected = plane.block(slice(5, 40), slice(None))
    scale = np.abs(expected).max(axis=(1, 2), keepdims=True)
    assert (np.abs(features - expected) <= 1e-5 * scale).all()
    assert note == ""


@pytest.mark.parametrize("shape", [(1, 1), (13, 5)])
def test_tiny_images(rng: np.random.Generator, shape: tuple[int, int]) -> None:
    image = rng.integers(0, 256, (*shape, 1), dtype=np.uint8)
    plane = ClassicalPlane(image, ClassicalOptions(families=FAMILIES))
    features, _ = block_on_device(plane, slice(None), slice(None), "cpu")
    expected = plane.block(slice(None), slice(None))
    scale = np.abs(expected).max(axis=(1, 2), keepdims=True)
    assert (np.abs(features - expected) <= 1e-4 * scale).all()


def test_averaged_colour_stays_on_the_processor(rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (20, 22, 3), dtype=np.uint8)
    plane = ClassicalPlane(image, ClassicalOptions(rgb="tws"), ("r", "g", "b"), rgb=True)
    features, note = block_on_device(plane, slice(None), slice(None), "cpu")
    np.testing.assert_array_equal(features, plane.block(slice(None), slice(None)))
    assert "processor" in note
