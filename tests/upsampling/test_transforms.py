from __future__ import annotations

import numpy as np
import pytest
import torch

from tdseg.upsampling.transforms import (
    ALL_ORIENTATIONS,
    FLIPS,
    QUARTER_TURNS,
    is_product,
    moore,
    orientations,
    reflected,
    subpatch,
)


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_every_orientation_is_undone(orientation) -> None:
    array = np.random.default_rng(0).random((2, 3, 5, 8))
    assert np.array_equal(orientation.undo(orientation.apply(array)), array)
    tensor = torch.from_numpy(array)
    assert np.array_equal(orientation.apply(tensor).numpy(), orientation.apply(array))
    assert torch.equal(orientation.undo(orientation.apply(tensor)), tensor)


def test_orientations_are_the_symmetries_of_the_square() -> None:
    array = np.arange(6).reshape(2, 3)
    turned = [o.apply(array) for o in QUARTER_TURNS]
    for k, copy in enumerate(turned):
        assert any(np.array_equal(copy, np.rot90(array, q)) for q in range(4)), k
    assert len({copy.tobytes() + bytes(copy.shape) for copy in turned}) == 4
    assert np.array_equal(FLIPS[1].apply(array), array[:, ::-1])
    assert np.array_equal(FLIPS[2].apply(array), array[::-1])
    every = {(o.apply(array).tobytes(), o.apply(array).shape) for o in ALL_ORIENTATIONS}
    assert len(every) == 8
    cases = [("false", 0), ("turn", 0), ("true", 0), ("false", 1), ("turn", 1), ("true", 1)]
    assert [len(orientations(flips, bool(r))) for flips, r in cases] == [1, 2, 4, 4, 8, 8]


def test_patterns() -> None:
    assert len(moore([1, 2])) == 17
    assert moore([1, 2])[0] == (0, 0)
    assert (2, -2) in moore([1, 2])
    assert len(set(moore([1, 2, 3, 4]))) == 33
    assert subpatch(14, 2) == ((0, 0), (0, 7), (7, 0), (7, 7))
    assert len(subpatch(14, 4)) == 16
    assert len(subpatch(2, 5)) == 4  # no more shifts than pixels
    assert is_product(subpatch(14, 4))
    assert not is_product(moore([1, 2]))
    assert not is_product(((0, 0), (0, 1), (1, 0)))


@pytest.mark.parametrize("length", [1, 2, 3, 7, 20])
@pytest.mark.parametrize(("before", "after"), [(0, 0), (3, 5), (40, 33)])
def test_reflection_is_numpys(length: int, before: int, after: int) -> None:
    pixels = np.arange(length)
    expected = np.pad(pixels, (before, after), "reflect" if length > 1 else "edge")
    assert np.array_equal(pixels[reflected(-before, length + after, length)], expected)
