"""Every kind of TIFF: the pixels that were written, and those that ImageJ opens where it can."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

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
    sixteen = array.dtype in (np.uint16, np.int16)
    if bands == 4 and not (sixteen and len(array) == 1):
        array = array[:, :3]
    if bands in (3, 4) and sixteen:
        return array.view(np.uint16)
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
        plain_alpha = bands == 4 and (eight or (pages == 1 and not compression))
        colour = (bands == 3 or plain_alpha) and interleaved and dtype[-1] in "86"
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


# Of each, what tifffile writes without loss.
NEWER = {
    "jpeg2000": ("uint8", "int8", "uint16", "int16"),
    "jpegxl": ("uint8", "uint16", "float16", "float32"),
    "lerc": ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32"),
    "png": ("uint8", "uint16"),
    "webp": ("uint8",),
}


@pytest.mark.parametrize("compression", NEWER)
def test_newer_compressions_give_the_pixels_that_were_written(
    compression: str, tmp_path: Path
) -> None:
    path, count = tmp_path / "kind.tif", 0
    for dtype in NEWER[compression]:
        for bands, pages, options in kinds(dtype, None):
            few = {"webp": (3, 4), "png": (1, 3, 4)}.get(compression, BANDS)
            if bands not in few or options["photometric"] == "miniswhite":
                continue
            if options["byteorder"] == ">" or options.get("planarconfig") == "separate":
                continue
            options["compression"] = compression
            if "rowsperstrip" in options:  # few rows of many samples, imagecodecs takes for planes
                options["rowsperstrip"] = 10
            if compression in ("jpegxl", "webp"):
                options["compressionargs"] = {"lossless": True}
            array = values(dtype, pages, bands, 10, 13)
            write(path, array, options)
            planes = read_image(path).array.reshape(pages, -1, 10, 13)
            np.testing.assert_array_equal(planes, expected(array, bands), f"{dtype} {options}")
            count += 1
    assert count >= 4


@pytest.mark.parametrize("dtype", ["uint32", "int32"])
def test_jpeg_2000_of_more_bits_than_its_decoder_has_is_refused(dtype: str, tmp_path: Path) -> None:
    path = tmp_path / "deep.tif"
    tifffile.imwrite(path, values(dtype, 16, 16), compression="jpeg2000")
    with pytest.raises(TdsegError, match=r"deep\.tif' has pixels of 32 bits.*another compression"):
        read_image(path)


def smooth(bands: int, dtype: str) -> np.ndarray:
    y, x = np.mgrid[:48, :64]
    waves = [0.5 + 0.22 * np.sin(x / (7 + k)) + 0.2 * np.cos(y / (9 - k)) for k in range(bands)]
    top = 1.0 if dtype == "float32" else np.iinfo(dtype).max
    return (np.stack(waves) * top).astype(dtype)


@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("bands", [1, 3, 5])
@pytest.mark.parametrize(
    ("compression", "dtype", "strength"),
    [
        ("jpeg", "uint8", {"level": 90}),
        ("webp", "uint8", {"level": 90}),
        ("jpeg2000", "uint8", {"level": 60}),
        ("jpeg2000", "uint16", {"level": 60}),
        ("jpegxl", "uint8", {"distance": 1.0}),
        ("jpegxl", "uint16", {"distance": 1.0}),
        ("jpegxl", "float32", {"distance": 1.0}),
    ],
)
def test_lossy_compressions_stay_near_what_was_written(
    compression: str,
    dtype: str,
    strength: Any,
    bands: int,
    planar: bool,
    tiled: bool,
    tmp_path: Path,
) -> None:
    if (planar and bands == 1) or (compression == "webp" and (bands != 3 or planar)):
        pytest.skip("there is no such file")
    if compression == "jpeg" and bands == 5 and not planar:
        pytest.skip("there is no such file")
    array = smooth(bands, dtype)
    options: dict[str, Any] = {"tile" if tiled else "rowsperstrip": (16, 32) if tiled else 16}
    options["photometric"] = "rgb" if bands == 3 else "minisblack"
    if bands > 1:
        options["planarconfig"] = "separate" if planar else "contig"
    path = tmp_path / "lossy.tif"
    written = array[0] if bands == 1 else array if planar else np.moveaxis(array, 0, -1)
    compress = {"compression": compression, "compressionargs": dict(strength)}
    tifffile.imwrite(path, written, metadata=None, **compress, **options)
    found = read_image(path).array[0, 0]
    difference = np.abs(found.astype(np.float64) - array) / np.float64(array.max())
    assert difference.max() < 0.08
    assert difference.mean() < 0.01
    if compression == "jpeg" and bands != 5:  # Pillow has libtiff and libjpeg of its own
        with Picture.open(path) as picture:
            other = np.atleast_3d(np.array(picture))
        np.testing.assert_allclose(found, np.moveaxis(other, -1, 0).astype(int), atol=2)


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt", "packbits", "tiff_lzw"])
@pytest.mark.parametrize("width", [64, 37])
def test_bilevel_compressions_give_the_bits(compression: str, width: int, tmp_path: Path) -> None:
    bits = smooth(1, "uint8")[0, :, :width] > 120
    path = tmp_path / "bits.tif"
    Picture.fromarray(bits).save(path, compression=compression)
    np.testing.assert_array_equal(read_image(path).array[0, 0, 0], bits * 255)


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    ("dtype", "bands", "small", "large", "become"),
    [
        ("uint32", 1, 2**31 - 1, 2**31, "negative"),
        ("int8", 1, 0, -1, "count 256 more"),
        ("int16", 3, 0, -1, "count 65536 more"),
    ],
)
def test_numbers_that_wrap_around_in_imagej_are_noted(
    dtype: str,
    bands: int,
    small: int,
    large: int,
    become: str,
    lazy: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if lazy:
        monkeypatch.setattr("tdseg.images.tiff_reading.COPY_LIMIT", 0)
    path = tmp_path / "wraps.tif"
    photometric = "rgb" if bands == 3 else "minisblack"
    for value in (small, large):
        array = np.zeros((5, 6, bands), dtype)
        array[2, 3] = value
        tifffile.imwrite(path, array[..., 0] if bands == 1 else array, photometric=photometric)
        notes = read_image(path).notes
        if value == large or lazy:  # a large file is not looked through for a note
            (note,) = notes
            assert become in note
            assert ("may have" in note) == lazy
        else:
            assert notes == ()


@pytest.mark.parametrize("mode", ["LAB", "YCbCr"])
def test_colours_that_are_no_rgb_are_numbers_as_in_imagej_and_noted(
    mode: str, tmp_path: Path, opened: Any
) -> None:
    path = tmp_path / "colours.tif"
    bands = [Picture.fromarray(plane) for plane in smooth(3, "uint8")]
    Picture.merge(mode, bands).save(path)
    found = read_image(path)
    np.testing.assert_array_equal(found.array[0, 0], opened(path)[0])
    assert "as they are stored" in found.notes[0]


def test_float_numbers_that_are_too_large_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.tif"
    tifffile.imwrite(path, np.array([[1.0, -1e300], [np.nan, np.inf]]))
    with pytest.raises(TdsegError, match=r"huge\.tif' has values up to 1e\+300"):
        read_image(path)
