"""Every kind of TIFF: the pixels that were written, and those that ImageJ opens where it can."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from tdseg import TdsegError, imagej
from tdseg.images.image_files import read_image

TYPES = ("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32")
COMPRESSIONS = (None, "lzw", "zlib", "packbits", "zstd", "lzma")
# Three and four samples are written as RGB, the fourth as alpha.
BANDS = (1, 2, 3, 4, 5)


@pytest.fixture(scope="module")
def opened() -> Any:
    """A function that returns ImageJ's planes, type and (C, Z, T) of a file; None if it can't."""
    imagej.start()
    from tdseg.imagej.java import jc, to_numpy

    def read(path: Path) -> Any:
        imp = jc.IJ.openImage(str(path))
        if imp is None:
            return None
        stack, size = imp.getStack(), (imp.getHeight(), imp.getWidth())
        planes = [to_numpy(stack.getPixels(i + 1)).reshape(size) for i in range(stack.getSize())]
        dimensions = tuple(int(n) for n in imp.getDimensions())[2:]
        if imp.getType() == jc.ImagePlus.COLOR_RGB:
            planes = [p >> shift & 255 for p in planes for shift in (16, 8, 0)]
        if imp.getCalibration().isSigned16Bit():
            planes = [p.astype(np.float32) - 32768 for p in planes]
        return np.stack(planes), dimensions

    return read


def values(dtype: str, *shape: int) -> np.ndarray:
    rng = np.random.default_rng(len(shape))
    if dtype == "bool":
        return rng.random(shape) > 0.5
    if dtype.startswith("float"):
        return (rng.normal(size=shape) * 300).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def expected(array: np.ndarray, bands: int) -> np.ndarray:
    """What the file means by docs/images.md: (pages, bands, Y, X)."""
    if bands == 4:
        array = array[:, :3]
    if array.dtype == np.bool_:
        return array * np.uint8(255)
    if array.dtype == np.int8:
        return array.view(np.uint8)
    if array.dtype == np.uint32:
        return array.view(np.int32).astype(np.float32)
    return array if array.dtype in (np.uint8, np.uint16) else array.astype(np.float32)


def write(path: Path, array: np.ndarray, options: dict[str, Any]) -> None:
    """Write (pages, bands, Y, X) as pages with these options."""
    pages, bands = array.shape[:2]
    if bands == 1:
        array = array[:, 0]
    elif options["planarconfig"] == "contig":
        array = np.moveaxis(array, 1, -1)
    tifffile.imwrite(path, array[0] if pages == 1 else array, metadata=None, **options)


def kinds(dtype: str, compression: str | None) -> Any:
    """Yield the options of all layouts that such pixels can have."""
    for bands, planar, pages, tiled, predictor, order, white in itertools.product(
        BANDS, (False, True), (1, 3), (False, True), (1, 2, 3), "<>", (False, True)
    ):
        floating = dtype.startswith("float")
        if (
            (planar and bands == 1)
            or (white and (bands > 1 or floating))
            or (dtype == "bool" and (bands > 1 or tiled or predictor > 1))
            or (predictor > 1 and compression not in ("lzw", "zlib", "zstd"))
            or predictor == (2 if floating or dtype == "bool" else 3)
            or (order == ">" and (tiled or pages > 1))
        ):
            continue
        options: dict[str, Any] = {"compression": compression, "byteorder": order}
        options["tile" if tiled else "rowsperstrip"] = (16, 16) if tiled else 4
        options["photometric"] = "miniswhite" if white else "minisblack"
        if predictor > 1:
            options["predictor"] = predictor
        if bands > 1:
            options["planarconfig"] = "separate" if planar else "contig"
        if bands in (3, 4):
            options["photometric"] = "rgb"
        if bands == 4:
            options["extrasamples"] = ["unassalpha"]
        yield bands, pages, options


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("dtype", TYPES)
def test_pixels_are_those_that_were_written(
    dtype: str, compression: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "kind.tif"
    count = 0
    for bands, pages, options in kinds(dtype, compression):
        array = values(dtype, pages, bands, 10, 13)
        write(path, array, options)
        found = read_image(path)
        planes = found.array.reshape(pages, -1, 10, 13)
        np.testing.assert_array_equal(planes, expected(array, bands), str(options))
        assert found.rgb == (bands in (3, 4) and dtype in ("uint8", "int8"))
        count += 1
    assert count >= 5


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "packbits"])
@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32"]
)
def test_imagej_opens_the_same(
    dtype: str, compression: str | None, opened: Any, tmp_path: Path
) -> None:
    """Grey, RGB and white-is-zero in strips, which ImageJ reads (it errs on the other kinds)."""
    path = tmp_path / "kind.tif"
    for bands, pages, options in kinds(dtype, compression):
        eight = dtype in ("uint8", "int8")
        readable = options.get("predictor", 1) == 1 or (eight and bands == 1)
        interleaved = options.get("planarconfig") == "contig"
        colour = bands == 3 and interleaved and (eight or dtype == "uint16")
        if "tile" in options or not readable or not (bands == 1 or colour):
            continue
        if colour and pages > 1 and not eight and compression:
            continue  # ImageJ 1.54p reads these wrongly
        array = values(dtype, pages, bands, 10, 13)
        write(path, array, options)
        planes, dimensions = opened(path)
        found = read_image(path)
        np.testing.assert_array_equal(found.array.reshape(-1, 10, 13), planes, str(options))
        t, z, c = found.shape[:3]
        assert (1 if found.rgb else c, z, t) == dimensions, str(options)


@pytest.mark.parametrize("bits", [2, 4, 10, 12, 14])
def test_packed_bits(bits: int, tmp_path: Path, opened: Any) -> None:
    array = np.random.default_rng(0).integers(0, 2**bits, (9, 16), "u1" if bits < 8 else "u2")
    path = tmp_path / "packed.tif"
    tifffile.imwrite(path, array, bitspersample=bits, photometric="minisblack", metadata=None)
    np.testing.assert_array_equal(read_image(path).array[0, 0, 0], array)
    if bits == 12:
        np.testing.assert_array_equal(opened(path)[0][0], array)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_ignored_as_by_imagej(orientation: int, tmp_path: Path, opened: Any) -> None:
    path = tmp_path / "turned.tif"
    tags = [(274, "H", 1, orientation, True)]
    tifffile.imwrite(path, values("uint8", 5, 8), metadata=None, extratags=tags)
    np.testing.assert_array_equal(read_image(path).array[0, 0], opened(path)[0])


@pytest.mark.parametrize(
    "sizes", [[(9, 8), (5, 6)], [(9, 8), (5, 6), (9, 8), (5, 6)], [(9, 8), (9, 8), (3, 8)]]
)
def test_of_pages_of_several_sizes_the_first_is_read(
    sizes: list[tuple[int, int]], tmp_path: Path, opened: Any
) -> None:
    path = tmp_path / "sizes.tif"
    with tifffile.TiffWriter(path) as writer:
        for size in sizes:
            writer.write(values("uint8", *size), metadata=None, photometric="minisblack")
    found = read_image(path)
    np.testing.assert_array_equal(found.array[0, :, 0], opened(path)[0])
    assert "the first is read" in found.notes[0]


def test_grey_with_alpha_is_grey(tmp_path: Path) -> None:
    array = values("uint16", 7, 9, 2)
    path = tmp_path / "alpha.tif"
    tifffile.imwrite(path, array, photometric="minisblack", extrasamples=["unassalpha"])
    np.testing.assert_array_equal(read_image(path).array[0, 0], array[None, :, :, 0])


def test_unsigned_numbers_above_two_to_the_31_are_noted(tmp_path: Path) -> None:
    path = tmp_path / "large.tif"
    tifffile.imwrite(path, np.array([[2**31 + 256, 5]], np.uint32))
    found = read_image(path)
    assert found.array.ravel().tolist() == [256 - 2**31, 5]  # as ImageJ: see the matrix above
    assert "2147483647" in found.notes[0]


def test_large_files_give_the_same_planes_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kind.tif"
    for dtype in ("uint8", "int16", "uint32", "float32"):
        for bands, pages, options in kinds(dtype, None):
            if "tile" in options:
                continue
            options["rowsperstrip"] = 10  # each page in one piece
            write(path, values(dtype, pages, bands, 10, 13), options)
            whole = read_image(path)
            with monkeypatch.context() as patch:
                patch.setattr("tdseg.images.tiff_reading.COPY_LIMIT", 0)
                lazy = read_image(path)
            assert type(lazy.source).__name__ == "FileSource"
            assert lazy.dtype == whole.dtype
            np.testing.assert_array_equal(lazy.array, whole.array, str(options))


def test_what_a_classifier_cannot_use_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.tif"
    for array, photometric in (
        (np.ones((5, 6), np.complex64), "minisblack"),
        (values("uint8", 5, 6, 4), "separated"),
    ):
        tifffile.imwrite(path, array, photometric=photometric)
        with pytest.raises(TdsegError, match=r"odd\.tif"):
            read_image(path)
