from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_network import Tiny

import tdseg
from tdseg.backbones.base import WeightsInfo
from tdseg.errors import TdsegError
from tdseg.features.deep import DeepFeatures
from tdseg.features.token_cache import TokenCache
from tdseg.runtime.feature_map import FeatureExtractor, FeatureMap, PlaneInput
from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.transforms import FLIPS, HALF_TURN, QUARTER_TURNS, orientations

WHOLE = slice(None)


def plane(shape=(40, 50, 1), seed=0, rgb=False, dtype=np.uint8) -> PlaneInput:
    pixels = np.random.default_rng(seed).integers(0, 255, shape).astype(dtype)
    channels = ("",) if shape[2] == 1 else tuple(f"c{k + 1}" for k in range(shape[2]))
    return PlaneInput(pixels, channels, rgb, np.array([[0.0, 255.0]] * shape[2]))


def test_it_is_an_extractor_of_named_features() -> None:
    deep: FeatureExtractor = DeepFeatures(Tiny(), UpsamplingOptions(shifts=2))
    names = deep.names(("",), False)
    assert names == (
        "deep/fine/0",
        "deep/fine/1",
        "deep/fine/2",
        "deep/coarse/0",
        "deep/coarse/1",
    )
    found = deep.extract(plane())
    assert isinstance(found, FeatureMap)
    assert found.names == names
    assert found.block(WHOLE, WHOLE).shape == (5, 40, 50)
    two = deep.names(("DAPI", "actin"), False)
    assert two[0] == "deep/fine/0 [DAPI]"
    assert two[9] == "deep/coarse/1 [actin]"
    assert deep.names(("r", "g", "b"), True) == names


def test_colours_go_together_and_channels_one_by_one() -> None:
    deep = DeepFeatures(Tiny(), UpsamplingOptions(storage="float32"))
    three = plane((30, 20, 3))
    channels = deep.extract(three).block(WHOLE, WHOLE)
    for c in range(3):
        alone = PlaneInput(three.pixels[..., c : c + 1], ranges=three.ranges[:1])
        expected = deep.extract(alone).block(WHOLE, WHOLE)
        assert np.array_equal(channels[5 * c : 5 * c + 5], expected)
        assert np.allclose(expected[0], expected[2])  # repeated threefold
    colour = PlaneInput(three.pixels, three.channels, True, three.ranges)
    together = deep.extract(colour).block(WHOLE, WHOLE)
    assert together.shape[0] == 5
    for c in range(3):
        assert np.allclose(together[c], channels[5 * c], atol=1e-6)


def test_pixels_are_scaled_by_the_ranges_and_clipped() -> None:
    deep = DeepFeatures(Tiny(), UpsamplingOptions(storage="float32"))
    eight = plane()
    expected = deep.extract(eight).block(WHOLE, WHOLE)
    sixteen = PlaneInput(
        eight.pixels.astype(np.uint16) * 100 + 500, ranges=np.array([[500.0, 26000.0]])
    )
    assert np.allclose(deep.extract(sixteen).block(WHOLE, WHOLE), expected, atol=1e-5)
    bright = PlaneInput(np.full((9, 9, 1), 9e9, np.float32), ranges=np.array([[0.0, 2.0]]))
    assert np.allclose(deep.extract(bright).block(WHOLE, WHOLE), 1)
    flat = PlaneInput(np.full((9, 9, 1), np.nan, np.float32), ranges=np.array([[3.0, 3.0]]))
    assert np.allclose(deep.extract(flat).block(WHOLE, WHOLE), 0)
    assert np.array_equal(
        deep.extract(PlaneInput(eight.pixels)).block(WHOLE, WHOLE), expected
    )  # without ranges: the type's


@pytest.mark.parametrize("upsampling", ["shifts", "bilinear", "guided", "hrdv2"])
@pytest.mark.parametrize("rgb", [False, True])
def test_blocks_points_and_projections_agree(upsampling, rgb) -> None:
    deep = DeepFeatures(Tiny(), UpsamplingOptions(upsampling, shifts=2, orientations=FLIPS))
    found = deep.extract(plane((33, 41, 3), rgb=rgb))
    whole = found.block(WHOLE, WHOLE)
    assert np.array_equal(found.block(slice(3, 20), slice(7, 9)), whole[:, 3:20, 7:9])
    rows, cols = np.array([0, 32, 5]), np.array([40, 0, 8])
    assert np.array_equal(found.at(rows, cols), whole[:, rows, cols].T)
    weights = np.random.default_rng(1).normal(size=(len(whole), 2)).astype(np.float32)
    projected = found.project(weights).block(WHOLE, WHOLE)
    assert np.allclose(projected, np.einsum("fyx,fk->kyx", whole, weights), atol=1e-4)


def test_the_cache_saves_the_backbone_and_is_never_stale() -> None:
    backbone, cache = Tiny(), TokenCache(10**7)

    def block(options: UpsamplingOptions, image: PlaneInput) -> tuple[np.ndarray, bool]:
        deep = DeepFeatures(backbone, options, cache)
        before = backbone.runs
        found = deep.extract(image).block(WHOLE, WHOLE)
        return found, backbone.runs > before

    options = UpsamplingOptions(shifts=2)
    first, ran = block(options, plane())
    assert ran
    again, ran = block(options, plane())
    assert not ran
    assert np.array_equal(first, again)
    changed = plane()
    changed.pixels[20, 20, 0] ^= 128
    assert block(options, changed)[1]
    for other in (
        UpsamplingOptions(shifts=4),
        UpsamplingOptions(shifts=2, orientations=FLIPS),
        UpsamplingOptions(shifts=2, orientations=HALF_TURN),
        UpsamplingOptions(shifts=2, orientations=QUARTER_TURNS),
        UpsamplingOptions(shifts=2, levels=("fine",)),
        UpsamplingOptions(shifts=2, storage="float32"),
        UpsamplingOptions(shifts=2, position_bias=True),
        UpsamplingOptions(shifts=2, window=64),
        UpsamplingOptions("hrdv2", shifts=2),
    ):
        assert block(other, plane())[1], other
    # The memory limit and guided's sigmas do not touch tokens.
    assert not block(UpsamplingOptions(shifts=2, batch_bytes=5, keep_bytes=1), plane())[1]
    assert not block(UpsamplingOptions("guided", shifts=2, sigma_range=0.3), plane())[1]
    assert np.array_equal(block(options, plane())[0], first)


def test_levels_can_be_chosen() -> None:
    deep = DeepFeatures(Tiny(), UpsamplingOptions(levels=("coarse",)))
    assert deep.names(("",), False) == ("deep/coarse/0", "deep/coarse/1")
    with pytest.raises(TdsegError, match="no level 'finest'; it has fine, coarse"):
        DeepFeatures(Tiny(), UpsamplingOptions(levels=("finest",)))
    with pytest.raises(TdsegError, match=r"'magic' is not valid.*shifts"):
        DeepFeatures(Tiny(), UpsamplingOptions("magic"))


def test_long_work_is_announced_with_an_estimate(monkeypatch) -> None:
    monkeypatch.setattr("tdseg.features.deep._WORTH_AN_ESTIMATE", 0)
    monkeypatch.setattr("tdseg.features.deep._WORTH_A_NOTE", 0)

    class Listener:
        def __init__(self) -> None:
            self.fractions: list[float] = []
            self.notes: list[str] = []

        def update(self, fraction: float, message: str = "") -> None:
            self.fractions.append(fraction)

        def note(self, message: str) -> None:
            self.notes.append(message)

    listener = Listener()
    deep = DeepFeatures(Tiny(), UpsamplingOptions(shifts=2), progress=listener)
    deep.extract(plane((40, 50, 2)))
    assert len(listener.fractions) >= 8
    assert listener.fractions == sorted(listener.fractions)
    assert max(listener.fractions) < 1
    assert any("tiny" in note and "4 passes" in note for note in listener.notes)


def test_flips_are_four_copies_and_a_half_turn_two() -> None:
    for flips, rotations, passes in [
        ("false", False, 1),
        ("turn", False, 2),
        ("true", False, 4),
        ("turn", True, 8),
        ("false", True, 4),
    ]:
        backbone = Tiny()
        options = UpsamplingOptions(orientations=orientations(flips, rotations))
        DeepFeatures(backbone, options).extract(plane())
        assert passes <= backbone.runs <= passes + 1  # and perhaps the probe of the geometry


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_damaged_weights_are_told_from_damaged_pixels(bad) -> None:
    class Damaged(Tiny):
        weights = WeightsInfo("tiny", "00", "CC0-1.0", "tiny.pth")

        def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
            return [found * bad for found in super().tokens(images)]

    cache = TokenCache(10**6)
    deep = DeepFeatures(Damaged(), UpsamplingOptions(), cache)
    with pytest.raises(TdsegError, match=r"weights \(tiny, from tiny\.pth\) hold NaN"):
        deep.extract(plane()).block(WHOLE, WHOLE)
    assert cache.count == 0
    pixels = np.zeros((32, 32), np.float32)
    pixels[3, 4] = bad
    labels = np.zeros((32, 32), np.uint8)
    labels[:4], labels[9:12] = 1, 2
    settings = tdseg.Settings(features="deep", quality="fast", held_out=False)
    with pytest.raises(TdsegError, match="Image 'dirt' has 1 NaN or infinite pixels"):
        tdseg.train([(tdseg.Image.from_array(pixels, name="dirt"), labels)], settings)
