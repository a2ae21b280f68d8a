"""Signed 16-bit numbers and bits mean the same from an array, a file, and an ImagePlus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

import tdseg
from tdseg.imagej.images import from_imageplus, to_imageplus
from tdseg.imagej.java import jc, to_numpy
from tdseg.images.image import Image
from tdseg.images.image_files import read_image

pytestmark = pytest.mark.usefixtures("ij")

SIGNED = np.array([[-32768, -300, -1], [0, 1, 32767]], np.int16)
BITS = np.array([[True, False, True], [False, False, True]])


def routes(array: np.ndarray, folder: Path, **options: Any) -> dict[str, Image]:
    path = folder / "numbers.tif"
    tifffile.imwrite(path, array, photometric="minisblack", metadata=None, **options)
    imp = jc.IJ.openImage(str(path))
    saved = folder / "saved.tif"
    jc.IJ.saveAsTiff(imp, str(saved))
    return {
        "array": Image.from_array(array),
        "file": read_image(path),
        "image": from_imageplus(imp),
        "on demand": from_imageplus(imp, copy=False),
        "saved by ImageJ": read_image(saved),
    }


def test_signed_numbers_are_themselves_on_every_route(tmp_path: Path) -> None:
    for name, image in routes(SIGNED, tmp_path).items():
        assert image.dtype == np.float32, name
        np.testing.assert_array_equal(image.array[0, 0, 0], SIGNED, name)


def test_bits_are_masks_on_every_route(tmp_path: Path) -> None:
    for name, image in routes(BITS, tmp_path).items():
        assert image.dtype == np.uint8, name
        np.testing.assert_array_equal(image.array[0, 0, 0], BITS * 255, name)


def test_signed_numbers_go_back_to_imagej_as_they_came(tmp_path: Path) -> None:
    for name, image in routes(SIGNED, tmp_path).items():
        imp = to_imageplus(image)
        if name == "array":
            assert imp.getBitDepth() == 32
            continue
        assert imp.getBitDepth() == 16
        assert imp.getCalibration().isSigned16Bit()
        values = [[imp.getProcessor().getf(x, y) for x in range(3)] for y in range(2)]
        np.testing.assert_array_equal(np.array(values) - 32768, SIGNED)
        assert imp.getCalibration().getCValue(0.0) == -32768


def test_numbers_that_are_no_longer_whole_go_back_as_float(tmp_path: Path) -> None:
    from dataclasses import replace

    from tdseg.images.image import ArraySource

    image = routes(SIGNED, tmp_path)["file"]
    half = replace(image, source=ArraySource(image.array / 2))
    imp = to_imageplus(half)
    np.testing.assert_array_equal(
        to_numpy(imp.getProcessor().getPixels()).reshape(2, 3), SIGNED / 2
    )
    assert imp.getCalibration().getCValue(7.0) == 7.0


def test_a_classifier_of_an_array_finds_the_same_in_file_and_image(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    array = rng.normal(-500, 60, (40, 40)).astype(np.int16)
    array[:, 20:] += 400
    labels = np.zeros((40, 40), np.int16)
    labels[3:9, 3:9], labels[3:9, 30:36] = 1, 2
    tifffile.imwrite(tmp_path / "labels.tif", labels)
    read = read_image(tmp_path / "labels.tif").array[:, :, 0]
    assert np.unique(read).tolist() == [0, 1, 2]
    settings = tdseg.Settings(features="classical", trees=5, held_out=False)
    model = tdseg.train([(array, read[0])], settings)
    found = [tdseg.apply(model, image).labels for image in routes(array, tmp_path).values()]
    assert (found[0][0, 0, :, :15] == 1).all()
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])
