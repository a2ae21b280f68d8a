from __future__ import annotations

import numpy as np
import pytest

from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.picture import Picture
from tdseg.upsampling.registry import make_upsampler
from tdseg.upsampling.shifts import Encoder

WHOLE = slice(None)
NAMES = ("a", "b", "c")


def guided(backbone, picture, sigma_range=0.1, shifts=1):
    options = UpsamplingOptions("guided", shifts=shifts, sigma_range=sigma_range)
    upsampler = make_upsampler(backbone, options)
    return upsampler.features(picture, NAMES)


def test_it_is_the_formula(mean_backbone, random_picture) -> None:
    picture = random_picture(25, 31)
    field = guided(mean_backbone(6), picture)
    found = field.block(WHOLE, WHOLE)
    encoder = Encoder(mean_backbone(6), UpsamplingOptions())
    grid = encoder.encode(picture, encoder.plan((25, 31)), (0, 0)).with_pixels().levels[0][0]
    rows, cols = grid.rows.positions, grid.cols.positions
    image = picture.pixels.astype(np.float64)
    tokens = grid.values.astype(np.float64)

    def cell(centres, i, length):
        start, stop = centres[i] - 3, centres[i] + 3
        return slice(max(int(np.ceil(start)), 0), min(int(np.floor(stop)) + 1, length))

    for y, x in [(0, 0), (24, 30), (12, 17), (3, 29)]:
        i0, j0 = np.abs(rows - y).argmin(), np.abs(cols - x).argmin()
        total, weights = np.zeros(3), 0.0
        for i in range(max(i0 - 2, 0), min(i0 + 3, len(rows))):
            for j in range(max(j0 - 2, 0), min(j0 + 3, len(cols))):
                r, c = cell(rows, i, 25), cell(cols, j, 31)
                r = r if r.start < r.stop else slice(24, 25)
                c = c if c.start < c.stop else slice(30, 31)
                colour = image[r, c].mean(axis=(0, 1))
                far = ((rows[i] - y) ** 2 + (cols[j] - x) ** 2) / (2 * (0.7 * 6) ** 2)
                unlike = ((image[y, x] - colour) ** 2).sum() / (2 * 0.1**2)
                weights += np.exp(-far - unlike)
                total += np.exp(-far - unlike) * tokens[i, j]
        assert np.allclose(found[:, y, x], total / weights, atol=1e-4)


@pytest.mark.parametrize("shifts", [1, 3])
def test_blocks_points_and_projections_agree(mean_backbone, random_picture, shifts) -> None:
    picture = random_picture(29, 37)
    field = guided(mean_backbone(6), picture, shifts=shifts)
    whole = field.block(WHOLE, WHOLE)
    for top in range(0, 29, 11):
        for left in range(0, 37, 13):
            rows, cols = slice(top, top + 11), slice(left, left + 13)
            assert np.array_equal(field.block(rows, cols), whole[:, rows, cols])
    rows, cols = (i.ravel() for i in np.indices((29, 37)))
    assert np.array_equal(field.at(rows, cols), whole.reshape(3, -1).T)
    weights = np.random.default_rng(0).normal(size=(3, 2))
    projected = field.project(weights).block(WHOLE, WHOLE)
    assert np.allclose(projected, np.einsum("fyx,fk->kyx", whole, weights), atol=1e-5)


def test_features_follow_edges_of_the_image(mean_backbone) -> None:
    """A step inside a patch stays sharp, which interpolation cannot do."""
    pixels = np.zeros((48, 48, 1), np.float32)
    pixels[:, 21:] = 1
    picture = Picture(pixels, np.array([[0.0, 1.0]]))
    field = guided(mean_backbone(8), picture)
    sharp = field.block(WHOLE, WHOLE)[0, 24]
    assert sharp[20] < 0.1
    assert sharp[21] > 0.9  # beside it 0.25 and 0.75 by interpolation


def test_pixels_unlike_all_tokens_are_finite(mean_backbone) -> None:
    pixels = np.zeros((20, 20, 3), np.float32)
    pixels[7, 7] = 1
    field = guided(mean_backbone(4), Picture(pixels, np.array([[0.0, 1.0]] * 3)), 0.001)
    assert np.isfinite(field.block(WHOLE, WHOLE)).all()


def test_large_images_are_seen_through_windows(mean_backbone, random_picture) -> None:
    picture = random_picture(100, 90)
    options = UpsamplingOptions("guided", window=48, overlap=12)
    backbone = mean_backbone(6)
    field = make_upsampler(backbone, options).features(picture, NAMES)
    assert max(max(size[2:]) for size in backbone.sizes) == 48
    whole = guided(mean_backbone(6), picture).block(WHOLE, WHOLE)
    assert np.allclose(field.block(WHOLE, WHOLE), whole, atol=2e-3)
