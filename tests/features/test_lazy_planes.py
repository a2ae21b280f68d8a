"""Features of planes that are read by parts equal those of planes in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_network import Tiny

import tdseg
from tdseg.errors import TdsegError
from tdseg.features.classical import DEFAULT_FAMILIES, FAMILIES, ClassicalOptions
from tdseg.features.deep import DeepFeatures
from tdseg.features.extractors import ClassicalFeatures
from tdseg.images.image import Image
from tdseg.images.intensity import Intensity
from tdseg.runtime.lazy_pixels import LazyPixels
from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.transforms import FLIPS

WHOLE_PLANE = ("lipschitz", "anisotropic_diffusion")
# Gabor's bank takes seconds to build; it has a test of its own.
BOUNDED = ",".join(name for name in FAMILIES if name not in (*WHOLE_PLANE, "gabor"))


@dataclass
class Parts:
    """Pixels (T, Z, C, Y, X) of which no whole plane may be read."""

    array: np.ndarray
    chunk: tuple[int, int] = (32, 48)
    whole: bool = False

    @property
    def shape(self):
        return self.array.shape

    @property
    def dtype(self):
        return self.array.dtype

    def read(self, t, z, c):
        raise AssertionError("the whole plane was read")

    def read_region(self, t, z, c, rows, cols):
        assert 0 <= rows.start <= rows.stop <= self.shape[3]
        assert 0 <= cols.start <= cols.stop <= self.shape[4]
        area = (rows.stop - rows.start) * (cols.stop - cols.start)
        assert self.whole or area < self.shape[3] * self.shape[4], "the whole plane was read"
        return self.array[t, z, c, rows, cols]


@pytest.fixture(autouse=True)
def by_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small planes are read by parts too, in small pieces and strips."""
    monkeypatch.setattr("tdseg.images.intensity.LAZY_BYTES", 0)
    monkeypatch.setattr("tdseg.images.intensity._ROWS_AT_ONCE", 16)
    monkeypatch.setattr("tdseg.runtime.lazy_pixels._LEAST_SIDE", 16)
    monkeypatch.setattr("tdseg.runtime.lazy_pixels.STRIP_BYTES", 1)


def picture(height, width, channels=1, dtype=np.uint8, seed=0):
    """Blobs and noise, so that no filter sees a constant."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = np.sin(y / 9) + np.cos(x / 13) + (np.hypot(y - height / 3, x - width / 2) < 30)
    full = 90 + 30 * waves + rng.normal(0, 20, (1, 1, channels, height, width))
    if dtype == np.uint16:
        full *= 200
    return np.clip(full, 0, None).astype(dtype) if dtype != np.float32 else full.astype(dtype)


def planes(array, normalize="none", rgb=False):
    """Return the plane in memory, and read by parts."""
    held = Image.from_array(array, "TZCYX")
    parts = Image(Parts(array), rgb=rgb)
    if rgb:
        held = Image(held.source, rgb=True)
    channels = list(range(array.shape[2]))
    return [Intensity(one, channels, normalize, None).plane(0) for one in (held, parts)]


def pieces(height, width, tall, wide):
    for top in range(0, height, tall):
        for left in range(0, width, wide):
            yield slice(top, min(top + tall, height)), slice(left, min(left + wide, width))


def assert_same(expected, lazy, height, width, tall, wide):
    for rows, cols in pieces(height, width, tall, wide):
        np.testing.assert_array_equal(lazy.block(rows, cols), expected[:, rows, cols])


@settings(max_examples=4, deadline=None)
@given(
    st.integers(40, 150),
    st.integers(40, 150),
    st.integers(20, 90),
    st.integers(20, 90),
    st.sampled_from([np.uint8, np.uint16, np.float32]),
    st.sampled_from(["none", "image"]),
    st.integers(0, 99),
)
def test_blocks_of_all_bounded_filters_equal_the_whole_plane(
    height, width, tall, wide, dtype, normalize, seed
):
    held, lazy = planes(picture(height, width, dtype=dtype, seed=seed), normalize)
    assert isinstance(lazy.pixels, LazyPixels)
    np.testing.assert_array_equal(held.ranges, lazy.ranges)
    extractor = ClassicalFeatures(ClassicalOptions(classical=BOUNDED, sigma_max=4.0))
    expected = extractor.extract(held).block(slice(None), slice(None))
    assert_same(expected, extractor.extract(lazy), height, width, tall, wide)


def test_default_filters_at_their_largest_scale():
    array = picture(310, 275, dtype=np.uint16, seed=3)
    held, lazy = planes(array)
    extractor = ClassicalFeatures(ClassicalOptions(classical="default"))
    assert "membrane" in DEFAULT_FAMILIES
    expected = extractor.extract(held).block(slice(None), slice(None))
    assert_same(expected, extractor.extract(lazy), 310, 275, 97, 64)


@pytest.mark.parametrize("rgb", ["channels", "tws"])
def test_colours_and_single_pixels(rgb):
    array = picture(90, 70, channels=3)
    held, lazy = planes(array, rgb=True)
    extractor = ClassicalFeatures(
        ClassicalOptions(classical="default,bilateral", rgb=rgb, sigma_max=4)
    )
    held_map, lazy_map = extractor.extract(held), extractor.extract(lazy)
    expected = held_map.block(slice(None), slice(None))
    assert_same(expected, lazy_map, 90, 70, 41, 33)
    rng = np.random.default_rng(1)
    y, x = rng.integers(0, 90, 50), rng.integers(0, 70, 50)
    np.testing.assert_array_equal(lazy_map.at(y, x), expected[:, y, x].T)


@pytest.mark.parametrize("channels", [1, 2])
def test_deep_features_see_the_windows_of_the_whole_image(channels):
    array = picture(231, 187, channels=channels)
    held, lazy = planes(array)
    deep = DeepFeatures(
        Tiny(), UpsamplingOptions(shifts=2, orientations=FLIPS, window=64, overlap=16)
    )
    expected = deep.extract(held).block(slice(None), slice(None))
    assert_same(expected, deep.extract(lazy), 231, 187, 64, 80)


def test_facts_of_the_whole_plane_are_taken_once():
    array = picture(60, 80, dtype=np.float32)
    source = Parts(array)
    image = Image(source)
    facts: dict = {}
    plane = Intensity(image, [0], "none", None).plane(0, facts)
    assert facts["minimum"] == array.min()
    assert facts["maximum"] == array.max()
    np.testing.assert_allclose(facts["mean"], array.mean(dtype=np.float64), rtol=1e-15)
    extractor = ClassicalFeatures(ClassicalOptions(classical="gabor"))
    part = extractor.extract(plane).block(slice(20, 28), slice(50, 58))
    held = Intensity(Image.from_array(array, "TZCYX"), [0], "none", None).plane(0)
    expected = extractor.extract(held).block(slice(20, 28), slice(50, 58))
    np.testing.assert_array_equal(part, expected)
    assert "gabor 0" in facts
    kept = dict(facts)
    plane = Intensity(Image(Parts(array)), [0], "none", None).plane(0, facts)
    extractor.extract(plane).block(slice(0, 8), slice(0, 8))
    assert all(facts[k] is kept[k] for k in kept)


def test_pixels_that_are_no_numbers_are_found():
    array = picture(60, 80, dtype=np.float32)
    array[0, 0, 0, 50, 70] = np.nan
    with pytest.raises(TdsegError, match="1 NaN or infinite pixel"):
        Intensity(Image(Parts(array), name="x"), [0], "none", None).plane(0)


def test_labels_are_the_same():
    array = picture(150, 121)
    marks = np.zeros((150, 121), np.uint8)
    marks[:20, :20], marks[60:80, 50:70] = 1, 2
    labels = tdseg.SparseLabels.from_label_image(marks, {1: "a", 2: "b"})
    options = tdseg.Settings(features="classical", classifier="random_forest", trees=10)
    image = Image.from_array(array, "TZCYX")
    model = tdseg.train([(image, labels)], options)
    lazy = Image(Parts(array))
    again = tdseg.train([(lazy, labels)], options)
    expected = tdseg.apply(model, image)
    for one in (model, again):
        for tile in (0, 32, 47):
            found = tdseg.apply(one, lazy, settings=one.settings.with_(tile=tile))
            np.testing.assert_array_equal(found.labels, expected.labels)
            np.testing.assert_array_equal(found.probabilities, expected.probabilities)
