"""ROIs from files: the same pixels and classes as ImageJ's."""

from __future__ import annotations

import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jpype
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from roifile import ROI_SUBTYPE, ROI_TYPE, ImagejRoi

from tdseg import TdsegError, imagej
from tdseg.labels.rasterize import roi_pixels
from tdseg.labels.roi_files import labels_from_roi_file
from tdseg.labels.roi_format import decode_roi
from tdseg.labels.sparse_labels import SparseLabels

sys.path.insert(0, str(Path(__file__).parents[1] / "imagej"))  # for imagej_labels

WIDTH, HEIGHT = 40, 32
MANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def java() -> Any:
    """Java classes of an ImageJ that is started for it."""
    imagej.start()
    from tdseg.imagej.java import jc

    return jc


def filled_by_imagej(data: bytes) -> np.ndarray:
    from tdseg.imagej.java import jc, to_java, to_numpy

    roi = jc.RoiDecoder(to_java(np.frombuffer(data, np.uint8)), "roi").getRoi()
    mask = jc.ByteProcessor(WIDTH, HEIGHT)
    mask.setValue(255)
    mask.fill(roi)
    return to_numpy(mask.getPixels()).reshape(HEIGHT, WIDTH) > 0


def encoded(roi: Any) -> bytes:
    from tdseg.imagej.java import jc, to_numpy

    return to_numpy(jc.RoiEncoder.saveAsByteArray(roi)).tobytes()


def decoded_rois(path: Path, java: Any) -> list[Any]:
    """Return the ROIs of a file as ImageJ reads them; it names a nameless one after its entry."""
    from tdseg.imagej.java import to_java

    with zipfile.ZipFile(path) as archive:
        found = [(n.removesuffix(".roi"), archive.read(n)) for n in archive.namelist()]
    return [
        java.RoiDecoder(to_java(np.frombuffer(data, np.uint8)), name).getRoi()
        for name, data in found
    ]


def filled_by_us(data: bytes) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    y, x = roi_pixels(decode_roi(data).shape, WIDTH, HEIGHT)
    mask[y, x] = True
    assert mask.sum() == len(y)
    return mask


def assert_same_pixels(roi: Any) -> None:
    data = encoded(roi)
    np.testing.assert_array_equal(filled_by_us(data), filled_by_imagej(data))


whole = st.integers(-12, 50)
quarter = st.integers(-48, 200).map(lambda v: v / 4)
fraction = st.floats(-12, 50, width=32).map(lambda v: round(v, 3)) | quarter
size = st.integers(1, 40)
extent = st.floats(0.125, 40, width=32)
stroke = st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 2.4, 2.5, 3.0, 4.0, 5.0, 7.3, 10.0, 11.0])


def points(number: Any, least: int, most: int = 9) -> Any:
    return st.lists(st.tuples(number, number), min_size=least, max_size=most)


def ints(values: list[tuple[int, int]], k: int) -> Any:
    from tdseg.imagej.java import to_java

    return to_java(np.array([v[k] for v in values], np.int32))


def floats(values: list[tuple[float, float]], k: int) -> Any:
    from tdseg.imagej.java import to_java

    return to_java(np.array([v[k] for v in values], np.float32))


@MANY
@given(whole, whole, size, size)
def test_rectangles_and_ovals(java: Any, x: int, y: int, w: int, h: int) -> None:
    assert_same_pixels(java.Roi(x, y, w, h))
    assert_same_pixels(java.OvalRoi(x, y, w, h))


@MANY
@given(fraction, fraction, extent, extent)
def test_rectangles_and_ovals_with_fractions(
    java: Any, x: float, y: float, w: float, h: float
) -> None:
    assert_same_pixels(java.Roi(float(x), float(y), float(w), float(h)))
    assert_same_pixels(java.OvalRoi(float(x), float(y), float(w), float(h)))


@MANY
@given(points(whole, 3), st.sampled_from(["POLYGON", "FREEROI", "TRACED_ROI"]))
def test_areas(java: Any, corners: list[tuple[int, int]], kind: str) -> None:
    of_kind = getattr(java.Roi, kind)
    assert_same_pixels(java.PolygonRoi(ints(corners, 0), ints(corners, 1), len(corners), of_kind))


@MANY
@given(points(fraction, 3), st.sampled_from(["POLYGON", "FREEROI"]))
def test_areas_with_fractions(java: Any, corners: list[tuple[float, float]], kind: str) -> None:
    of_kind = getattr(java.Roi, kind)
    assert_same_pixels(
        java.PolygonRoi(floats(corners, 0), floats(corners, 1), len(corners), of_kind)
    )


@MANY
@given(fraction, fraction, fraction, fraction, st.floats(0.0, 1.0), extent)
def test_ellipses_and_rotated_rectangles(
    java: Any, x1: float, y1: float, x2: float, y2: float, ratio: float, width: float
) -> None:
    ends = tuple(float(v) for v in (x1, y1, x2, y2))
    assert_same_pixels(java.EllipseRoi(*ends, ratio))
    if (x1, y1) != (x2, y2):
        assert_same_pixels(java.RotatedRectRoi(*ends, float(width)))
        # Older files have them as freehand, with ends and width only.
        data = bytearray(encoded(java.RotatedRectRoi(*ends, float(width))))
        data[6] = ROI_TYPE.FREEHAND
        data[18:34] = struct.pack(">4f", *ends)
        data[52:56] = struct.pack(">f", width)
        np.testing.assert_array_equal(filled_by_us(bytes(data)), filled_by_imagej(bytes(data)))


@MANY
@given(points(whole, 4, 4), points(whole, 3, 6), st.sampled_from(["or", "xor", "not", "and"]))
def test_composites(
    java: Any, first: list[tuple[int, int]], second: list[tuple[int, int]], how: str
) -> None:
    shapes = [
        java.ShapeRoi(java.PolygonRoi(ints(c, 0), ints(c, 1), len(c), java.Roi.POLYGON))
        for c in (first, second)
    ]
    names = {"or": "or_", "not": "not_", "and": "and_"}
    method = getattr(shapes[0], names.get(how, how), None) or getattr(shapes[0], how)
    combined = method(shapes[1])
    if int(combined.getBounds().width) and int(combined.getBounds().height):
        assert_same_pixels(combined)


@MANY
@given(fraction, fraction, fraction, fraction, stroke)
def test_straight_lines(
    java: Any, x1: float, y1: float, x2: float, y2: float, width: float
) -> None:
    line = java.Line(float(x1), float(y1), float(x2), float(y2))
    line.setStrokeWidth(float(width))
    assert_same_pixels(line)


@MANY
@given(points(whole, 2), stroke, st.sampled_from(["POLYLINE", "FREELINE"]))
def test_lines(java: Any, corners: list[tuple[int, int]], width: float, kind: str) -> None:
    of_kind = getattr(java.Roi, kind)
    line = java.PolygonRoi(ints(corners, 0), ints(corners, 1), len(corners), of_kind)
    line.setStrokeWidth(float(width))
    assert_same_pixels(line)


@MANY
@given(points(fraction, 2), stroke)
def test_lines_with_fractions(java: Any, corners: list[tuple[float, float]], width: float) -> None:
    xs, ys = floats(corners, 0), floats(corners, 1)
    line = java.PolygonRoi(xs, ys, len(corners), java.Roi.POLYLINE)
    line.setStrokeWidth(float(width))
    assert_same_pixels(line)


@MANY
@given(points(fraction, 1))
def test_points(java: Any, places: list[tuple[float, float]]) -> None:
    assert_same_pixels(java.PointRoi(floats(places, 0), floats(places, 1), len(places)))


def test_some_points_of_many() -> None:
    roi = ImagejRoi.frompoints(np.array([[1.0, 2.0], [5.25, 6.5], [9.0, 3.0]], np.float32))
    roi.roitype = ROI_TYPE.POINT
    y, x = roi_pixels(decode_roi(roi.tobytes()).shape, WIDTH, HEIGHT, (1, 2))
    assert sorted(zip(x.tolist(), y.tolist(), strict=True)) == [(5, 7), (9, 3)]


def test_points_outside_are_counted(tmp_path: Path) -> None:
    rois = [
        multipoint([(3, 4), (WIDTH, 6), (7, 8)], [0, 0, 0], [0, 0, 0]),
        multipoint([(0, 0), (WIDTH - 1, HEIGHT - 1)], [0, 0], [0, 0]),
        multipoint([(9, HEIGHT), (-1, 3), (9, 9)], [0, 0, 0], [1, 1, 1]),
    ]
    for k, roi in enumerate(rois, start=1):
        roi.name, roi.group = f"points {k}", 1
    notes: list[str] = []
    path = write_zip(tmp_path / "RoiSet.zip", rois)
    found = labels_from_roi_file(path, (1, 1, HEIGHT, WIDTH), note=notes.append)
    assert len(found) == 5
    assert notes == [
        "Image 'RoiSet.zip': 3 points outside the image were left out (first of ROI 'points 1')."
    ]


@pytest.mark.parametrize("kind", ["spline", "rounded rectangle", "composite with curves"])
def test_what_only_imagej_can_draw_is_refused(java: Any, kind: str, tmp_path: Path) -> None:
    corners = [(2, 3), (20, 5), (12, 25)]
    if kind == "spline":
        roi = java.PolygonRoi(ints(corners, 0), ints(corners, 1), 3, java.Roi.POLYGON)
        roi.fitSpline(40)
    elif kind == "rounded rectangle":
        roi = java.Roi(3, 4, 20, 15)
        roi.setCornerDiameter(8)
    else:
        ellipse = jpype.JClass("java.awt.geom.Ellipse2D$Double")
        roi = java.ShapeRoi(ellipse(3.0, 4.0, 20.0, 15.0))
    roi.setName("odd one")
    roi.setGroup(1)
    path = tmp_path / "odd.roi"
    path.write_bytes(encoded(roi))
    with pytest.raises(TdsegError, match=f"'odd one' is a {kind}.*tdseg run"):
        labels_from_roi_file(path, (1, 1, HEIGHT, WIDTH))


def rectangle(
    left: int, top: int, right: int, bottom: int, group: int = 1, **fields: Any
) -> ImagejRoi:
    return ImagejRoi(
        roitype=ROI_TYPE.RECT,
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        group=group,
        version=228,
        **fields,
    )


def multipoint(places: list[tuple[int, int]], counters: list[int], slices: list[int]) -> ImagejRoi:
    roi = ImagejRoi.frompoints(np.array(places))
    roi.roitype = ROI_TYPE.POINT
    roi.counters = np.array(counters, np.uint8)
    roi.counter_positions = np.array(slices, np.uint32)
    return roi


def write_zip(path: Path, rois: list[ImagejRoi]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for index, roi in enumerate(rois):
            archive.writestr(f"{roi.name or index}.roi", roi.tobytes())
    return path


def label_set(labels: SparseLabels) -> set[tuple[int, int, int, int]]:
    columns = (labels.plane, labels.y, labels.x, labels.value)
    return set(zip(*(c.tolist() for c in columns), strict=True))


ROIS: dict[str, Callable[[], list[ImagejRoi]]] = {
    "groups": lambda: [
        rectangle(1, 1, 5, 4, 2, name="nucleus-01"),
        rectangle(8, 1, 12, 4, 5, name="membrane-01"),
        rectangle(20, 20, 22, 22, 0, name="no class"),
    ],
    "overlapping": lambda: [rectangle(1, 1, 9, 9, 1), rectangle(5, 5, 12, 12, 2)],
    "stack positions": lambda: [
        rectangle(1, 1, 4, 4, 1, position=4),
        rectangle(5, 1, 9, 4, 2, z_position=2, t_position=1),
        rectangle(9, 9, 12, 12, 3, t_position=2),
        rectangle(20, 9, 22, 12, 1),
    ],
    "points": lambda: [multipoint([(3, 4), (5, 6), (7, 8)], [0, 1, 0], [1, 4, 6])],
    "scale bar": lambda: [
        rectangle(1, 1, 5, 4),
        rectangle(2, 20, 30, 24, 0, subtype=ROI_SUBTYPE.TEXT, text="5 um", name="bar"),
    ],
    "colours": lambda: [
        rectangle(1, 1, 5, 4, 0, stroke_color=b"\xff\xff\x00\x00"),
        rectangle(7, 1, 9, 4, 0, fill_color=b"\x80\x00\xff\x00"),
        rectangle(11, 1, 13, 4, 3),
    ],
}


@pytest.mark.parametrize("kind", ROIS)
@pytest.mark.parametrize("shape", [(1, 1, HEIGHT, WIDTH), (2, 3, HEIGHT, WIDTH)])
@pytest.mark.parametrize("class_from", ["group", "name", "color", "counter"])
@pytest.mark.parametrize("unpositioned", ["current", "all"])
def test_same_labels_as_by_imagej(
    kind: str, shape: Any, class_from: str, unpositioned: str, java: Any, tmp_path: Path
) -> None:
    from imagej_labels import labels_by_imagej

    from tdseg.imagej.group_colours import group_lut

    path = write_zip(tmp_path / "RoiSet.zip", ROIS[kind]())
    stack = java.ImageStack(WIDTH, HEIGHT)
    for _ in range(shape[0] * shape[1]):
        stack.addSlice(java.ByteProcessor(WIDTH, HEIGHT))
    imp = java.ImagePlus("RoiSet.zip", stack)
    imp.setDimensions(1, shape[1], shape[0])
    group_lut()
    results: list[Any] = []
    for route in (
        lambda note: labels_from_roi_file(
            path, shape, class_from=class_from, unpositioned=unpositioned, note=note
        ),
        lambda note: labels_by_imagej(
            decoded_rois(path, java),
            imp,
            note,
            class_from=class_from,
            unpositioned=unpositioned,
            source=f"file '{path}'",
        ),
    ):
        notes: list[str] = []
        try:
            found = route(notes.append)
            results.append((label_set(found), dict(found.class_names), found.group.tolist(), notes))
        except TdsegError as error:
            results.append(str(error))
    assert results[0] == results[1]


def test_tiff_overlay(tmp_path: Path) -> None:
    path = tmp_path / "image.tif"
    rois = [rectangle(1, 1, 5, 4, 2, name="cell-01", position=5), rectangle(7, 1, 9, 4, 0)]
    tifffile.imwrite(
        path,
        np.zeros((3, 2, HEIGHT, WIDTH), np.uint8),
        imagej=True,
        metadata={"axes": "ZCYX", "Overlays": [roi.tobytes() for roi in rois]},
    )
    labels = labels_from_roi_file(path, (1, 3, HEIGHT, WIDTH))
    expected = {(2, y, x, 2) for y in range(1, 4) for x in range(1, 5)}
    assert label_set(labels) == expected  # stack index 5 of 2 channels is slice 3
    assert labels.class_names == {2: "cell"}


def test_tiff_selection(tmp_path: Path) -> None:
    path = tmp_path / "image.tif"
    tifffile.imwrite(
        path,
        np.zeros((HEIGHT, WIDTH), np.uint8),
        imagej=True,
        metadata={"ROI": rectangle(1, 1, 5, 4, 2).tobytes()},
    )
    assert len(labels_from_roi_file(path, (1, 1, HEIGHT, WIDTH))) == 12


def test_names_of_roi_files(tmp_path: Path) -> None:
    path = tmp_path / "cell-07.roi"
    path.write_bytes(rectangle(1, 1, 5, 4, 0).tobytes())
    labels = labels_from_roi_file(
        path, (1, 1, HEIGHT, WIDTH), class_from="name", class_names={4: "cell"}
    )
    assert labels.values == (4,)


def test_overlap_and_unpositioned_errors(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", ROIS["overlapping"]())
    with pytest.raises(TdsegError, match="overlap"):
        labels_from_roi_file(path, (1, 1, HEIGHT, WIDTH), overlap="error")
    with pytest.raises(TdsegError, match="position"):
        labels_from_roi_file(path, (1, 2, HEIGHT, WIDTH), unpositioned="error")
    notes: list[str] = []
    labels = labels_from_roi_file(path, (1, 1, HEIGHT, WIDTH), note=notes.append)
    assert (labels.value[(labels.y == 6) & (labels.x == 6)] == 2).all()
    assert "16 pixels" in notes[0]


@pytest.mark.parametrize(
    ("rois", "message"),
    [
        ([rectangle(50, 1, 60, 4, 1, name="far")], "'far'"),
        ([rectangle(1, 1, 5, 4, 3, subtype=ROI_SUBTYPE.TEXT, text="x", name="bar")], "'bar'.*text"),
        ([rectangle(1, 1, 5, 4, 0)], "no labels"),
        ([], "no ROI"),
    ],
)
def test_rois_that_cannot_be_labels(rois: list[ImagejRoi], message: str, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "RoiSet.zip", rois)
    with pytest.raises(TdsegError, match=message):
        labels_from_roi_file(path, (1, 1, HEIGHT, WIDTH))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("none.zip", None),
        ("folder.roi", "folder"),
        ("text.zip", b"no archive"),
        ("text.roi", b"Iout"),
        ("text.csv", b"1,2"),
        ("plain.tif", "tiff"),
    ],
)
def test_unreadable_files_are_named(name: str, content: Any, tmp_path: Path) -> None:
    path = tmp_path / name
    if content == "folder":
        path.mkdir()
    elif content == "tiff":
        tifffile.imwrite(path, np.zeros((4, 4), np.uint8))
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(TdsegError, match=name) as caught:
        labels_from_roi_file(path, (1, 1, HEIGHT, WIDTH))
    assert "\n" not in str(caught.value)
