from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tdseg.errors import Cancelled, TdsegError
from tdseg.features.classical import (
    FAMILIES,
    ClassicalOptions,
    ClassicalPlane,
    feature_names,
)
from tdseg.runtime import threads
from tdseg.runtime.cancelling import cancelled_by

EVERYTHING = slice(None)
ALL = ClassicalOptions(classical="all")
SMALL = ClassicalOptions(classical="all", sigma_max=4.0, membrane_patch=9)


def stack_of(
    image: np.ndarray, options: ClassicalOptions, rgb: bool = False
) -> tuple[tuple[str, ...], np.ndarray]:
    pixels = image if image.ndim == 3 else image[..., np.newaxis]
    channels = ("red", "green", "blue") if pixels.shape[2] == 3 else ("",)
    plane = ClassicalPlane(pixels, options, channels, rgb)
    return plane.names, plane.block(EVERYTHING, EVERYTHING)


@pytest.mark.parametrize(
    ("image", "kind", "options"),
    [
        ("texture16", "default", ClassicalOptions()),
        ("nuclei8", "all", ALL),
        ("cell8", "all", ALL),
        (
            "nuclei8",
            "min2_max8_thickness3_patch15",
            ClassicalOptions(
                classical="all",
                sigma_min=2.0,
                sigma_max=8.0,
                membrane_thickness=3,
                membrane_patch=15,
            ),
        ),
        ("ihc_rgb", "default", ClassicalOptions(rgb="tws")),
    ],
)
def test_equals_trainable_weka_segmentation(
    reference: Callable[..., Any], image: str, kind: str, options: ClassicalOptions
) -> None:
    expected = reference(image, kind)
    names, stack = stack_of(expected.image, options, rgb=image == "ihc_rgb")
    assert set(names) == set(expected.slices)
    for name, values in zip(names, stack, strict=True):
        ours, theirs = values[expected.part], expected.slices[name]
        if name.startswith("Gabor"):  # by FFT in TWS
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())
        else:
            np.testing.assert_array_equal(ours, theirs, err_msg=name)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_blocks_equal_the_whole_plane(
    spots: np.ndarray, rng: np.random.Generator, dtype: str
) -> None:
    image = spots.astype(dtype) if dtype != "float32" else (spots / np.float32(7.3) - 9)
    names, whole = stack_of(image, ALL)
    plane = ClassicalPlane(image[..., np.newaxis], ALL)
    for _ in range(4):
        (y0, y1), (x0, x1) = (np.sort(rng.choice(n, 2, replace=False)) for n in spots.shape)
        block = plane.block(slice(y0, y1), slice(x0, x1))
        wrong = [n for n, a, b in zip(names, block, whole[:, y0:y1, x0:x1], strict=True)
                 if not np.array_equal(a, b)]  # fmt: skip
        assert not wrong


def test_blocks_of_averaged_colour_equal_the_whole_plane(rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (50, 60, 3), dtype=np.uint8)
    options = ClassicalOptions(classical="all", sigma_max=4.0, rgb="tws")
    plane = ClassicalPlane(image, options, ("r", "g", "b"), rgb=True)
    whole = ClassicalPlane(image, options, ("r", "g", "b"), rgb=True).block(EVERYTHING, EVERYTHING)
    np.testing.assert_array_equal(plane.block(slice(7, 33), slice(20, 60)), whole[:, 7:33, 20:])
    rows, cols = np.array([0, 49, 17]), np.array([59, 3, 30])
    np.testing.assert_array_equal(plane.at(rows, cols), whole[:, rows, cols].T)


def test_threads_change_nothing(spots: np.ndarray) -> None:
    results = []
    for count in (1, 3):
        threads.set_thread_count(count)
        try:
            results.append(stack_of(spots, SMALL)[1])
        finally:
            threads.set_thread_count(None)
    np.testing.assert_array_equal(results[0], results[1])


@pytest.mark.parametrize("count", [1, 40, 3000])
def test_single_pixels_equal_the_whole_plane(
    spots: np.ndarray, rng: np.random.Generator, count: int
) -> None:
    pixels = np.stack([spots, spots[::-1]], axis=2)
    plane = ClassicalPlane(pixels, SMALL, ("a", "b"))
    whole = plane.block(EVERYTHING, EVERYTHING)
    rows, cols = rng.integers(0, spots.shape[0], count), rng.integers(0, spots.shape[1], count)
    np.testing.assert_array_equal(plane.at(rows, cols), whole[:, rows, cols].T)


def test_no_pixels_give_no_rows(spots: np.ndarray) -> None:
    nothing = np.empty(0, np.int64)
    plane = ClassicalPlane(spots[..., np.newaxis], ClassicalOptions())
    assert plane.at(nothing, nothing).shape == (0, 76)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_family_alone_equals_itself_among_all(spots: np.ndarray, family: str) -> None:
    image = spots[:40, :44]
    names, whole = stack_of(image, SMALL)
    options = ClassicalOptions(classical=family, sigma_max=4.0, membrane_patch=9)
    some, values = stack_of(image, options)
    assert some[0] == "original"
    assert len(some) > 1
    np.testing.assert_array_equal(values, whole[[names.index(name) for name in some]])


@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (90, 1), (2, 3), (13, 13)])
@pytest.mark.parametrize("constant", [True, False])
def test_tiny_images_have_defined_features(
    rng: np.random.Generator, shape: tuple[int, int], constant: bool
) -> None:
    image = np.full(shape, 9, np.uint8) if constant else rng.integers(0, 256, shape, dtype=np.uint8)
    _, stack = stack_of(image, ALL)
    assert stack.shape == (272, *shape)
    assert np.isfinite(stack).all()


def test_very_large_values_stay_finite(rng: np.random.Generator) -> None:
    _, stack = stack_of((rng.random((20, 24)) * 3e38).astype(np.float32), SMALL)
    assert np.isfinite(stack).all()


def test_every_channel_is_computed_by_itself(rng: np.random.Generator) -> None:
    image = rng.integers(0, 256, (30, 31, 3), dtype=np.uint8)
    names, stack = stack_of(image, ClassicalOptions(), rgb=True)
    assert names == feature_names(ClassicalOptions(), ("red", "green", "blue"))
    for c in range(3):
        np.testing.assert_array_equal(
            stack[76 * c : 76 * (c + 1)], stack_of(image[:, :, c], ClassicalOptions())[1]
        )


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_pixels_that_are_not_numbers_are_refused(bad: float) -> None:
    image = np.ones((8, 9, 2))
    image[3, 4, 1] = bad
    with pytest.raises(TdsegError, match="1 pixels in channel b"):
        ClassicalPlane(image, ClassicalOptions(), ("a", "b"))


def test_wrong_input_is_refused_in_one_sentence(spots: np.ndarray) -> None:
    grey = spots[..., np.newaxis]
    for pixels, options, channels, rgb, words in (
        (np.zeros((0, 5, 1)), ALL, ("",), False, "shape"),
        (grey.astype(complex), ALL, ("",), False, "real numbers"),
        (grey, ALL, ("a", "b"), False, "channel labels"),
        (grey, ClassicalOptions(rgb="tws"), ("",), True, "rgb=tws"),
    ):
        with pytest.raises(TdsegError, match=words):
            ClassicalPlane(pixels, options, channels, rgb)
    plane = ClassicalPlane(grey, ClassicalOptions())
    with pytest.raises(TdsegError, match="select nothing"):
        plane.block(slice(5, 5), EVERYTHING)
    with pytest.raises(TdsegError, match="outside"):
        plane.at(np.array([96]), np.array([0]))


def test_working_memory_grows_with_the_features() -> None:
    image = np.zeros((4, 4, 1), np.uint8)
    few = ClassicalPlane(image, ClassicalOptions()).bytes_per_pixel()
    assert 76 * 4 < few < ClassicalPlane(image, ALL).bytes_per_pixel()


class _Asked:
    """Counts how often the work looks whether it should end, and ends it at one of the looks."""

    def __init__(self, end_at: int = 0) -> None:
        self.count, self._end_at = 0, end_at

    def __call__(self) -> None:
        self.count += 1
        if self.count == self._end_at:
            raise Cancelled


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_work_can_be_cancelled_at_every_scale(spots: np.ndarray, family: str) -> None:
    def compute(sigma_max: float, asked: _Asked) -> int:
        options = ClassicalOptions(classical=family, sigma_max=sigma_max, membrane_patch=9)
        with cancelled_by(asked):
            ClassicalPlane(spots, options).block(EVERYTHING, EVERYTHING)
        return len(feature_names(options))

    few, many = _Asked(), _Asked()
    grows = compute(2.0, few) < compute(8.0, many)
    assert many.count - few.count >= 2 if grows else few.count >= 1
    for end_at in (1, many.count):
        with pytest.raises(Cancelled):
            compute(8.0, _Asked(end_at))
