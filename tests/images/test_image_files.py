"""Files are read as ImageJ reads them, and ImageJ opens what is written."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from tdseg import TdsegError, imagej
from tdseg.images.image import Calibration, Image
from tdseg.images.image_files import read_image, write_features, write_labels, write_probabilities
from tdseg.labels.colours import glasbey

CALIBRATION = Calibration(0.25, 0.5, 2.0, "\u00b5m", "", "", 1.5, "min", 3.0, -4.0, 0.5)


@pytest.fixture(scope="module")
def images() -> Any:
    """Conversion to and from ImageJ, which is started for it."""
    imagej.start()
    from tdseg.imagej import images

    return images


def opened(path: Path, images: Any) -> Image:
    from tdseg.imagej.java import jc

    imp = jc.IJ.openImage(str(path))
    assert imp is not None
    image: Image = images.from_imageplus(imp)
    return image


def assert_same(found: Image, expected: Image) -> None:
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found.array, expected.array)
    assert found.rgb == expected.rgb
    assert found.name == expected.name
    ours, theirs = found.calibration, expected.calibration
    for field in ours.__dataclass_fields__:
        value, wanted = getattr(ours, field), getattr(theirs, field)
        assert value == (wanted if isinstance(wanted, str) else pytest.approx(wanted)), field
    assert (found.palette is None) == (expected.palette is None)
    if found.palette is not None:
        np.testing.assert_array_equal(found.palette, expected.palette)
    keys = ["mode", "info", "calibration_function"]
    if expected.n_planes * expected.shape[2] > 1:  # else ImageJ's stack has no label
        keys.append("slice_labels")
    for key in keys:
        assert found.metadata.get(key) == expected.metadata.get(key), key
    assert found.metadata.get("hyperstack", False) == expected.metadata["hyperstack"]
    if "display_ranges" in found.metadata:
        assert found.metadata["display_ranges"] == expected.metadata["display_ranges"]
    for ours_lut, lut in zip(
        found.metadata.get("luts", ()), expected.metadata.get("luts", ()), strict=False
    ):
        np.testing.assert_array_equal(ours_lut, lut)


def noise(dtype: Any, *shape: int) -> np.ndarray:
    values = np.random.default_rng(len(shape)).random(shape) * 250
    return values.astype(dtype)


LABELS = {"slice_labels": [f"plane {i}" for i in range(12)]}
RAMP = np.stack([np.arange(256), 255 - np.arange(256), np.zeros(256)], 1).astype(np.uint8)

SAVED: dict[str, Callable[[], Image]] = {
    "8-bit": lambda: Image.from_array(noise(np.uint8, 7, 9)),
    "16-bit": lambda: Image.from_array(noise(np.uint16, 7, 9) * 100),
    "32-bit": lambda: Image.from_array(noise(np.float32, 7, 9) - 100),
    "rgb": lambda: Image.from_array(noise(np.uint8, 7, 9, 3)),
    "rgb stack": lambda: replace(
        Image.from_array(noise(np.uint8, 4, 7, 9, 3), "ZYXC"), metadata={}
    ),
    "stack": lambda: Image.from_array(noise(np.uint16, 5, 7, 9), "ZYX"),
    "channels": lambda: Image.from_array(noise(np.uint8, 3, 7, 9), "CYX"),
    "hyperstack": lambda: replace(
        Image.from_array(noise(np.float32, 2, 3, 2, 7, 9)), metadata=LABELS
    ),
    "frames": lambda: Image.from_array(noise(np.uint8, 4, 7, 9), "TYX"),
    "lut": lambda: replace(
        Image.from_array(noise(np.uint8, 7, 9)),
        metadata={"luts": [RAMP], "display_ranges": [(10.0, 99.0)], "info": "a\u00b5\nb"},
    ),
    "palette": lambda: replace(Image.from_array(noise(np.uint8, 7, 9)), palette=glasbey()),
    "signed": lambda: replace(
        Image.from_array(noise(np.int16, 7, 9) - 100),
        metadata={"calibration_function": (0, (-32768.0, 1.0), "Gray Value")},
    ),
    "density": lambda: replace(
        Image.from_array(noise(np.uint8, 7, 9)),
        metadata={"calibration_function": (0, (2.0, 0.5), "OD\u00b2")},
    ),
}


@pytest.mark.parametrize("kind", SAVED)
@pytest.mark.parametrize("calibrated", [False, True])
def test_reads_what_imagej_saved_as_imagej_does(
    kind: str, calibrated: bool, tmp_path: Path, images: Any
) -> None:
    image = SAVED[kind]()
    if calibrated:
        image = replace(image, calibration=CALIBRATION)
    from tdseg.imagej.java import jc

    path = tmp_path / "saved.tif"
    imp = images.to_imageplus(image)
    jc.IJ.saveAsTiff(imp, str(path))
    found = read_image(path)
    assert_same(found, opened(path, images))
    np.testing.assert_array_equal(found.array, image.array)


FOREIGN: dict[str, Callable[[Path], Any]] = {
    "inch": lambda p: tifffile.imwrite(
        p, noise(np.uint8, 7, 9), resolution=(300, 300), resolutionunit=2
    ),
    "72 dpi": lambda p: tifffile.imwrite(
        p, noise(np.uint8, 7, 9), resolution=(72, 72), resolutionunit=2
    ),
    "cm": lambda p: tifffile.imwrite(
        p, noise(np.uint16, 7, 9), resolution=(20000, 10000), resolutionunit=3
    ),
    "signed 16-bit": lambda p: tifffile.imwrite(p, noise(np.int16, 7, 9) - 100),
    "pages": lambda p: tifffile.imwrite(
        p, noise(np.uint8, 4, 7, 9), photometric="minisblack", metadata=None
    ),
    "compressed": lambda p: tifffile.imwrite(p, noise(np.uint8, 7, 9), compression="zlib"),
    "white is zero": lambda p: tifffile.imwrite(p, noise(np.uint8, 7, 9), photometric="miniswhite"),
    "indexed": lambda p: tifffile.imwrite(
        p, noise(np.uint8, 7, 9), photometric="palette", colormap=glasbey().T.astype("u2") * 257
    ),
    "lzw": lambda p: Picture.fromarray(noise(np.uint8, 7, 9)).save(p, compression="tiff_lzw"),
    "lzw rgb": lambda p: Picture.fromarray(noise(np.uint8, 7, 9, 3)).save(
        p, compression="tiff_lzw"
    ),
    "one bit": lambda p: Picture.fromarray(noise(np.uint8, 7, 9) > 99).save(p),
    "rgb planar": lambda p: tifffile.imwrite(
        p, noise(np.uint8, 3, 7, 9), photometric="rgb", planarconfig="separate"
    ),
    "rgb 16-bit": lambda p: tifffile.imwrite(p, noise(np.uint16, 7, 9, 3), photometric="rgb"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_reads_other_tiffs_as_imagej_does(kind: str, tmp_path: Path, images: Any) -> None:
    path = tmp_path / "foreign.tif"
    FOREIGN[kind](path)
    found, expected = read_image(path), opened(path, images)
    assert found.shape == expected.shape
    np.testing.assert_array_equal(found.array, expected.array)
    assert found.rgb == expected.rgb
    assert (found.palette is None) == (expected.palette is None)
    assert found.calibration == expected.calibration
    assert found.metadata.get("calibration_function") == expected.metadata.get(
        "calibration_function"
    )


def indexed(transparent: bool) -> Picture.Image:
    picture = Picture.fromarray(noise(np.uint8, 7, 9) % 3).convert("P")
    picture.putpalette([10, 200, 30, 255, 0, 0, 0, 0, 255])
    if transparent:
        picture.info["transparency"] = 0
    return picture


PICTURES: dict[str, Callable[[Path], Any]] = {
    "grey.png": lambda p: Picture.fromarray(noise(np.uint8, 7, 9)).save(p),
    "deep.png": lambda p: Picture.fromarray(noise(np.uint16, 7, 9) * 200).save(p),
    "rgb.png": lambda p: Picture.fromarray(noise(np.uint8, 7, 9, 3)).save(p),
    "grey-rgb.png": lambda p: Picture.fromarray(noise(np.uint8, 7, 9)).convert("RGB").save(p),
    "opaque.png": lambda p: Picture.fromarray(noise(np.uint8, 7, 9, 3)).convert("RGBA").save(p),
    "indexed.png": lambda p: indexed(False).save(p, bits=8),
    "rgb.bmp": lambda p: Picture.fromarray(noise(np.uint8, 7, 9, 3)).save(p),
    "grey.bmp": lambda p: Picture.fromarray(noise(np.uint8, 7, 9)).save(p),
    "grey.jpg": lambda p: Picture.fromarray(np.full((8, 8), 77, np.uint8)).save(p),
    "grey-rgb.jpg": lambda p: Picture.fromarray(np.full((8, 8, 3), 77, np.uint8)).save(p),
    "rgb.jpg": lambda p: Picture.fromarray(np.full((8, 8, 3), (250, 10, 90), np.uint8)).save(p),
}


@pytest.mark.parametrize("name", PICTURES)
def test_reads_pictures_as_imagej_does(name: str, tmp_path: Path, images: Any) -> None:
    path = tmp_path / name
    PICTURES[name](path)
    found, expected = read_image(path), opened(path, images)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    assert found.rgb == expected.rgb
    # Two JPEG decoders may round differently; everything else is exact.
    tolerance = 2 if path.suffix == ".jpg" else 0
    np.testing.assert_allclose(found.array.astype(int), expected.array.astype(int), atol=tolerance)
    assert (found.palette is None) == (expected.palette is None)


def test_large_files_are_read_plane_by_plane(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    array = noise(np.uint16, 2, 3, 2, 7, 9)
    path = tmp_path / "large.tif"
    tifffile.imwrite(path, array, imagej=True, metadata={"axes": "TZCYX"})
    monkeypatch.setattr("tdseg.images.tiff_reading.COPY_LIMIT", 0)
    image = read_image(path)
    assert type(image.source).__name__ == "FileSource"
    assert image.source.read(1, 2, 1).dtype == np.uint16
    assert image.dtype == np.uint16
    np.testing.assert_array_equal(image.array, array)


def test_ome_pixel_sizes(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    array = noise(np.uint8, 2, 3, 7, 9)
    metadata = {
        "axes": "ZCYX",
        "PhysicalSizeX": 0.1,
        "PhysicalSizeY": 0.2,
        "PhysicalSizeZ": 0.5,
        "PhysicalSizeXUnit": "nm",
    }
    tifffile.imwrite(path, array, ome=True, photometric="minisblack", metadata=metadata)
    image = read_image(path)
    np.testing.assert_array_equal(image.array[0], array)
    assert image.calibration == Calibration(0.1, 0.2, 0.5, "nm")


def source_image(*shape: int) -> Image:
    return replace(Image.from_array(np.zeros(shape, np.uint8)), calibration=CALIBRATION)


@pytest.mark.parametrize("shape", [(1, 1, 7, 9), (1, 3, 7, 9), (2, 3, 7, 9), (4, 1, 7, 9)])
def test_imagej_opens_labels(shape: tuple[int, ...], tmp_path: Path, images: Any) -> None:
    labels = (noise(np.uint8, *shape) % 4).astype(np.uint8)
    path = tmp_path / "x-labels.tif"
    image = source_image(*shape[:2], 1, *shape[2:])
    assert write_labels(path, labels, image, {"classifier": "a", "seed": "0"})
    found = opened(path, images)
    np.testing.assert_array_equal(found.array[:, :, 0], labels)
    depth = 2.0 if shape[0] * shape[1] > 1 else found.calibration.pixel_depth
    assert found.calibration == replace(CALIBRATION, pixel_depth=depth)
    assert found.palette is None
    assert "classifier: a\nseed: 0\n" in found.metadata["info"]
    np.testing.assert_array_equal(found.metadata["luts"][0], glasbey())
    assert found.metadata["display_ranges"] == [(0.0, 255.0)]
    assert_same(read_image(path), found)


def test_imagej_opens_labels_above_255(tmp_path: Path, images: Any) -> None:
    labels = np.arange(63, dtype=np.uint16).reshape(1, 1, 7, 9) * 10
    path = tmp_path / "x-labels.tif"
    write_labels(path, labels, source_image(1, 1, 1, 7, 9), {})
    found = opened(path, images)
    np.testing.assert_array_equal(found.array[:, :, 0], labels)
    np.testing.assert_array_equal(found.metadata["luts"][0], glasbey())


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 3, 3), (1, 4, 1), (2, 1, 9)])
def test_imagej_opens_probabilities(shape: tuple[int, ...], tmp_path: Path, images: Any) -> None:
    values = noise(np.float32, *shape, 7, 9) / 250
    names = [f"class \u00b5{i}" for i in range(shape[2])]
    path = tmp_path / "x-probabilities.tif"
    write_probabilities(path, values, source_image(*shape[:2], 1, 7, 9), names, {"a": "b"})
    found = opened(path, images)
    np.testing.assert_array_equal(found.array, values)
    assert found.calibration == CALIBRATION
    assert found.metadata["slice_labels"] == names * (shape[0] * shape[1])
    assert set(found.metadata["display_ranges"]) == {(0.0, 1.0)}
    assert found.metadata.get("mode") == ("grayscale" if shape[2] > 1 else None)
    assert_same(read_image(path), found)


@pytest.mark.parametrize("shape", [(1, 1, 5), (2, 3, 5), (1, 1, 1)])
def test_imagej_opens_features(shape: tuple[int, ...], tmp_path: Path, images: Any) -> None:
    values = noise(np.float32, *shape, 7, 9) - 7
    names = [f"Gaussian_{i}.0" for i in range(shape[2])]
    path = tmp_path / "x-features.tif"
    write_features(path, values, source_image(*shape[:2], 1, 7, 9), names, {"a": "b"})
    found = opened(path, images)
    planes = found.array.swapaxes(1, 2) if shape[:2] == (1, 1) else found.array
    np.testing.assert_array_equal(planes, values)
    if shape[2] > 1:
        assert found.metadata["slice_labels"] == names * (shape[0] * shape[1])
    assert_same(read_image(path), found)


def test_existing_files(tmp_path: Path) -> None:
    path = tmp_path / "x-labels.tif"
    image = source_image(1, 1, 1, 7, 9)
    ones, twos = (np.full((1, 1, 7, 9), k, np.uint8) for k in (1, 2))
    assert write_labels(path, ones, image, {})
    with pytest.raises(TdsegError, match="x-labels"):
        write_labels(path, twos, image, {})
    assert not write_labels(path, twos, image, {}, existing="skip")
    assert read_image(path).array.max() == 1
    assert write_labels(path, twos, image, {}, existing="overwrite")
    assert read_image(path).array.max() == 2
    assert os.listdir(tmp_path) == ["x-labels.tif"]


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(writer: tifffile.TiffWriter, *arguments: Any, **options: Any) -> None:
        writer.filehandle.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tifffile.TiffWriter, "write", broken)
    labels = np.zeros((1, 1, 7, 9), np.uint8)
    with pytest.raises(TdsegError, match="No space left"):
        write_labels(tmp_path / "x.tif", labels, source_image(1, 1, 1, 7, 9), {})
    assert os.listdir(tmp_path) == []
    with pytest.raises(TdsegError, match="missing"):
        write_labels(tmp_path / "missing" / "x.tif", labels, source_image(1, 1, 1, 7, 9), {})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("none.tif", None),
        ("folder.tif", "folder"),
        ("empty.tif", b""),
        ("text.png", b"not an image at all"),
        ("broken.tif", b"II*\0\xff\xff\xff\x7f"),
        ("cut.tif", "cut"),
    ],
)
def test_unreadable_files_are_named(name: str, content: Any, tmp_path: Path) -> None:
    path = tmp_path / name
    if content == "folder":
        path.mkdir()
    elif content == "cut":
        tifffile.imwrite(path, noise(np.uint8, 70, 90))
        path.write_bytes(path.read_bytes()[:3000])
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(TdsegError, match=name) as caught:
        read_image(path)
    assert "\n" not in str(caught.value)
