"""Pixels of ROIs, by their bytes: against ImageJ's ``fill``, its macro command, and counts."""

from __future__ import annotations

import numpy as np
import pytest

from tdseg.commands.request import Request
from tdseg.commands.selection import area_mask
from tdseg.commands.table import BY_NAME
from tdseg.errors import TdsegError
from tdseg.imagej.host import host_image
from tdseg.imagej.java import jc, to_java, to_numpy
from tdseg.imagej.rois import drawable, encoded, group_names, set_group_names
from tdseg.labels.rasterize import roi_pixels
from tdseg.labels.roi_files import check_label, read_roi
from tdseg.runtime.progress import Silent
from tdseg.workflow.session import Session

pytestmark = pytest.mark.usefixtures("ij")

SIZE = 40


def ints(*values):
    return to_java(np.asarray(values, np.int32))


def floats(*values):
    return to_java(np.asarray(values, np.float32))


def line(width, x1=5, y1=5, x2=14, y2=5):
    roi = jc.Line(x1, y1, x2, y2)
    roi.setStrokeWidth(width)
    return roi


def polyline(kind, width, *points):
    xs, ys = zip(*points, strict=True)
    roi = jc.PolygonRoi(ints(*xs), ints(*ys), len(xs), kind)
    roi.setStrokeWidth(width)
    return roi


ZIGZAG = [(5 + 2 * i, 10 + 2 * (i % 2)) for i in range(10)]
BENT = [(5, 5), (15, 5), (15, 13)]


# name -> (ROI, number of pixels by hand or from the table of facts; None: only compared)
ROIS = {
    "rectangle": (lambda: jc.Roi(3, 4, 10, 6), 60),
    "rectangle off two edges": (lambda: jc.Roi(-3, -4, 10, 6), 14),
    "rectangle to the last row": (lambda: jc.Roi(30, 30, 10, 10), 100),
    "rectangle off the far edges": (lambda: jc.Roi(35, 38, 10, 10), 10),
    "rounded rectangle": (lambda: jc.Roi(3, 4, 20, 16, 8), None),
    "oval": (lambda: jc.OvalRoi(10, 10, 4, 4), 12),
    "oval off the edge": (lambda: jc.OvalRoi(-10, -10, 30, 30), None),
    "triangle": (lambda: polyline(2, 0, (5, 5), (15, 5), (5, 15)), None),
    "square polygon": (lambda: polyline(2, 0, (5, 5), (15, 5), (15, 15), (5, 15)), 100),
    "polygon off the top left": (lambda: polyline(2, 0, (-9, -9), (9, -9), (9, 9), (-9, 9)), 81),
    "freehand": (lambda: polyline(3, 0, (5, 5), (15, 5), (18, 12), (5, 15)), None),
    "traced": (lambda: polyline(4, 0, (5, 5), (9, 5), (9, 9), (5, 9)), 16),
    "sub-pixel polygon": (
        lambda: jc.PolygonRoi(floats(5.3, 15.6, 9.9), floats(5.2, 6.1, 18.7), 3, 2),
        None,
    ),
    "rotated rectangle": (lambda: jc.RotatedRectRoi(10, 10, 25, 20, 8), None),
    "ellipse": (lambda: jc.EllipseRoi(5, 5, 30, 25, 0.4), None),
    "ring": (lambda: ring(), 84),
    "line of width 0": (lambda: line(0), 10),
    "line of width 1": (lambda: line(1), 10),
    "line of width 5": (lambda: line(5), 50),
    "line leaving the image": (lambda: line(1, 35, 5, 60, 5), 5),
    "wide line along the edge": (lambda: line(5, 0, 0, 0, 39), None),
    "freeline of width 0": (lambda: polyline(7, 0, *ZIGZAG), None),
    "freeline of width 5": (lambda: polyline(7, 5, *ZIGZAG), None),
    "polyline of width 1": (lambda: polyline(6, 1, *BENT), 19),
    "polyline of width 4": (lambda: polyline(6, 4, *BENT), 83),
    "polyline off the edge": (lambda: polyline(6, 7, (-5, 3), (20, 38), (50, 39)), None),
    "spline": (lambda: spline(), None),
    "points": (lambda: jc.PointRoi(floats(3, 5, 5, 50), floats(3, 5, 5, 2), 4), 2),
    "one point": (lambda: jc.PointRoi(7, 8), 1),
}


def ring():
    return jc.ShapeRoi(jc.Roi(5, 5, 10, 10)).not_(jc.ShapeRoi(jc.Roi(8, 8, 4, 4)))


def spline():
    roi = polyline(6, 3, (5, 30), (12, 2), (20, 38), (33, 3))
    roi.fitSpline()
    return roi


def filled(roi):
    mask = jc.ByteProcessor(SIZE, SIZE)
    mask.setValue(255)
    mask.fill(roi)
    return to_numpy(mask.getPixels()).reshape(SIZE, SIZE) > 0


def plain(roi):
    return read_roi(encoded(drawable(roi, SIZE, SIZE)))


def facts_of(roi):
    return plain(roi).facts


def painted(roi):
    out = np.zeros((SIZE, SIZE), int)
    y, x = roi_pixels(plain(roi).shape, SIZE, SIZE)
    np.add.at(out, (y, x), 1)
    return out


@pytest.mark.parametrize("name", ROIS)
def test_pixels(name):
    make, count = ROIS[name]
    found = painted(make())
    assert found.max() == 1
    np.testing.assert_array_equal(found > 0, filled(make()))
    if count is not None:
        assert found.sum() == count


# The command refuses points, and fills wide lines one pixel short.
NOT_FILLED = {
    "line of width 5",
    "wide line along the edge",
    "freeline of width 5",
    "polyline of width 4",
    "polyline off the edge",
    "spline",
    "points",
    "one point",
}


@pytest.mark.parametrize("name", [name for name in ROIS if name not in NOT_FILLED])
def test_the_macro_command_fill_agrees(ij, made, name):
    """``run("Fill")`` on the image itself, with the ROI as its selection."""
    roi = ROIS[name][0]()
    imp = made("newImage('f', '8-bit black', 40, 40, 1);")
    imp.setRoi(roi)
    assert imp.getRoi() is not None
    ij.run_macro("setForegroundColor(255, 255, 255); run('Fill', 'slice');", image=imp)
    drawn = to_numpy(imp.getProcessor().getPixels()).reshape(SIZE, SIZE) > 0
    np.testing.assert_array_equal(painted(roi) > 0, drawn)


def test_rois_are_not_touched():
    for make, _ in ROIS.values():
        roi = make()
        before = to_numpy(jc.RoiEncoder.saveAsByteArray(roi)).tobytes()
        painted(roi)
        facts_of(roi)
        assert to_numpy(jc.RoiEncoder.saveAsByteArray(roi)).tobytes() == before


def test_some_points():
    roi = jc.PointRoi(floats(3, 5.5, 9, 50), floats(3, 5.4, 9, 2), 4)
    y, x = roi_pixels(plain(roi).shape, SIZE, SIZE, (1, 2))
    whole = painted(jc.PointRoi(floats(5.5, 9), floats(5.4, 9), 2))
    assert sorted(zip(y.tolist(), x.tolist(), strict=True)) == [
        tuple(p) for p in np.argwhere(whole).tolist()
    ]
    assert len(roi_pixels(plain(roi).shape, SIZE, SIZE, (3,))[0]) == 0


NEVER = {
    "text": lambda: jc.TextRoi(5, 5, "scale bar"),
    "image": lambda: jc.ImageRoi(5, 5, jc.ByteProcessor(4, 4)),
    "arrow": lambda: jc.Arrow(5.0, 5.0, 20.0, 20.0),
    "angle": lambda: polyline(8, 0, (5, 5), (15, 5), (15, 15)),
}


@pytest.mark.parametrize("kind", NEVER)
def test_kinds_that_are_never_labels(kind):
    roi = NEVER[kind]()
    assert facts_of(roi).kind == kind
    with pytest.raises(TdsegError, match=rf"Image 'f': the selection is of the kind '{kind}'"):
        check_label(plain(roi), "f", (SIZE, SIZE))


def test_kinds_that_are_labels():
    for name, kind in (("rectangle", "area"), ("line of width 5", "line"), ("points", "points")):
        roi = ROIS[name][0]()
        assert facts_of(roi).kind == kind
        check_label(plain(roi), "f", (SIZE, SIZE))
    with pytest.raises(TdsegError, match="no pixel inside the image"):
        check_label(plain(jc.Roi(50, 50, 5, 5)), "f", (SIZE, SIZE))


def test_facts():
    roi = jc.Roi(1, 1, 5, 5)
    assert facts_of(roi).colour == ""
    assert facts_of(roi).hyperstack is None
    roi.setName("é-01")
    roi.setPosition(2, 3, 4)
    roi.setStrokeColor(jc.Color(255, 128, 1))
    facts = facts_of(roi)
    assert (facts.name, facts.hyperstack, facts.colour) == ("é-01", (2, 3, 4), "#ff8001")
    roi.setPosition(7)
    roi.setFillColor(jc.Color(1, 2, 3))
    assert facts_of(roi).position == 7
    assert facts_of(roi).colour == "#010203"
    roi.setGroup(9)
    assert facts_of(roi).group == 9


def test_facts_of_points_with_counters_and_slices():
    roi = jc.PointRoi(5, 5)
    roi.setCounter(3)
    roi.addPoint(7.0, 7.0, 4)
    facts = facts_of(roi)
    assert facts.kind == "points"
    assert facts.counters == (0, 3)
    assert facts.point_positions == (0, 4)


def test_area_mask(made):
    def mask(imp):
        values = {"region": "selection"}
        command = BY_NAME["TDS Apply..."]
        return area_mask(Request(command, values, Session(), Silent(), host_image(imp)))

    imp = made("newImage('f', '8-bit black', 40, 40, 1);")
    with pytest.raises(TdsegError, match="'f' has no area selection"):
        mask(imp)
    imp.setRoi(line(1))
    with pytest.raises(TdsegError, match="'f' has no area selection"):
        mask(imp)
    imp.setRoi(jc.OvalRoi(30, 30, 20, 20))
    np.testing.assert_array_equal(mask(imp), filled(jc.OvalRoi(30, 30, 20, 20)))


def test_group_names():
    set_group_names({1: "background", 3: "nucleus, dividing"})
    assert group_names() == {1: "background", 3: "nucleus; dividing"}
    jc.Roi.setGroupName(7, "the user's")
    set_group_names({1: "other"})
    assert group_names() == {1: "other", 7: "the user's"}


def test_groups_have_colours_and_imagej_does_not_complain(ij, capfd):
    roi = jc.Roi(1, 1, 5, 5)
    roi.setGroup(5)
    assert roi.getStrokeColor() is not None
    assert "LUT not found" not in capfd.readouterr().out
