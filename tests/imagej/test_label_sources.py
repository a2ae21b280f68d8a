"""Labels from overlays, selections, files and label images of a real ImageJ."""

from __future__ import annotations

import os
import zipfile

import numpy as np
import pytest
from imagej_labels import (
    command_notes,
    labels_from_file,
    labels_from_label_image,
    labels_from_manager,
    labels_from_overlay,
    labels_from_selection,
    load_labels,
    save_labels,
)

from tdseg.errors import TdsegError
from tdseg.imagej.images import from_imageplus, to_imageplus
from tdseg.imagej.java import jc, to_java
from tdseg.labels.roi_files import labels_from_roi_file

pytestmark = pytest.mark.usefixtures("ij")

PLANE = "newImage('cells', '8-bit black', 40, 30, 1);"
HYPER = "newImage('hyper', '8-bit grayscale-mode', 40, 30, 2, 3, 4);"


def add(imp, *rois):
    overlay = imp.getOverlay() or jc.Overlay()
    for roi in rois:
        overlay.add(roi)
    imp.setOverlay(overlay)


def roi_of(group, x=2, y=3, width=4, height=5, name=None, position=None):
    roi = jc.Roi(x, y, width, height)
    roi.setGroup(group)
    if name:
        roi.setName(name)
    if position:
        roi.setPosition(*position)
    return roi


def test_overlay(made):
    imp = made(PLANE)
    text = jc.TextRoi(1, 1, "10 µm")
    add(imp, roi_of(2, name="nucleus-01"), roi_of(5, x=20), text)
    before = imp.getProcessor().getPixelsCopy()
    notes: list[str] = []
    found = labels_from_overlay(imp, note=notes.append)
    expected = np.zeros((30, 40), int)
    expected[3:8, 2:6], expected[3:8, 20:24] = 2, 5
    np.testing.assert_array_equal(found.to_label_image()[0, 0], expected)
    assert found.class_names == {2: "nucleus"}
    assert set(found.group.tolist()) == {0, 1}
    assert len(notes) == 1
    assert "(text)" in notes[0]
    assert list(before) == list(imp.getProcessor().getPixels())
    assert imp.getOverlay().size() == 3


def test_positions_in_a_hyperstack(made):
    imp = made(HYPER)
    imp.setPositionWithoutUpdate(2, 2, 3)
    imp.setPosition(2, 2, 3)
    add(
        imp,
        roi_of(1, position=(1, 3, 2)),
        roi_of(2, position=(int(imp.getStackIndex(2, 1, 4)),)),
        roi_of(3),
    )
    notes: list[str] = []
    found = labels_from_overlay(imp, note=notes.append)
    planes = {int(v): int(p) for v, p in zip(found.value, found.plane, strict=True)}
    assert planes == {1: 1 * 3 + 2, 2: 3 * 3 + 0, 3: 2 * 3 + 1}
    assert "1 ROIs without a position were taken for the current slice, plane 8 of 12" in notes[0]


def test_points_set_by_hand_keep_their_slices(made):
    imp = made(HYPER)
    points = jc.PointRoi(3, 3)
    for k, index in enumerate((1, 7, 24)):
        points.addPoint(5.0 + k, 6.0, index)
    points.setGroup(4)
    add(imp, points)
    found = labels_from_overlay(imp)
    got = sorted(zip(found.plane.tolist(), found.x.tolist(), strict=True))
    assert got == [(0, 3), (0, 5), (3, 6), (11, 7)]


def test_no_overlay(made):
    with pytest.raises(TdsegError, match="'cells' has no overlay"):
        labels_from_overlay(made(PLANE))


def test_selection_is_on_the_current_plane(made):
    imp = made(HYPER)
    imp.setPosition(1, 3, 2)
    imp.setRoi(roi_of(2))
    notes: list[str] = []
    found = labels_from_selection(imp, note=notes.append)
    assert set(found.plane.tolist()) == {1 * 3 + 2}
    assert notes == []
    imp.deleteRoi()
    with pytest.raises(TdsegError, match="has no selection"):
        labels_from_selection(imp)


def test_no_manager_without_a_display(made):
    with pytest.raises(TdsegError, match="ROI Manager is not open or empty"):
        labels_from_manager(made(PLANE))


def test_classes_by_colour_are_those_of_the_groups(made):
    imp = made(PLANE)
    grouped = roi_of(3)
    other = roi_of(0, x=20)
    other.setStrokeColor(jc.Color(17, 34, 51))
    add(imp, grouped, other)
    found = labels_from_overlay(imp, class_from="color")
    assert found.values == (1, 3)
    assert found.name_of(1) == "#112233"


def test_save_and_load(made, tmp_path):
    imp = made(HYPER)
    wide = jc.Line(3, 3, 20, 20)
    wide.setStrokeWidth(3)
    wide.setGroup(2)
    wide.setPosition(1, 2, 3)
    points = jc.PointRoi(3, 3)
    points.addPoint(9.0, 9.0, 7)
    points.setGroup(1)
    same_name = [roi_of(1, name="a/b", position=(0, 1, 1)) for _ in range(2)]
    add(imp, wide, points, *same_name)
    path = tmp_path / "größe.zip"
    expected = labels_from_overlay(imp)
    assert save_labels(imp, path) == 4
    assert os.listdir(tmp_path) == ["größe.zip"]
    with pytest.raises(TdsegError, match="exists"):
        save_labels(imp, path)
    assert save_labels(imp, path, existing="skip") == 0
    assert save_labels(imp, path, existing="overwrite") == 4
    loaded = made(HYPER)
    assert load_labels(loaded, path) == 4
    for found in (labels_from_overlay(loaded), labels_from_file(loaded, path)):
        np.testing.assert_array_equal(found.to_label_image(), expected.to_label_image())
        np.testing.assert_array_equal(found.group, expected.group)
    assert [str(r.getName()) for r in loaded.getOverlay().toArray()][2:] == ["a/b", "a/b"]
    assert load_labels(loaded, path) == 4
    assert loaded.getOverlay().size() == 8
    assert load_labels(loaded, path, replace=True) == 4
    assert loaded.getOverlay().size() == 4


def test_nameless_rois_do_not_name_a_class(made, tmp_path):
    imp = made(PLANE)
    add(imp, roi_of(1), roi_of(1, x=20))
    save_labels(imp, tmp_path / "a.zip")
    assert labels_from_file(imp, tmp_path / "a.zip").class_names == {}


def test_a_single_roi_and_a_tiffs_overlay(made, tmp_path):
    imp = made(PLANE)
    add(imp, roi_of(2), roi_of(1, x=20))
    jc.RoiEncoder.save(roi_of(3), str(tmp_path / "one.roi"))
    jc.IJ.saveAsTiff(imp, str(tmp_path / "cells.tif"))
    assert labels_from_file(imp, tmp_path / "one.roi").values == (3,)
    assert labels_from_file(imp, tmp_path / "cells.tif").values == (1, 2)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.zip", None, "There is no label file"),
        ("text.zip", b"text", "cannot be read"),
        ("text.roi", b"text", "cannot be read"),
        ("table.csv", b"1,2", r"is not a \.roi, \.zip or TIFF"),
    ],
)
def test_files_that_hold_no_labels(made, tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    imp = made(PLANE)
    with pytest.raises(TdsegError, match=message):
        load_labels(imp, tmp_path / name)


def test_a_tiff_without_an_overlay(made, tmp_path):
    imp = made(PLANE)
    jc.IJ.saveAsTiff(imp, str(tmp_path / "cells.tif"))
    with pytest.raises(TdsegError, match="has no overlay"):
        labels_from_file(imp, tmp_path / "cells.tif")


def test_label_images(made):
    image = from_imageplus(made(PLANE))
    array = np.zeros((30, 40), np.uint16)
    array[3:5, 7:9], array[10, 10] = 2, 300
    found = labels_from_label_image(to_imageplus(array), image)
    np.testing.assert_array_equal(found.to_label_image()[0, 0], array)
    as_float = to_imageplus(array.astype(np.float32))
    assert labels_from_label_image(as_float, image).values == (2, 300)
    with pytest.raises(TdsegError, match="has fractions"):
        labels_from_label_image(to_imageplus(array / np.float32(7)), image)
    with pytest.raises(TdsegError, match="they must be alike"):
        labels_from_label_image(to_imageplus(array[1:]), image)
    with pytest.raises(TdsegError, match="is empty"):
        labels_from_label_image(to_imageplus(np.zeros_like(array)), image)
    with pytest.raises(TdsegError, match="colours or channels"):
        labels_from_label_image(to_imageplus(np.zeros((30, 40, 3), np.uint8)), image)


def test_groups_named_in_imagej_name_the_classes(made):
    imp = made(PLANE)
    add(imp, roi_of(2, name="other-01"))
    jc.Roi.setGroupName(2, "from the group")
    try:
        assert labels_from_overlay(imp).class_names == {2: "from the group"}
        found = labels_from_overlay(imp, class_names={2: "from the session"})
        assert found.class_names == {2: "from the session"}
    finally:
        jc.Roi.setGroupName(2, "")


def test_points_stay_on_their_slices(ij, made, tmp_path):
    """In the overlay, in a file read without Java, and after ImageJ opens that file again."""
    path = tmp_path / "stack.tif"
    imp = made(
        "newImage('s', '8-bit black', 48, 48, 4); run('TDS Set Classes...', 'classes=[a,b]');"
        "setSlice(3); makePoint(10, 11); run('TDS Add Label...', 'class=a');"
        "setSlice(4); makeSelection('point', newArray(30, 33), newArray(31, 32));"
        "run('TDS Add Label...', 'class=b'); setSlice(1); run('Select None');"
        f"saveAs('Tiff', '{path.as_posix()}');"
    )
    wanted = {(2, 11, 10, 1), (3, 31, 30, 2), (3, 32, 33, 2)}

    def places(found):
        columns = (found.plane, found.y, found.x, found.value)
        return set(zip(*(c.tolist() for c in columns), strict=True))

    assert places(labels_from_overlay(imp)) == wanted
    assert places(labels_from_roi_file(path, (1, 4, 48, 48))) == wanted
    assert places(labels_from_overlay(made(f"open('{path.as_posix()}');"))) == wanted


def test_points_whose_slice_is_set_for_all_keep_it(ij, made, tmp_path):
    """ImageJ itself forgets ``Roi.setPosition`` of points when it reads a file; ours are kept."""
    drawn = "newImage('s', '8-bit black', 48, 48, 4); makePoint(10, 11); Roi.setPosition(3);"
    grouped = "Roi.setGroup(2); Overlay.addSelection; run('Select None'); setSlice(1);"
    imp = made(drawn + grouped)
    assert set(labels_from_overlay(imp).plane.tolist()) == {2}
    save_labels(imp, tmp_path / "points.zip")
    loaded = made("newImage('s', '8-bit black', 48, 48, 4);")
    load_labels(loaded, tmp_path / "points.zip")
    for found in (
        labels_from_overlay(loaded),
        labels_from_file(loaded, tmp_path / "points.zip"),
        labels_from_roi_file(tmp_path / "points.zip", (1, 4, 48, 48)),
    ):
        assert set(found.plane.tolist()) == {2}
    # As ImageJ's own reader, and so its ROI Manager, finds them.
    with zipfile.ZipFile(tmp_path / "points.zip") as archive:
        data = archive.read(archive.namelist()[0])
    again = jc.RoiDecoder(to_java(np.frombuffer(data, np.uint8)), "p").getRoi()
    assert again.getPointPosition(0) == 3
    # A file of ImageJ's own: we read the slice from the file.
    path = tmp_path / "stack.tif"
    jc.IJ.saveAsTiff(made(drawn + grouped), str(path))
    plain = made("newImage('s', '8-bit black', 48, 48, 4);")
    assert set(labels_from_file(plain, path).plane.tolist()) == {2}


def test_measuring_tells_of_points_outside_as_training_does(made):
    imp = made(PLANE)
    points = jc.PointRoi(3, 3)
    for x in (5.0, 50.0, 60.0):
        points.addPoint(x, 3.0)
    points.setName("seeds")
    points.setGroup(1)
    add(imp, roi_of(2, x=20), points)
    trained: list[str] = []
    labels_from_overlay(imp, note=trained.append)
    measured = command_notes("TDS Measure ROIs...", imp, "features=classical classical=gaussian")
    assert trained == [
        "Image 'cells': 2 points outside the image were left out (first of ROI 'seeds')."
    ]
    assert set(trained) <= set(measured)
