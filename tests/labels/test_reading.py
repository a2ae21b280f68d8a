"""`tdseg.read_labels`: the content of a file says what it is; label images stand for themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture
from roifile import ROI_TYPE, ImagejRoi

import tdseg
from tdseg import TdsegError
from tdseg.labels.label_images import labels_from_image

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 16)).astype(np.uint8)
LABELS = np.zeros((12, 16), np.uint8)
LABELS[1:3, 2:6], LABELS[8, 8] = 1, 2


def overlay() -> list[bytes]:
    roi = ImagejRoi(roitype=ROI_TYPE.RECT, top=1, left=2, bottom=3, right=6, group=1, version=228)
    return [roi.tobytes()]


def write(path: Path, array: np.ndarray, **metadata: Any) -> Path:
    if path.suffix == ".png":
        Picture.fromarray(array).save(path)
    else:
        tifffile.imwrite(
            path, array, imagej=array.dtype not in (np.int16, np.bool_), metadata=metadata or None
        )
    return path


def test_overlay_roi_and_label_images_give_the_same(tmp_path: Path) -> None:
    own = write(tmp_path / "cells.tif", PIXELS, Overlays=overlay())
    image = tdseg.read_image(own)
    (tmp_path / "one.roi").write_bytes(overlay()[0])
    found = [
        tdseg.read_labels(own, image, ["cell"]),
        tdseg.read_labels(tmp_path / "one.roi", image),
    ]
    for labels in found:
        np.testing.assert_array_equal(labels.to_label_image()[0, 0], LABELS == 1)
    assert found[0].class_names == {1: "cell"}
    for name, dtype in (("l.tif", np.uint8), ("l.png", np.uint8), ("l16.tif", np.int16)):
        path = write(tmp_path / name, LABELS.astype(dtype))
        labels = tdseg.read_labels(path, image)
        assert labels.values == (1, 2)
        np.testing.assert_array_equal(labels.to_label_image()[0, 0], LABELS)


def test_what_could_be_read_in_two_ways_is_asked(tmp_path: Path) -> None:
    image = tdseg.Image.from_array(PIXELS, name="cells")
    path = write(tmp_path / "both.tif", LABELS, Overlays=overlay())
    with pytest.raises(TdsegError, match="kind='rois' or kind='image'"):
        tdseg.read_labels(path, image)
    assert tdseg.read_labels(path, image, kind="rois").values == (1,)
    assert tdseg.read_labels(path, image, kind="image").values == (1, 2)
    with pytest.raises(TdsegError, match="the pixels of image 'cells' and no overlay"):
        tdseg.read_labels(write(tmp_path / "plain.tif", PIXELS), image)
    with pytest.raises(TdsegError, match="different values, as a picture"):
        tdseg.read_labels(write(tmp_path / "photo.tif", PIXELS[::-1].copy()), image)


@pytest.mark.parametrize(
    ("labels", "axes", "message"),
    [
        (np.where(LABELS > 1, np.nan, LABELS).astype(np.float32), "YX", "1 pixels that are NaN"),
        (np.full((12, 16), 0.5, np.float32), "YX", "has fractions"),
        (LABELS - 3.0 * (LABELS > 1), "YX", "negative values"),
        (np.stack([LABELS] * 5), "ZYX", "5 slices and 1 frames.*1 slices and 5 frames; exchange"),
        (np.zeros((5, 12, 16), np.uint8), "TYX", "is empty"),
        (LABELS[1:], "YX", "is 16x11 pixels, image 'img' 16x12"),
    ],
)
def test_label_images_say_what_is_wrong(labels: np.ndarray, axes: str, message: str) -> None:
    pixels = np.stack([PIXELS] * 5) if len(axes) == 3 else PIXELS
    image = tdseg.Image.from_array(pixels, "TYX" if len(axes) == 3 else "YX", name="img")
    with pytest.raises(TdsegError, match=f"Label image 'lbl'.*{message}"):
        labels_from_image(tdseg.Image.from_array(labels, axes, name="lbl"), image)


@pytest.mark.parametrize("bits", [False, True])
def test_a_mask_is_one_class_and_that_is_said(bits: bool, tmp_path: Path) -> None:
    """One-bit TIFFs and ImageJ's binary images hold 0 and 255."""
    image = tdseg.Image.from_array(PIXELS)
    mask = LABELS > 0
    path = write(tmp_path / "mask.tif", mask if bits else mask * np.uint8(255))
    notes: list[str] = []
    found = tdseg.read_labels(path, image, kind="image", note=notes.append)
    assert found.values == (255,)
    assert len(found) == mask.sum()
    (note,) = notes
    assert "'mask.tif' is a mask" in note
    assert "use 1 and 2" in note
    assert tdseg.read_labels(path, image, {255: "cell"}, kind="image").class_names == {255: "cell"}
    tdseg.read_labels(path, image, {255: "cell"}, kind="image", note=notes.append)
    assert len(notes) == 1
    assert tdseg.SparseLabels.from_label_image(mask).values == (1,)
