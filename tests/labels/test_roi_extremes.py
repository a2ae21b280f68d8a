"""ROIs far larger than their image, or nowhere: ImageJ's pixels or a sentence, in little memory."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tdseg import TdsegError, imagej
from tdseg.labels.roi_files import labels_from_roi_file

WIDTH, HEIGHT = 64, 48
MOST_MEMORY = 50e6  # bytes; a mask of a 20,000 px oval alone has 400e6


@pytest.fixture(scope="module")
def java() -> Any:
    """Java classes of an ImageJ that is started for it."""
    imagej.start()
    from tdseg.imagej.java import jc

    return jc


@contextmanager
def little_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()


def encoded(roi: Any) -> bytes:
    from tdseg.imagej.java import jc, to_numpy

    roi.setName("odd one")
    roi.setGroup(1)
    return to_numpy(jc.RoiEncoder.saveAsByteArray(roi)).tobytes()


def labelled(data: bytes, folder: Path) -> np.ndarray:
    """Return the pixels (Y, X) that become labels."""
    path = folder / "odd.roi"
    path.write_bytes(data)
    with little_memory():
        return labels_from_roi_file(path, (1, 1, HEIGHT, WIDTH)).to_label_image()[0, 0] > 0


def polyline(java: Any, width: float, *corners: tuple[float, float]) -> Any:
    from tdseg.imagej.java import to_java

    x, y = (to_java(np.array(v, np.float32)) for v in zip(*corners, strict=True))
    roi = java.PolygonRoi(x, y, len(corners), java.Roi.POLYLINE)
    roi.setStrokeWidth(width)
    return roi


def straight_line(java: Any, width: float, *ends: float) -> Any:
    roi = java.Line(*ends)
    roi.setStrokeWidth(width)
    return roi


LARGE = {
    # its edge crosses the image from corner to corner
    "oval of 3,000 pixels": lambda jc: jc.OvalRoi(-407, -415, 3000, 3000),
    "line 30,000 wide": lambda jc: straight_line(jc, 30_000, 10.0, 20.0, 50.0, 24.0),
    "polyline 900 wide": lambda jc: polyline(jc, 900, (-310, -305), (-300, -305), (-300, -315)),
    "rectangle of 30,000 pixels": lambda jc: jc.Roi(-20_000, 7, 20_030, 9),
}


@pytest.mark.parametrize("kind", LARGE)
def test_large_rois_are_imagejs(kind: str, java: Any, tmp_path: Path) -> None:
    from tdseg.imagej.java import to_numpy
    from tdseg.imagej.rois import drawable

    roi = LARGE[kind](java)
    found = labelled(encoded(drawable(roi, WIDTH, HEIGHT)), tmp_path)
    mask = java.ByteProcessor(WIDTH, HEIGHT)
    mask.setValue(255)
    mask.fill(roi)
    np.testing.assert_array_equal(found, to_numpy(mask.getPixels()).reshape(HEIGHT, WIDTH) > 0)
    assert 0 < found.sum() < found.size


# kind -> how to make it, centres of the discs that it consists of, their radius
LARGER = {
    "oval of 20,000 pixels": (
        lambda jc: jc.OvalRoi(-2897, -2905, 20_000, 20_000),
        [(7103, 7095)],
        10_000,
    ),
    "polyline 30,000 wide": (
        lambda jc: polyline(jc, 30_000, (20, -14_980), (22, -14_978)),
        [(20, -14_980), (22, -14_978)],
        15_000,
    ),
}


@pytest.mark.parametrize("kind", LARGER)
def test_larger_rois_than_imagej_draws_in_time(kind: str, java: Any, tmp_path: Path) -> None:
    """By the distance from centres, but for pixels at the very edge."""
    make, centres, radius = LARGER[kind]
    found = labelled(encoded(make(java)), tmp_path)
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    distance = np.min([np.hypot(x - cx, y - cy) for cx, cy in centres], axis=0)
    sure = np.abs(distance - radius) > 1.5
    np.testing.assert_array_equal(found[sure], (distance < radius)[sure])
    assert 0 < found.sum() < found.size


def ring(java: Any) -> Any:
    return java.ShapeRoi(java.Roi(2, 2, 9, 9)).xor(java.ShapeRoi(java.Roi(4, 4, 2, 2)))


# kind -> how to make it, and where its encoding has a coordinate in single precision
NUMBERS = {
    "polygon": (lambda jc: jc.PolygonRoi(polyline(jc, 0, *CORNERS).getFloatPolygon(), 2), 64 + 12),
    "polyline": (lambda jc: polyline(jc, 3, *CORNERS), 64 + 12),
    "points": (lambda jc: jc.PointRoi(polyline(jc, 0, *CORNERS).getFloatPolygon()), 64 + 12),
    "rectangle": (lambda jc: jc.Roi(3.5, 4.5, 10.5, 6.5), 18),
    "oval": (lambda jc: jc.OvalRoi(3.5, 4.5, 10.5, 6.5), 26),
    "straight line": (lambda jc: jc.Line(3.0, 4.0, 20.0, 16.0), 30),
    "ellipse": (lambda jc: jc.EllipseRoi(3.0, 4.0, 20.0, 16.0, 0.5), 22),
    "rotated rectangle": (lambda jc: jc.RotatedRectRoi(3.0, 4.0, 20.0, 16.0, 5.0), 64 + 20),
    "composite": (
        lambda jc: jc.ShapeRoi(jc.Roi(2, 2, 9, 9)).xor(jc.ShapeRoi(jc.Roi(4, 4, 2, 2))),
        68,
    ),
}
CORNERS = [(3.25, 4.5), (20.5, 6.0), (9.5, 22.25)]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e9, -1e9])
@pytest.mark.parametrize("kind", NUMBERS)
def test_what_is_nowhere_is_refused(kind: str, number: float, java: Any, tmp_path: Path) -> None:
    make, offset = NUMBERS[kind]
    data = bytearray(encoded(make(java)))
    assert labelled(bytes(data), tmp_path).any()
    struct.pack_into(">f", data, offset, number)
    with pytest.raises(TdsegError, match=r"'odd one' has (coordinates that are no|a coordinate)"):
        labelled(bytes(data), tmp_path)


def test_a_width_beyond_all_images_is_refused(java: Any, tmp_path: Path) -> None:
    with pytest.raises(TdsegError, match="'odd one' is a line 13218248 pixels wide"):
        labelled(encoded(polyline(java, 13_218_248, *CORNERS)), tmp_path)
