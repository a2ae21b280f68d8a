"""Grey values: normalising a bleaching series frame by frame."""

from __future__ import annotations

import numpy as np
import pytest

import tdseg
from tdseg.images import intensity
from tdseg.images.intensity import Intensity, robust_ranges

FACTORS = np.float32([1, 0.5, 0.25, 2, 0.125])  # exact in binary, so that nothing is rounded


@pytest.fixture
def bleaching():
    rng = np.random.default_rng(0)
    first = rng.normal(100, 15, (2, 24, 30)).astype(np.float32)
    first[:, 5:15, 4:18] += 150
    return tdseg.Image.from_array(first * FACTORS[:, None, None, None], axes="TZYX", name="series")


def test_frames_that_differ_by_a_factor_get_the_same_labels(bleaching):
    labels = np.zeros(bleaching.shape[:2] + bleaching.size, np.uint8)
    labels[0, 0, 6:9, 5:15], labels[0, 0, 18:22, 3:20] = 1, 2
    sparse = tdseg.SparseLabels.from_label_image(labels)
    differ = {}
    for normalize in ("frame", "image"):
        settings = tdseg.Settings(
            features="classical", classical="gaussian", trees=10, normalize=normalize
        )
        model = tdseg.train([(bleaching, sparse)], settings)
        found = tdseg.apply(model, bleaching, probabilities=False).labels
        differ[normalize] = (found != found[:1]).mean()
    assert differ["frame"] == 0
    assert differ["image"] > 0.1  # bleaching is what the frames differ by


def test_all_slices_of_a_frame_share_its_range(bleaching):
    found = Intensity(bleaching, [0], "frame", None)
    for index in (0, 1, 6, 7):
        pixels = bleaching.array[index // 2, :, 0].astype(np.float64)
        low, high = np.percentile(pixels, [0.5, 99.5])
        expected = (pixels[index % 2] - low) * 255 / (high - low)
        plane = found.plane(index).pixels[..., 0]
        np.testing.assert_allclose(plane, expected, rtol=1e-5, atol=1e-4)


def test_of_very_many_images_fewer_grey_values_each_are_kept(monkeypatch):
    rng = np.random.default_rng(1)
    images = [
        tdseg.Image.from_array(rng.integers(0, 60000, (64, 64), np.uint16), name="a")
        for _ in range(20)
    ]
    full = robust_ranges(images, [0])
    monkeypatch.setattr(intensity, "POOLED_PIXELS", 20 * 256)
    np.testing.assert_allclose(robust_ranges(images, [0]), full, atol=600)
