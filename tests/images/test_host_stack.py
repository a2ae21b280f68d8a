"""Planes of an open image are read in bounded blocks, and are where ImageJ counts them."""

from __future__ import annotations

import numpy as np
import pytest

from tdseg.errors import TdsegError
from tdseg.images import host_stack
from tdseg.images.host_stack import HostStack, image_of


class Planes:
    """Counts what is read of an array (T, Z, C, Y, X[, 3])."""

    def __init__(self, array: np.ndarray) -> None:
        self.flat = array.reshape(-1, *array.shape[3:])
        self.asked: list[tuple[int, int]] = []

    def __call__(self, first: int, count: int) -> np.ndarray:
        self.asked.append((first, count))
        return self.flat[first : first + count]


@pytest.mark.parametrize("kind", ["16-bit", "RGB"])
def test_blocks_are_bounded_and_cover_all_planes_once(monkeypatch, kind):
    shape = (2, 3, 1 if kind == "RGB" else 2, 8, 10)
    array = np.arange(2 * 3 * 2 * 8 * 10 * 3).astype(np.uint8 if kind == "RGB" else np.uint16)
    array = array[: np.prod(shape) * (3 if kind == "RGB" else 1)]
    array = array.reshape(*shape, *((3,) if kind == "RGB" else ()))
    monkeypatch.setattr(host_stack, "BLOCK_LIMIT", 5 * array[0, 0, 0].nbytes + 1)
    read = Planes(array)
    image = image_of(HostStack("a", shape, kind), read)
    assert max(count for _, count in read.asked) == 5
    covered = [plane for first, count in read.asked for plane in range(first, first + count)]
    assert covered == list(range(len(read.flat)))
    expected = np.moveaxis(array[:, :, 0], -1, 2) if kind == "RGB" else array
    np.testing.assert_array_equal(image.array, expected)
    lazy = image_of(HostStack("a", shape, kind), read, copy=False)
    np.testing.assert_array_equal(lazy.array, expected)


def test_a_plane_larger_than_the_bound_comes_alone(monkeypatch):
    monkeypatch.setattr(host_stack, "BLOCK_LIMIT", 10)
    read = Planes(np.zeros((1, 4, 1, 8, 10), np.float32))
    image_of(HostStack("a", (1, 4, 1, 8, 10), "32-bit"), read)
    assert read.asked == [(0, 1), (1, 1), (2, 1), (3, 1)]


def test_large_and_virtual_images_are_read_when_asked_for(monkeypatch):
    read = Planes(np.arange(4 * 80, dtype=np.uint16).reshape(1, 4, 1, 8, 10))
    stack = HostStack("a", (1, 4, 1, 8, 10), "16-bit", virtual=True)
    image = image_of(stack, read)
    assert read.asked == []
    assert image.plane(2)[0, 0, 0] == 160
    assert read.asked == [(2, 1)]
    monkeypatch.setattr(host_stack, "COPY_LIMIT", 4 * 160 - 1)
    image_of(HostStack("a", (1, 4, 1, 8, 10), "16-bit"), read)
    assert read.asked == [(2, 1)]


def test_what_cannot_be_read_is_refused():
    with pytest.raises(TdsegError, match="2 channels of RGB"):
        image_of(HostStack("a", (1, 1, 2, 8, 10), "RGB"), Planes(np.zeros((1, 1, 2, 8, 10, 3))))
    with pytest.raises(TdsegError, match="no pixels"):
        image_of(HostStack("a", (1, 0, 1, 8, 10), "8-bit"), Planes(np.zeros((1, 0, 1, 8, 10))))
