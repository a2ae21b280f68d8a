"""Training again after a stroke: what other images contribute is known, all else as it was."""

from __future__ import annotations

import numpy as np
import pytest

import tdseg
from tdseg.features.pixel_cache import PixelCache
from tdseg.features.token_cache import TokenCache

RNG = np.random.default_rng(3)


def _images(count):
    _, x = np.mgrid[:64, :64]
    found = []
    for number in range(count):
        grey = 90 + 40 * (x >= 32) + RNG.normal(0, 20, x.shape)
        pixels = grey.clip(0, 255).astype(np.uint8)
        found.append(tdseg.Image.from_array(pixels, name=f"image {number}"))
    return found


def _labels(strokes):
    drawn = np.zeros((64, 64), np.uint8)
    for row in range(strokes):
        drawn[4 + 6 * row, 4:20], drawn[4 + 6 * row, 44:60] = 1, 2
    return tdseg.SparseLabels.from_label_image(drawn, class_names=["dark", "bright"])


@pytest.mark.parametrize("features", ["classical", "deep", "hybrid"])
def test_a_stroke_costs_the_features_of_its_image_alone(features):
    settings = tdseg.Settings(
        features=features,
        backbone="offline",
        quality="fast",
        sigma_max=2,
        classifier="random_forest",
        trees=5,
        augment="none",
        held_out=False,
    )
    images, cache = _images(3), TokenCache(2**28)

    def train(second, **changes):
        strokes = (2, second, 2)
        pairs = list(zip(images, map(_labels, strokes), strict=True))
        return tdseg.train(pairs, settings.with_(**changes), cache=cache)

    first = train(2)
    of_all = cache.pixels.count
    assert of_all > 0
    again = train(3)
    known = cache.pixels.count
    assert 0 < known - of_all <= of_all // 3  # of the second image alone
    assert train(3, trees=6, held_out=True).report is not None
    assert cache.pixels.count == known  # other classifiers ask for the same features
    train(3, sigma_max=4, shifts=1)
    assert cache.pixels.count > known  # which others are not

    pairs = list(zip(images, map(_labels, (2, 3, 2)), strict=True))
    alone = tdseg.train(pairs, settings)
    for image in images:
        expected = tdseg.apply(alone, image).probabilities
        np.testing.assert_array_equal(tdseg.apply(again, image).probabilities, expected)
    assert not np.array_equal(tdseg.apply(first, images[0]).probabilities, expected)


def test_the_same_labels_on_other_pixels_have_other_features():
    (one,), (other,), cache = _images(1), _images(1), TokenCache(2**28)
    settings = tdseg.Settings(features="classical", sigma_max=2, trees=5, held_out=False)
    for image in (one, other):
        found = tdseg.train([(image, _labels(2))], settings, cache=cache)
        expected = tdseg.train([(image, _labels(2))], settings)
        np.testing.assert_array_equal(
            tdseg.apply(found, image).probabilities, tdseg.apply(expected, image).probabilities
        )


def test_what_was_not_used_for_longest_is_forgotten():
    cache = PixelCache(limit_bytes=100)
    rows = np.arange(10)
    calls = []

    def ask(plane, size=10):
        def make():
            calls.append(plane)
            return np.zeros((size, 1), np.float32)

        found = cache.get_or_make(plane, rows, rows, make)
        assert not found.flags.writeable
        return found

    for plane in "a b a c a b".split():
        ask(plane)
    assert calls == ["a", "b", "c", "b"]
    assert cache.nbytes == 80
    ask("too large", 26)
    assert cache.nbytes == 80
    cache.clear()
    assert (cache.count, cache.nbytes) == (0, 0)
