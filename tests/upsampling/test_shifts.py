from __future__ import annotations

import numpy as np
import pytest
import torch

from tdseg.backbones.base import Level, WeightsInfo
from tdseg.errors import Cancelled
from tdseg.upsampling.interpolated import ShiftUpsampler, field_of
from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.picture import Picture
from tdseg.upsampling.shifts import Encoder
from tdseg.upsampling.transforms import (
    ALL_ORIENTATIONS,
    FLIPS,
    IDENTITY,
    QUARTER_TURNS,
    moore,
    subpatch,
)

WHOLE = slice(None)


def image_of(picture: Picture) -> np.ndarray:
    return picture.pixels.transpose(2, 0, 1)


def field(backbone, picture, **options):
    options = {"storage": "float32", "window": 4096, "overlap": 256, **options}
    upsampler = ShiftUpsampler(backbone, UpsamplingOptions(**options))
    names = [str(k) for k in range(sum(level.channels for level in backbone.levels))]
    return upsampler.features(picture, names)


def encode(backbone, picture, options):
    encoder = Encoder(backbone, options)
    return encoder.encode(picture, encoder.plan(picture.shape), (0, 0))


@pytest.mark.parametrize("orientations", [(IDENTITY,), FLIPS, QUARTER_TURNS, ALL_ORIENTATIONS])
@pytest.mark.parametrize("offset", [0, 2, 3])
@pytest.mark.parametrize("shape", [(16, 16), (13, 29), (1, 1), (1, 50), (37, 2)])
def test_all_shifts_of_a_sampling_backbone_give_the_image_back(
    sampling, random_picture, orientations, offset, shape
) -> None:
    picture = random_picture(*shape)
    backbone = sampling((4,), (offset,))
    found = field(backbone, picture, shifts=subpatch(4, 4), orientations=orientations)
    assert np.allclose(found.block(WHOLE, WHOLE), image_of(picture), atol=1e-6)


@pytest.mark.parametrize("orientations", [(IDENTITY,), FLIPS])
@pytest.mark.parametrize(("offsets", "grids"), [((1, 3, 7), 1), ((0, 2, 3), 4)])
def test_levels_of_several_strides_are_placed_correctly(
    sampling, random_picture, orientations, offsets, grids
) -> None:
    """Offsets of stride - 1 let mirrored lattices coincide; others need a grid each."""
    picture = random_picture(19, 26)
    backbone = sampling((2, 4, 8), offsets, 8)
    options = UpsamplingOptions(shifts=subpatch(8, 8), orientations=orientations, storage="float32")
    encoded = encode(backbone, picture, options).with_pixels()
    found = field_of(encoded, [str(k) for k in range(9)]).block(WHOLE, WHOLE)
    for level in range(3):
        assert np.allclose(found[3 * level : 3 * level + 3], image_of(picture), atol=1e-6)
    assert len(encoded.levels[2]) == 1
    if len(orientations) == 1 or grids == 1:
        assert [len(level) for level in encoded.levels] == [1, 1, 1]


@pytest.mark.parametrize("shifts", [subpatch(6, 1), subpatch(6, 2), subpatch(6, 4), moore([1, 2])])
@pytest.mark.parametrize("orientations", [(IDENTITY,), FLIPS, ALL_ORIENTATIONS])
def test_a_ramp_stays_where_it_is(mean_backbone, shifts, orientations) -> None:
    """Means of patches of a ramp are its values at their centres: geometry without any slack."""
    y, x = np.mgrid[:40, :53] / 60
    picture = Picture(np.stack([y, x, (y + x) / 2], -1), np.array([[0.0, 1.0]] * 3))
    found = field(mean_backbone(6), picture, shifts=shifts, orientations=orientations)
    inside = found.block(slice(9, -9), slice(9, -9))
    assert np.abs(inside - image_of(picture)[:, 9:-9, 9:-9]).max() < 2e-6


@pytest.mark.parametrize("shape", [(1, 1), (13, 13), (1, 5000), (14, 15), (3, 100)])
@pytest.mark.parametrize("flips", [(IDENTITY,), ALL_ORIENTATIONS])
@pytest.mark.parametrize("window", [(4096, 256), (140, 14)])
def test_any_size_gives_features_of_its_size(mean_backbone, shape, flips, window) -> None:
    picture = Picture(np.full((*shape, 1), 51, np.uint8), np.array([[0.0, 255.0]]))
    found = field(
        mean_backbone(14),
        picture,
        shifts=subpatch(14, 2),
        orientations=flips,
        window=window[0],
        overlap=window[1],
    )
    block = found.block(WHOLE, WHOLE)
    assert block.shape == (3, *shape)
    assert np.allclose(block, 0.2, atol=1e-6)


@pytest.mark.parametrize("length", [30, 31, 64, 100])
@pytest.mark.parametrize("shifts", [1, 2, 3])
@pytest.mark.parametrize("offset", [-1, 0, 5, 7])
@pytest.mark.parametrize("flips", [(IDENTITY,), FLIPS])
def test_tokens_surround_every_pixel(length, shifts, offset, flips) -> None:
    """Then no pixel is extrapolated, whatever the backbone's offset."""

    class Backbone:
        name, multiple, window, has_global_context = "any", 8, 512, False
        device, dtype = torch.device("cpu"), torch.float32
        weights = WeightsInfo("any", "00", "CC0-1.0", "test")
        levels = (Level("only", 1, 8, offset),)

        def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
            counts = [(n - 1 - offset) // 8 + 1 for n in images.shape[2:]]
            return [torch.ones(len(images), 1, *counts)]

    picture = Picture(np.zeros((length, 40, 1), np.uint8), np.array([[0.0, 255.0]]))
    options = UpsamplingOptions(shifts=subpatch(8, shifts), orientations=flips)
    for grid in encode(Backbone(), picture, options).levels[0]:
        assert grid.rows.positions[0] <= 0
        assert grid.rows.positions[-1] >= length - 1


def test_an_impulse_lands_on_its_pixel(mean_backbone) -> None:
    pixels = np.zeros((60, 60, 1), np.float32)
    pixels[26, 33] = 1
    picture = Picture(pixels, np.array([[0.0, 1.0]]))
    for count in (1, 2, 4):
        for flips in ((IDENTITY,), FLIPS):
            found = field(
                mean_backbone(8), picture, shifts=subpatch(8, count), orientations=flips
            ).block(WHOLE, WHOLE)[0]
            weight = found / found.sum()
            centre = (weight * np.mgrid[:60, :60]).sum(axis=(1, 2))
            assert np.abs(centre - (26, 33)).max() <= 4 / count + 0.51


def test_shifting_the_image_shifts_the_features(mean_backbone, random_picture) -> None:
    picture = random_picture(64, 72)
    moved = Picture(np.roll(picture.pixels, (3, 5), (0, 1)), picture.ranges)
    # With a shift for every pixel of the patch nothing depends on the place of the grid.
    a, b = (
        field(mean_backbone(6), p, shifts=subpatch(6, 6)).block(WHOLE, WHOLE)
        for p in (picture, moved)
    )
    assert np.allclose(a[:, 12:-12, 12:-12], b[:, 15:-9, 17:-7], atol=1e-6)


def test_batches_change_nothing(mean_backbone, random_picture) -> None:
    picture = random_picture(30, 44)
    backbone = mean_backbone(6)
    options = {"shifts": subpatch(6, 2), "orientations": ALL_ORIENTATIONS}
    one = field(backbone, picture, **options)
    assert {size[0] for size in backbone.sizes} == {1}
    backbone.sizes.clear()
    many = field(backbone, picture, batch_bytes=500 * 60 * 60 * 3, **options)
    assert max(size[0] for size in backbone.sizes) > 1
    assert np.array_equal(one.block(WHOLE, WHOLE), many.block(WHOLE, WHOLE))


def test_tokens_that_coincide_are_averaged(sampling, random_picture) -> None:
    """Noise of the passes averages out where their tokens fall on the same places."""

    class Noisy(type(sampling())):
        def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
            self.runs = getattr(self, "runs", 0) + 1
            clean = super().tokens(images)
            if images.shape[2] == 16:  # the probe of the geometry does not count
                self.runs = 0
            return [level + self.runs for level in clean]

    backbone = Noisy((4, 8), (3, 7), 8)
    picture = random_picture(40, 40)
    # Shifts of 4 coincide on the lattice of stride 4: runs 1 to 4 average to 2.5.
    options = UpsamplingOptions(shifts=subpatch(8, 2), storage="float32")
    fine, coarse = encode(backbone, picture, options).levels
    values = fine[0].values[3:-3, 3:-3]
    rows = fine[0].rows.positions[3:-3].astype(int)
    cols = fine[0].cols.positions[3:-3].astype(int)
    assert np.allclose(values - picture.pixels[np.ix_(rows, cols)], 2.5, atol=1e-5)
    extra = (
        coarse[0].values[2:-2, 2:-2]
        - picture.pixels[
            np.ix_(
                coarse[0].rows.positions[2:-2].astype(int),
                coarse[0].cols.positions[2:-2].astype(int),
            )
        ]
    )
    assert set(np.round(extra.ravel()).astype(int)) == {1, 2, 3, 4}


def test_half_precision_unless_tokens_are_too_large(mean_backbone, random_picture) -> None:
    class Large(mean_backbone):
        def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
            return [level * 1e6 for level in super().tokens(images)]

    picture = random_picture(20, 20)
    small = encode(mean_backbone(), picture, UpsamplingOptions())
    large = encode(Large(), picture, UpsamplingOptions())
    assert small.levels[0][0].values.dtype == np.float16
    assert large.levels[0][0].values.dtype == np.float32
    assert np.isfinite(large.levels[0][0].values).all()


def test_position_bias_is_what_featureless_images_show(mean_backbone, random_picture) -> None:
    class Biased(mean_backbone):
        def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
            level = super().tokens(images)[0]
            return [level + torch.arange(level.shape[3]) / 10]

    picture = random_picture(40, 40)
    plain = field(mean_backbone(4), picture).block(WHOLE, WHOLE)
    left = field(Biased(4), picture, position_bias=True).block(WHOLE, WHOLE)
    difference = left - plain
    assert np.allclose(difference, difference.mean(), atol=1e-5)


def test_cancelling_stops_between_passes(mean_backbone, random_picture) -> None:
    class Stop:
        calls = 0

        def update(self, fraction: float, message: str = "") -> None:
            self.calls += 1
            if self.calls == 3:
                raise Cancelled

        def note(self, message: str) -> None: ...

    backbone = mean_backbone(4)
    encoder = Encoder(backbone, UpsamplingOptions(shifts=subpatch(4, 4)))
    plan = encoder.plan((20, 20))
    before = len(backbone.sizes)
    with pytest.raises(Cancelled):
        encoder.encode(random_picture(20, 20), plan, (0, 0), Stop())
    assert len(backbone.sizes) - before == 2


def test_estimate_counts_passes(mean_backbone) -> None:
    options = UpsamplingOptions(shifts=subpatch(4, 2), orientations=FLIPS)
    encoder = Encoder(mean_backbone(4), options)
    plan = encoder.plan((50, 60))
    assert len(plan.copies) == 16
    assert plan.windows == [(0, 0)]
    assert plan.input_pixels >= 16 * 50 * 60
    assert encoder.seconds((50, 60)) > 0
