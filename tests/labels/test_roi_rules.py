"""What a ROI means as a label, without any file or Java."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdseg.errors import TdsegError
from tdseg.labels.roi_classes import base_name
from tdseg.labels.roi_facts import RoiFacts
from tdseg.labels.roi_rules import Canvas, Rules, labels_from_facts

PLANE = Canvas("cells", 1, (1, 1, 10, 10))
STACK = Canvas("stack", 2, (3, 4, 10, 10), current=5)


def labels(rois, canvas=PLANE, pixels=None, **rules):
    """Labels of ROIs of which the i-th covers row i (or the given pixels), and the notes."""
    notes: list[str] = []

    def draw(index, points):
        if pixels is not None:
            return pixels[index]
        columns = np.arange(3) if points is None else np.array(points)
        return np.full(len(columns), index), columns

    found = labels_from_facts(rois, draw, canvas, Rules(**rules), notes.append)
    return found, notes


def values(found):
    """Label value of each (plane, ROI)."""
    triples = zip(found.plane, found.group, found.value, strict=True)
    return {(int(p), int(g)): int(v) for p, g, v in triples}


def test_groups_are_values_and_agreeing_names_are_classes():
    rois = [
        RoiFacts("nucleus-01", group=2),
        RoiFacts("nucleus-02", group=2),
        RoiFacts("0012-0034", group=5),
        RoiFacts("a", group=7),
        RoiFacts("b", group=7),
    ]
    found, notes = labels(rois)
    assert values(found) == {(0, 0): 2, (0, 1): 2, (0, 2): 5, (0, 3): 7, (0, 4): 7}
    assert dict(found.class_names) == {2: "nucleus"}
    assert found.name_of(5) == "class 5"
    assert notes == []


def test_what_has_no_class_is_skipped_in_one_line():
    rois = [RoiFacts("a", group=1), RoiFacts("scale bar", "text"), RoiFacts("", "area")]
    found, notes = labels(rois)
    assert values(found) == {(0, 0): 1}
    assert notes == [
        "Image 'cells': 2 ROIs without a class were skipped (class_from=group): "
        "ROI 'scale bar' (text), ROI number 3 (area)."
    ]


@pytest.mark.parametrize("kind", ["text", "image", "arrow", "angle"])
def test_what_is_never_a_label_must_not_have_a_class(kind):
    with pytest.raises(TdsegError, match=rf"'cells': ROI 'x' is of the kind '{kind}'"):
        labels([RoiFacts("a", group=1), RoiFacts("x", kind, group=1)])


def test_no_label_at_all():
    with pytest.raises(TdsegError, match="has no labels: its overlay has 1 ROIs"):
        labels([RoiFacts("a")])


def test_classes_from_names():
    rois = [
        RoiFacts("membrane-3"),
        RoiFacts("nucleus-01"),
        RoiFacts("phase-2"),
        RoiFacts("0001-0002"),
        RoiFacts("nucleus", "text"),
        RoiFacts("scale", "text"),
    ]
    found, _ = labels(rois[:4], class_from="name", class_names={4: "nucleus", 1: "phase-2"})
    assert values(found) == {(0, 0): 2, (0, 1): 4, (0, 2): 1}
    assert dict(found.class_names) == {1: "phase-2", 2: "membrane", 4: "nucleus"}
    found, notes = labels([rois[1], rois[5]], class_from="name", class_names={4: "nucleus"})
    assert values(found) == {(0, 0): 4}
    assert "ROI 'scale' (text)" in notes[0]
    with pytest.raises(TdsegError, match="ROI 'nucleus' is of the kind 'text'"):
        labels(rois, class_from="name", class_names={4: "nucleus"})


def test_names_that_are_no_classes_are_doubted():
    def doubts(*names, canvas=PLANE):
        _, notes = labels([RoiFacts(name) for name in names], canvas, class_from="name")
        return [note for note in notes if "if these names are no classes" in note]

    assert doubts("nucleus", "membrane", "background") == []
    assert doubts(*"abcdefghij") == []
    assert doubts(*"abcdefghi", "i") == []
    assert "(first '7')" in doubts("nucleus", "7")[0]
    assert doubts("phase 1", "phase 2", "solid") == []
    (line,) = doubts(*"abcdefghijk", canvas=Canvas("cells", 1, (1, 1, 11, 10)))
    assert "made 11 classes of 11 ROIs, whose names are different on every ROI" in line
    (line,) = doubts("70b6c6d0-e8ab-11f1", "70b6cc0c-e8ab-11f1", "70b6d0ee-e8ab-11f1")
    assert "made 3 classes of 3 ROIs, whose names are different on every ROI" in line


def test_classes_from_colours():
    rois = [RoiFacts(colour="#ff0000"), RoiFacts(colour="#123456"), RoiFacts(colour="")]
    rois.append(RoiFacts(kind="text", colour="#ff0000"))
    found, notes = labels(rois, class_from="color", colours={"#ff0000": 2, "#00ff00": 3})
    assert values(found) == {(0, 0): 2, (0, 1): 1}
    assert found.name_of(1) == "#123456"
    assert "2 ROIs without a class" in notes[0]


def test_classes_from_counters():
    rois = [RoiFacts(kind="points", counters=(0, 3, 3, 1)), RoiFacts(group=1)]
    found, _ = labels(rois, class_from="counter")
    assert dict(zip(found.x.tolist(), found.value.tolist(), strict=True)) == {
        0: 1,
        1: 4,
        2: 4,
        3: 2,
    }


@pytest.mark.parametrize(
    ("roi", "planes"),
    [
        (RoiFacts(group=1, hyperstack=(2, 3, 2)), {6}),
        (RoiFacts(group=1, hyperstack=(1, 3, 2), position=24), {6}),
        (RoiFacts(group=1, hyperstack=(0, 3, 0)), {2, 6, 10}),
        (RoiFacts(group=1, hyperstack=(0, 0, 3)), {8, 9, 10, 11}),
        (RoiFacts(group=1, position=1), {0}),
        (RoiFacts(group=1, position=2), {0}),  # the channel does not matter
        (RoiFacts(group=1, position=24), {11}),
        (RoiFacts(group=1), {5}),
        (RoiFacts(group=1, hyperstack=(2, 0, 0)), {5}),  # only a channel: no place in the stack
    ],
)
def test_positions(roi, planes):
    found, notes = labels([roi], STACK)
    assert set(found.plane.tolist()) == planes
    unplaced = roi.position == 0 and (roi.hyperstack is None or not any(roi.hyperstack[1:]))
    assert bool(notes) == unplaced


def test_unpositioned():
    roi = RoiFacts("a", group=1)
    found, notes = labels([roi, roi], STACK, unpositioned="all")
    assert set(found.plane.tolist()) == set(range(12))
    assert "2 ROIs without a position were taken for all 12 planes" in notes[0]
    with pytest.raises(TdsegError, match="'stack': ROI 'a' has no position"):
        labels([roi], STACK, unpositioned="error")
    assert labels([roi], PLANE, unpositioned="error")[1] == []


@pytest.mark.parametrize(
    "roi",
    [
        RoiFacts("far", group=1, hyperstack=(1, 5, 1)),
        RoiFacts("far", group=1, hyperstack=(1, 1, 4)),
        RoiFacts("far", group=1, position=25),
    ],
)
def test_a_slice_that_is_not_there(roi):
    with pytest.raises(TdsegError, match="'stack': ROI 'far' is on slice"):
        labels([roi], STACK)


def test_points_with_slices_of_their_own():
    roi = RoiFacts(kind="points", group=3, counters=(0, 0, 0), point_positions=(1, 24, 0))
    found, notes = labels([roi], STACK)
    assert sorted(zip(found.plane.tolist(), found.x.tolist(), strict=True)) == [
        (0, 0),
        (5, 2),
        (11, 1),
    ]
    assert set(found.value.tolist()) == {3}
    assert "1 ROIs without a position" in notes[0]


def test_an_empty_roi_is_named():
    nothing = np.zeros(0, int), np.zeros(0, int)
    some = np.array([1]), np.array([1])
    rois = [RoiFacts("in", group=1), RoiFacts("out", group=1)]
    with pytest.raises(TdsegError, match="'cells': ROI 'out' has no pixel inside"):
        labels(rois, pixels=[some, nothing])


def test_overlap():
    first = np.array([0, 0, 0]), np.array([0, 1, 2])
    second = np.array([0, 0]), np.array([1, 2])
    rois = [RoiFacts("a", group=1), RoiFacts("b", group=2)]
    found, notes = labels(rois, pixels=[first, second])
    assert found.to_label_image()[0, 0, 0, :4].tolist() == [1, 2, 2, 0]
    assert found.group.tolist() == [0, 1, 1]
    assert notes == [
        "Image 'cells': 2 pixels are in ROIs of two classes (first ROI 'a' and ROI 'b'); the later "
        "ROI wins (overlap=last)."
    ]
    with pytest.raises(TdsegError, match="ROI 'a' and ROI 'b' are of two classes and overlap"):
        labels(rois, pixels=[first, second], overlap="error")
    same = [RoiFacts("a", group=1), RoiFacts("b", group=1)]
    found, notes = labels(same, pixels=[first, second], overlap="error")
    assert notes == []
    assert found.group.tolist() == [0, 1, 1]


@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.lists(st.integers(0, 99), min_size=1, max_size=30)),
        min_size=1,
        max_size=6,
    )
)
def test_painting_one_after_the_other_gives_the_same(strokes):
    canvas = np.zeros(100, int)
    touched = [set() for _ in range(100)]
    pixels, rois = [], []
    for value, where in strokes:
        unique = np.unique(where)
        canvas[unique] = value
        for k in unique:
            touched[k].add(value)
        pixels.append(np.divmod(unique, 10))
        rois.append(RoiFacts("r", group=value))
    found, notes = labels(rois, pixels=pixels)
    np.testing.assert_array_equal(found.to_label_image().ravel(), canvas)
    disputed = sum(len(t) > 1 for t in touched)
    assert (f": {disputed} pixels are in ROIs" in notes[0]) if disputed else not notes


@pytest.mark.parametrize(
    ("name", "base"),
    [("nucleus-01", "nucleus"), ("a-b-3", "a-b"), ("0012-0345", ""), ("0001-0012-0345", "")],
)
def test_base_name(name, base):
    assert base_name(name) == base


def test_bad_rules_are_listed():
    with pytest.raises(TdsegError, match="use one of group, name, color, counter"):
        Rules(class_from="shape")
