from __future__ import annotations

import numpy as np
import pytest

from tdseg.errors import TdsegError
from tdseg.runtime import threads
from tdseg.runtime.feature_map import FeatureMap
from tdseg.upsampling.token_field import Axis, LevelGrids, TokenField, TokenGrid

SHAPE = (41, 57)
WHOLE = slice(None)


def grid(channels, spacing, seed, dtype=np.float16, shape=SHAPE) -> TokenGrid:
    rng = np.random.default_rng(seed)
    rows = np.cumsum(rng.uniform(0.5, 1.5, int(shape[0] / spacing) + 2)) * spacing - spacing
    cols = np.arange(int(shape[1] / spacing) + 1) * spacing + 1.5
    values = rng.normal(size=(len(rows), len(cols), channels)).astype(dtype)
    return TokenGrid(values, Axis.linear(rows, shape[0]), Axis.linear(cols, shape[1]))


@pytest.fixture
def field() -> TokenField:
    groups = [
        LevelGrids(0, (grid(5, 3, 0), grid(5, 3.5, 1), grid(5, 4, 2))),
        LevelGrids(5, (grid(3, 2, 3, np.float32),)),
        LevelGrids(8, (grid(4, 90, 4),)),
    ]
    return TokenField(groups, [f"f{k}" for k in range(12)], SHAPE)


def test_interpolation_is_numpys_axis_by_axis() -> None:
    g = grid(2, 3, 0, np.float32)
    found = TokenField([LevelGrids(0, (g,))], ["a", "b"], SHAPE).block(WHOLE, WHOLE)
    y, x = (np.arange(n) for n in SHAPE)
    for c in range(2):
        along = np.stack([np.interp(y, g.rows.positions, v) for v in g.values[:, :, c].T], 1)
        expected = np.stack([np.interp(x, g.cols.positions, row) for row in along])
        assert np.allclose(found[c], expected, atol=1e-5)


def test_it_is_a_feature_map(field) -> None:
    assert isinstance(field, FeatureMap)
    assert field.names[3] == "f3"
    assert field.shape == SHAPE
    assert field.bytes_per_pixel() >= 4 * 12


@pytest.mark.parametrize("edges", [(7, 5), (16, 57), (41, 1), (1, 13)])
def test_blocks_equal_the_whole(field, edges) -> None:
    whole = field.block(WHOLE, WHOLE)
    assert whole.dtype == np.float32
    for top in range(0, SHAPE[0], edges[0]):
        for left in range(0, SHAPE[1], edges[1]):
            rows, cols = slice(top, top + edges[0]), slice(left, left + edges[1])
            assert np.array_equal(field.block(rows, cols), whole[:, rows, cols])
    assert field.block(slice(5, 5), WHOLE).shape == (12, 0, 57)


def test_single_pixels_equal_the_whole(field) -> None:
    whole = field.block(WHOLE, WHOLE)
    rows, cols = (i.ravel() for i in np.indices(SHAPE))
    assert np.array_equal(field.at(rows, cols), whole.reshape(12, -1).T)
    assert field.at(np.array([], int), np.array([], int)).shape == (0, 12)


def test_thread_count_changes_nothing(field) -> None:
    found = []
    for count in (1, 3):
        threads.set_thread_count(count)
        found.append(field.block(WHOLE, WHOLE))
    threads.set_thread_count(None)
    assert np.array_equal(*found)


def test_projecting_tokens_is_projecting_features(field) -> None:
    weights = np.random.default_rng(9).normal(size=(12, 3))
    features = field.block(WHOLE, WHOLE).astype(np.float64)
    expected = np.einsum("fyx,fk->kyx", features, weights)
    projected = field.project(weights)
    found = projected.block(WHOLE, WHOLE)
    assert np.allclose(found, expected, atol=2e-5)
    rows, cols = np.array([0, 40, 12]), np.array([56, 0, 30])
    assert np.array_equal(projected.at(rows, cols), found[:, rows, cols].T)
    twice = projected.project(np.array([[1.0], [2.0], [-1.0]])).block(WHOLE, WHOLE)
    assert np.allclose(twice[0], expected[0] + 2 * expected[1] - expected[2], atol=1e-4)
    assert projected.bytes_per_pixel() < field.bytes_per_pixel()


def test_tokens_that_no_pixel_needs_are_dropped() -> None:
    values = np.random.default_rng(0).normal(size=(30, 20, 2)).astype(np.float32)
    rows, cols = Axis.linear(np.arange(30) * 4.0 - 20, 41), Axis.linear(np.arange(20) * 4.0, 57)
    full = TokenGrid(values, rows, cols)
    cropped = full.cropped()
    assert cropped.values.shape[0] < 15
    a, b = (
        TokenField([LevelGrids(0, (g,))], "ab", SHAPE).block(WHOLE, WHOLE) for g in (full, cropped)
    )
    assert np.array_equal(a, b)


def test_a_single_token_fills_the_plane() -> None:
    axes = [Axis.linear(np.array([3.0]), n) for n in SHAPE]
    lone = TokenField([LevelGrids(0, (TokenGrid(np.full((1, 1, 1), 7.0), *axes),))], ["x"], SHAPE)
    assert np.array_equal(lone.block(WHOLE, WHOLE), np.full((1, *SHAPE), 7, np.float32))


def crafted(lower, upper) -> TokenGrid:
    """Return 4 x 4 tokens of two channels whose three rows of pixels refer to these tokens."""
    tokens = np.random.default_rng(0).random((4, 4, 2)).astype(np.float32)
    low, high = (np.array(numbers, np.int32) for numbers in (lower, upper))
    positions = np.arange(4.0)
    rows = Axis(low, high, np.full(3, 0.25, np.float32), positions)
    return TokenGrid(tokens, rows, Axis.linear(positions, 3))


@pytest.mark.parametrize(
    ("lower", "upper", "channels"),
    [
        ([0, 1, 2], [1, 2, 3], 3),  # of another number of channels
        ([0, 1, 2], [1, 2, 4], 2),  # beyond the last token
        ([0, 9, 2], [1, 2, 3], 2),  # beyond it in one of the two
        ([-1, 1, 2], [1, 2, 3], 2),  # before the first
    ],
)
def test_a_block_reads_no_token_that_is_not_there(lower, upper, channels) -> None:
    """Compiled code checks no index, and the tokens may come from a file."""
    out = np.zeros((channels, 3, 3), np.float32)
    with pytest.raises(TdsegError, match="TDSEG_CACHE"):
        crafted(lower, upper).add_block(WHOLE, WHOLE, out)
    assert not out.any()


def test_the_two_tokens_of_a_pixel_may_come_in_any_order() -> None:
    grid, out = crafted([3, 3, 3], [0, 0, 0]), np.zeros((2, 3, 3), np.float32)
    grid.add_block(WHOLE, WHOLE, out)
    row = grid.values[3, :3] * 0.75 + grid.values[0, :3] * 0.25
    np.testing.assert_allclose(out, np.repeat(row.T[:, None], 3, axis=1), atol=1e-6)
