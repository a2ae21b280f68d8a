from __future__ import annotations

import colorsys

import numpy as np

from tdseg.features.classical.color import add_clamped, channel_mean, hue_saturation_brightness


def test_colours_agree_with_the_standard_library(rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (9, 11, 3), dtype=np.uint8)
    pixels[0, :4] = [[0, 0, 0], [255, 255, 255], [7, 7, 7], [255, 0, 0]]
    planes = hue_saturation_brightness(pixels)
    for y, x in np.ndindex(9, 11):
        expected = 255 * np.array(colorsys.rgb_to_hsv(*(pixels[y, x] / 255)))
        assert (np.abs(planes[:, y, x] - np.floor(expected + 1e-4)) <= 1).all()
        assert (planes[:, y, x] == np.floor(planes[:, y, x])).all()


def test_values_are_rounded_and_clamped_before_they_are_averaged() -> None:
    values = np.array([[[-3.0, 0.4, 0.5, 254.6, 400.0, np.nan]]], np.float32)
    sums = np.zeros((1, 1, 6), np.int16)
    for _ in range(2):
        add_clamped(values, sums)
    np.testing.assert_array_equal(sums[0, 0], [0, 0, 2, 510, 510, 0])
    out = np.empty((1, 1, 6), np.float32)
    channel_mean(sums, out)
    np.testing.assert_array_equal(out[0, 0], np.float32(sums[0, 0] / 3.0))
