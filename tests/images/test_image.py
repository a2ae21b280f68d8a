from pathlib import Path

import numpy as np
import pytest

from tdseg.errors import TdsegError
from tdseg.images.image import Image, as_image


@pytest.mark.parametrize(
    ("axes", "shape", "expected"),
    [
        ("YX", (4, 5), (1, 1, 1, 4, 5)),
        ("CYX", (2, 4, 5), (1, 1, 2, 4, 5)),
        ("YXC", (4, 5, 3), (1, 1, 3, 4, 5)),
        ("ZYX", (6, 4, 5), (1, 6, 1, 4, 5)),
        ("TZCYX", (2, 3, 4, 5, 6), (2, 3, 4, 5, 6)),
        ("XY", (5, 4), (1, 1, 1, 4, 5)),
    ],
)
def test_axes(axes, shape, expected):
    array = np.arange(np.prod(shape), dtype=np.uint16).reshape(shape)
    image = Image.from_array(array, axes)
    assert image.shape == expected
    index = tuple({"Y": 3, "X": 4}.get(a, 0) for a in axes)
    assert image.plane(0)[3, 4, 0] == array[index]


def test_rgb_is_recognised_and_numbered_channels_are_not():
    assert Image.from_array(np.zeros((4, 5, 3), np.uint8)).is_colour
    assert Image.from_array(np.zeros((4, 5, 3), np.uint8)).channels == ("red", "green", "blue")
    channels = Image.from_array(np.zeros((3, 4, 5), np.uint8), "CYX")
    assert not channels.is_colour
    assert channels.channels == ("c1", "c2", "c3")


def test_types_become_those_of_imagej_without_losing_values():
    assert Image.from_array(np.array([[0, 255]], np.int16)).dtype == np.float32
    assert Image.from_array(np.array([[-1, 255]], np.int16)).array.ravel().tolist() == [-1, 255]
    assert Image.from_array(np.array([[0, 100]], np.int8)).dtype == np.uint8
    assert Image.from_array(np.array([[-1, 100]], np.int8)).array.ravel().tolist() == [-1, 100]
    assert Image.from_array(np.ones((2, 2), bool)).array.ravel().tolist() == [255] * 4
    assert Image.from_array(np.array([[0.5, 2]], ">f2")).array.ravel().tolist() == [0.5, 2]
    assert Image.from_array(np.array([[-7, 2**40]])).array.ravel().tolist() == [-7, 2**40]
    assert Image.from_array(np.ones((2, 2))).dtype == np.float32
    assert Image.from_array(np.ones((2, 2), ">u2")).array[0, 0, 0, 0, 0] == 1


@pytest.mark.parametrize(
    ("array", "axes"),
    [
        (np.zeros(3), None),
        (np.zeros((3, 3)), "YZ"),
        (np.zeros((3, 3)), "YXC"),
        (np.zeros((3, 3), complex), None),
        (np.zeros((0, 3)), None),
        (np.array([[1, None]], object), None),
        (np.array([["a"]]), None),
        ([[1, 2], [3]], None),
        (np.ma.masked_less(np.arange(6).reshape(2, 3), 2), None),
        (np.array([[1e300]]), None),
        (np.zeros((3, 64, 64)), None),
        (np.zeros((64, 64, 4)), None),
        (np.zeros((64, 64, 1)), None),
        (np.zeros((3, 64, 3), np.uint8), None),
        (np.zeros((5, 64, 64, 3)), None),
        (np.zeros((2, 5, 64, 64, 3)), None),
    ],
)
def test_what_is_no_image_is_refused_by_name(array, axes):
    with pytest.raises(TdsegError, match="scan"):
        Image.from_array(array, axes, name="scan")


def test_planes_of_a_palette_image_are_its_colours():
    palette = np.stack([np.arange(256)] * 3, axis=1).astype(np.uint8)
    palette[7] = (10, 20, 30)
    image = Image.from_array(np.full((2, 2), 7, np.uint8))
    coloured = Image(image.source, palette=palette)
    assert coloured.is_colour
    np.testing.assert_array_equal(coloured.plane(0)[1, 1], (10, 20, 30))


def test_an_array_whose_mask_hides_nothing_is_read():
    array = np.ma.MaskedArray(np.arange(6, dtype=np.uint8).reshape(2, 3), mask=False)
    np.testing.assert_array_equal(Image.from_array(array).array[0, 0, 0], array.data)


@pytest.mark.parametrize("value", ["cells.tif", Path("cells.tif"), None, 3])
def test_what_is_neither_image_nor_array_is_refused(value):
    with pytest.raises(TdsegError, match=r"read_image|not a"):
        as_image(value)
