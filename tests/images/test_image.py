from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tdseg
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


def test_plain_arrays_go_straight_into_every_function() -> None:
    """Of any memory layout and byte order; the values count."""
    rng = np.random.default_rng(0)
    pixels = np.concatenate([rng.integers(0, 90, (30, 20)), rng.integers(150, 255, (30, 20))], 1)
    pixels = pixels.astype(np.uint8)
    labels = np.zeros((30, 40), np.uint8)
    labels[5:20, 3:8], labels[5:20, 30:35] = 1, 2
    settings = tdseg.Settings(
        features="classical", classical="gaussian", trees=5, held_out=False, normalize="image"
    )
    model = tdseg.train([(pixels, labels)], settings)
    given = tdseg.apply(model, pixels, probabilities=True)
    locked = pixels.copy()
    locked.flags.writeable = False
    layouts = [
        np.asfortranarray(pixels),
        np.repeat(pixels, 2, axis=1)[:, ::2],
        np.ascontiguousarray(pixels[::-1])[::-1],
        np.ma.array(pixels),
        locked,
        pixels.astype(">u2"),
        pixels.astype(">f4"),
    ]
    assert given.probabilities is not None
    refined = tdseg.refine_crf(given.probabilities, pixels)
    features = tdseg.compute_features(pixels, settings).array
    (clusters,) = tdseg.segment_without_labels(pixels, clusters=2, settings=settings)
    for array in layouts:
        np.testing.assert_array_equal(tdseg.apply(model, array).labels, given.labels)
        again = tdseg.train([(array, np.ma.masked_equal(labels, 9))], settings)
        np.testing.assert_array_equal(tdseg.apply(again, array).labels, given.labels)
        np.testing.assert_allclose(
            tdseg.refine_crf(given.probabilities, array, settings), refined, atol=1e-3
        )
        np.testing.assert_array_equal(tdseg.compute_features(array, settings).array, features)
    both = tdseg.segment_without_labels([pixels, layouts[0]], clusters=2, settings=settings)
    assert len(both) == 2
    assert clusters.labels.shape == (1, 1, 30, 40)


WRONG: dict[str, Any] = {
    "no pixels": np.zeros((5, 0), np.uint8),
    "one dimension": np.zeros(5),
    "complex": np.zeros((9, 9), complex),
    "objects": np.zeros((9, 9), object),
    "text": np.full((9, 9), "a"),
    "dates": np.zeros((9, 9), "datetime64[s]"),
    "a record": np.zeros((9, 9), [("a", "u1")]),
    "ragged": [[1, 2], [3]],
    "nothing": None,
    "a name": "cells.tif",
    "too large": np.full((9, 9), 1e300),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_image_is_one_sentence_everywhere(kind: str) -> None:
    wrong, right = WRONG[kind], np.arange(81, dtype=np.uint8).reshape(9, 9)
    settings = tdseg.Settings(features="classical", classical="gaussian", held_out=False)
    for use in (
        lambda: tdseg.train([(wrong, right)], settings),
        lambda: tdseg.train([(right, wrong)], settings),
        lambda: tdseg.compute_features(wrong, settings),
        lambda: tdseg.refine_crf(np.ones((1, 9, 9)), wrong),
        lambda: tdseg.segment_without_labels([wrong], clusters=2, settings=settings),
        lambda: tdseg.segment_without_labels(wrong, clusters=2, settings=settings),
        lambda: tdseg.Image.from_array(wrong),
        lambda: tdseg.read_image(wrong),
    ):
        with pytest.raises(tdseg.TdsegError) as caught:
            use()
        assert "\n" not in str(caught.value)


def test_what_a_mask_hides_has_no_label() -> None:
    labels = np.array([[1, 1, 2], [0, 2, 2]], np.uint8)
    hidden = np.ma.array(labels, mask=[[True, False, False], [False, False, True]])
    found = tdseg.SparseLabels.from_label_image(hidden).to_label_image()[0, 0]
    np.testing.assert_array_equal(found, [[0, 1, 2], [0, 2, 0]])
