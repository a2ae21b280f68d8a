from __future__ import annotations

import numpy as np
import pytest

from tdseg.runtime import threads
from tdseg.runtime.feature_map import FeatureMap
from tdseg.upsampling.interpolated import ShiftUpsampler
from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.picture import Picture
from tdseg.upsampling.transforms import FLIPS, subpatch
from tdseg.upsampling.windowed import WindowedField

WHOLE = slice(None)


def field(backbone, picture, store=None, keep_bytes=10**8, **options):
    options = {"storage": "float32", **options}
    upsampler = ShiftUpsampler(backbone, UpsamplingOptions(keep_bytes=keep_bytes, **options))
    return upsampler.features(picture, ["a", "b", "c"], store)


@pytest.fixture
def large(random_picture) -> Picture:
    return random_picture(130, 170)


SMALL = {"window": 48, "overlap": 12, "shifts": subpatch(6, 2), "orientations": FLIPS}


def test_local_backbones_see_the_same_in_windows(mean_backbone, large) -> None:
    backbone = mean_backbone(6)
    whole = field(backbone, large, window=4096, overlap=60, shifts=subpatch(6, 2))
    backbone.sizes.clear()
    windowed = field(backbone, large, window=48, overlap=12, shifts=subpatch(6, 2))
    assert isinstance(windowed, WindowedField)
    assert isinstance(windowed, FeatureMap)
    found = windowed.block(WHOLE, WHOLE)
    assert max(max(size[2:]) for size in backbone.sizes) == 48
    assert np.allclose(whole.block(WHOLE, WHOLE), found, atol=2e-6)


def test_global_backbones_blend_smoothly(mean_backbone) -> None:
    """A constant that changes from window to window becomes a ramp, not a step."""
    x = np.mgrid[:40, :400][1]
    picture = Picture((x / 400)[..., None].astype(np.float32), np.array([[0.0, 1.0]]))
    found = field(mean_backbone(4, 64, has_global_context=True), picture, window=64, overlap=32)
    steps = np.abs(np.diff(found.block(WHOLE, WHOLE)[0], axis=1))
    assert steps.max() < 0.025  # windows 32 apart differ by 0.08 in their means


@pytest.mark.parametrize("keep_bytes", [0, 10**8])
def test_blocks_points_threads_and_order_change_nothing(mean_backbone, large, keep_bytes) -> None:
    backbone = mean_backbone(6, has_global_context=True)
    whole = field(backbone, large, **SMALL).block(WHOLE, WHOLE)
    other = field(backbone, large, keep_bytes=keep_bytes, **SMALL)
    threads.set_thread_count(2)
    for top, left in [(100, 90), (0, 0), (37, 140), (61, 3)]:
        rows, cols = slice(top, top + 53), slice(left, left + 61)
        assert np.array_equal(other.block(rows, cols), whole[:, rows, cols])
    threads.set_thread_count(None)
    rows, cols = (i.ravel() for i in np.indices(large.shape))
    some = np.random.default_rng(0).permutation(len(rows))[:3000]
    rows, cols = rows[some], cols[some]
    assert np.array_equal(other.at(rows, cols), whole[:, rows, cols].T)
    assert other.block(slice(3, 3), WHOLE).shape == (3, 0, 170)


def test_projecting_tokens_is_projecting_features(mean_backbone, large) -> None:
    found = field(mean_backbone(6), large, **SMALL)
    weights = np.random.default_rng(0).normal(size=(3, 2))
    expected = np.einsum("fyx,fk->kyx", found.block(WHOLE, WHOLE), weights)
    projected = found.project(weights)
    assert np.allclose(projected.block(WHOLE, WHOLE), expected, atol=1e-5)
    rows, cols = np.array([0, 129, 64]), np.array([169, 0, 80])
    assert np.allclose(projected.at(rows, cols), expected[:, rows, cols].T, atol=1e-5)
    once_more = projected.project(np.array([[1.0], [-1.0]])).block(WHOLE, WHOLE)
    assert np.allclose(once_more[0], expected[0] - expected[1], atol=1e-5)
    assert projected.bytes_per_pixel() < found.bytes_per_pixel()


def test_only_windows_that_are_needed_run_and_only_once(mean_backbone, large) -> None:
    backbone = mean_backbone(6)
    found = field(backbone, large, window=48, overlap=12)
    before = len(backbone.sizes)
    assert before <= 1  # the probe of the geometry
    found.at(np.array([5]), np.array([5]))
    assert len(backbone.sizes) - before == 1
    found.at(np.array([6, 120]), np.array([9, 160]))
    assert len(backbone.sizes) - before == 2
    found.block(WHOLE, WHOLE)
    number = len(backbone.sizes)
    found.block(WHOLE, WHOLE)
    assert len(backbone.sizes) == number


def test_windows_are_looked_up_in_the_store(mean_backbone, large) -> None:
    backbone, known = mean_backbone(6), {}

    def store(name, make):
        if name not in known:
            known[name] = make()
        return known[name]

    first = field(backbone, large, store, **SMALL).block(WHOLE, WHOLE)
    number = len(backbone.sizes)
    again = field(backbone, large, store, **SMALL).block(WHOLE, WHOLE)
    assert len(backbone.sizes) <= number + 1
    assert np.array_equal(first, again)
    assert len(known) > 9


def test_memory_is_bounded(mean_backbone, random_picture) -> None:
    found = field(
        mean_backbone(6), random_picture(48, 3000), keep_bytes=5000, window=48, overlap=12
    )
    for left in range(0, 3000, 100):
        found.block(WHOLE, slice(left, left + 100))
        held = found._source._kept._planes
        assert len(held) <= 6
    assert len(found._source.plan.windows) > 50


def test_whole_is_the_same_tokens(mean_backbone, large) -> None:
    found = field(mean_backbone(6), large, **SMALL)
    whole = found.whole()
    grid = whole.levels[0][0]
    rows, cols = np.arange(0, 130, 7), np.arange(0, 130, 7)
    assert np.array_equal(grid.at(rows, cols), found.at(rows, cols))
