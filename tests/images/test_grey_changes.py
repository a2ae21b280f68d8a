"""Changed brightness and contrast, against scikit-image's and by hand."""

import numpy as np
import pytest
from skimage.exposure import adjust_gamma

from tdseg.images.grey_changes import CHANGES, GreyChange, change_grey
from tdseg.runtime.feature_map import PlaneInput

BRIGHTER, DARKER, FLATTER = CHANGES


def plane(pixels, low=0.0, high=255.0, rgb=False):
    pixels = np.asarray(pixels)
    pixels = pixels if pixels.ndim == 3 else pixels[:, :, None]
    ranges = np.tile([low, high], (pixels.shape[2], 1))
    return PlaneInput(pixels, ("",) * pixels.shape[2], rgb, ranges)


def random_plane(dtype, size=(300, 7, 3), **more):
    values = np.random.default_rng(0).integers(0, 256, size).astype(dtype)
    return plane(values, **more)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("change", [BRIGHTER, DARKER])
def test_gamma_is_scikit_images(dtype, change):
    found = change_grey(random_plane(dtype, rgb=True), change)
    shares = random_plane(np.float64).pixels / 255
    expected = 255 * adjust_gamma(shares, change.gamma)
    assert found.pixels.dtype == dtype
    whole = np.issubdtype(dtype, np.integer)
    np.testing.assert_allclose(found.pixels, expected, atol=0.5 + 1e-9 if whole else 1e-3)


def test_values_beyond_black_and_white_stay():
    values = np.array([[-3.0, 100, 150, 200, 1e30]], np.float32)
    for change in (BRIGHTER, DARKER):
        found = change_grey(plane(values, 100, 200), change).pixels[0, :, 0]
        np.testing.assert_array_equal(found[[0, 1, 3, 4]], values[0, [0, 1, 3, 4]])
        assert (found[2] > 150) == (change is BRIGHTER)


def test_contrast_keeps_the_mean_of_a_channel_and_of_colours():
    channels = random_plane(np.float64)
    channels.pixels[:, :, 1] += 300
    found = change_grey(channels, FLATTER).pixels
    np.testing.assert_allclose(found.mean((0, 1)), channels.pixels.mean((0, 1)), rtol=1e-9)
    np.testing.assert_allclose(found.std((0, 1)), channels.pixels.std((0, 1)) / 2, rtol=1e-9)
    colours = plane(channels.pixels, rgb=True)
    found = change_grey(colours, FLATTER).pixels
    gaps = np.diff(colours.pixels, axis=2)
    np.testing.assert_allclose(np.diff(found, axis=2), gaps / 2, atol=1e-9)


def test_whole_numbers_stay_within_their_type_and_the_plane_is_untouched():
    given = plane(np.array([[0, 255], [0, 255]], np.uint8))
    kept = given.pixels.copy()
    found = change_grey(given, GreyChange("steeper", contrast=3))
    assert found.pixels[:, :, 0].tolist() == [[0, 255], [0, 255]]
    np.testing.assert_array_equal(given.pixels, kept)
