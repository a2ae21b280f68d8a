"""Properties that hold for any image: shifts, scaling, and that nothing undefined comes out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tdseg.features.classical import FAMILIES, ClassicalOptions, ClassicalPlane
from tdseg.features.classical.names import feature_names

# Not local: a global step, a slope without end, a normalisation over a plane with its borders.
LOCAL = [f for f in FAMILIES if f not in ("anisotropic_diffusion", "lipschitz", "gabor")]
# By how much a feature grows when the image doubles. Not of diffusion, which has whole numbers.
DOUBLED = {
    "gaussian": 2, "sobel": 2, "difference_of_gaussians": 2, "membrane": 2, "variance": 4,
    "mean": 2, "minimum": 2, "maximum": 2, "median": 2, "bilateral": 1, "lipschitz": 1,
    "gabor": 1, "derivatives": 2, "laplacian": 2, "structure": 4, "entropy": 1,
    "neighbors": 2,
}  # fmt: skip
HESSIAN = {
    "": 2, "_Trace": 2, "_Determinant": 4, "_Eigenvalue_1": 2, "_Eigenvalue_2": 2,
    "_Orientation": 1, "_Square_Eigenvalue_Difference": 16, "_Normalized_Eigenvalue_Difference": 4,
}  # fmt: skip


def features(image: np.ndarray, *families: str, **options: float) -> np.ndarray:
    chosen = ClassicalOptions(classical=families, **options)  # type: ignore[arg-type]
    return ClassicalPlane(image, chosen).block(slice(None), slice(None))


def image(shape: tuple[int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.float32)


@pytest.mark.parametrize("family", LOCAL)
def test_shifting_the_image_shifts_the_features(family) -> None:
    whole = image((90, 100))
    moved = np.roll(whole, (5, 7), (0, 1))  # the same extremes and mean
    margin = 7 + 27  # what no filter up to scale 4 reaches beyond
    expected = features(whole, family, sigma_max=4)[:, margin:-margin, margin:-margin]
    found = features(moved, family, sigma_max=4)
    found = found[:, 5 + margin : 5 - margin, 7 + margin : 7 - margin]
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("family", DOUBLED)
def test_doubling_the_image_scales_the_features(family) -> None:
    whole = image((40, 50))
    once, twice = features(whole, family)[1:], features(2 * whole, family)[1:]
    largest = np.abs(twice).max(axis=(1, 2), keepdims=True)
    assert np.all(np.abs(twice - DOUBLED[family] * once) <= 1e-5 * largest)


def test_doubling_the_image_doubles_kuwahara_but_for_what_tws_adds() -> None:
    whole = image((40, 50))
    once, twice = features(whole, "kuwahara")[1:], features(2 * whole, "kuwahara")[1:]
    assert np.allclose(twice - 0.5, 2 * (once - 0.5), rtol=1e-5)


def test_doubling_the_image_scales_each_hessian_feature() -> None:
    whole = image((40, 50))
    options = ClassicalOptions(classical="hessian")
    once, twice = features(whole, "hessian"), features(2 * whole, "hessian")
    for name, a, b in zip(feature_names(options, ("",), False), once, twice, strict=True):
        if name == "original":
            continue
        part = name.removeprefix("Hessian").rpartition("_")[0]
        assert np.allclose(b, HESSIAN[part] * a, rtol=1e-4, atol=1e-4 * np.abs(b).max()), name


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 24),
    width=st.integers(1, 24),
    kind=st.sampled_from([np.uint8, np.uint16, np.float32]),
    sigma=st.sampled_from([0.5, 1.0, 3.0]),
    span=st.sampled_from([0, 1, 255]),
    patch=st.sampled_from([3, 8, 19]),
)
def test_everything_is_defined_and_of_the_images_size(
    height, width, kind, sigma, span, patch
) -> None:
    pixels = (image((height, width)) * span / 255 + 7).astype(kind)
    found = features(pixels, *FAMILIES, sigma_min=sigma, sigma_max=2 * sigma, membrane_patch=patch)
    assert found.shape[1:] == (height, width)
    assert np.isfinite(found).all()
