"""Folders of the case studies: what users and macros find in them."""

import numpy as np
import tifffile

import tdseg
from tdseg.samples.case_folders import case_of_cells, case_of_micrographs, write_case


def small_cells(**keys):
    return case_of_cells(labelled=2, unseen=2, size=96, **keys)


def test_labels_that_are_read_are_the_strokes_that_were_drawn(tmp_path):
    assert write_case(tmp_path, small_cells()) == 4
    for made in small_cells():
        if not made.strokes:
            continue
        path = tmp_path / "labelled" / made.name
        image = tdseg.read_image(path)
        np.testing.assert_array_equal(image.plane(0)[:, :, 0], made.pixels)
        labels = tdseg.read_labels(path, image)
        assert [labels.name_of(v) for v in labels.values] == list(made.class_names)
        drawn = labels.to_label_image()[0, 0]
        right = drawn[drawn > 0] == made.truth[drawn > 0]
        assert right.mean() > 0.97  # a brush crosses a border here and there
        assert len(np.unique(labels.group)) == len(made.strokes)


def test_unseen_images_have_no_labels_and_a_truth_of_their_name(tmp_path):
    write_case(tmp_path, small_cells())
    unseen = sorted(path.name for path in (tmp_path / "unseen").iterdir())
    assert unseen == sorted(path.name for path in (tmp_path / "truth").iterdir())
    made = {image.name: image for image in small_cells()}
    for name in unseen:
        np.testing.assert_array_equal(tifffile.imread(tmp_path / "truth" / name), made[name].truth)
        with tifffile.TiffFile(tmp_path / "unseen" / name) as file:
            assert "Overlays" not in (file.imagej_metadata or {})
    assert not set(unseen) & {path.name for path in (tmp_path / "labelled").iterdir()}


def test_files_that_are_there_stay(tmp_path):
    write_case(tmp_path, small_cells())
    path = next((tmp_path / "unseen").iterdir())
    path.write_bytes(b"mine")
    write_case(tmp_path, small_cells(drawing=1))
    assert path.read_bytes() == b"mine"


def test_another_drawing_has_other_strokes_in_the_same_images():
    one, other = (next(small_cells(drawing=number)) for number in (0, 1))
    np.testing.assert_array_equal(one.pixels, other.pixels)
    assert any(len(a[1]) != len(b[1]) for a, b in zip(one.strokes, other.strokes, strict=True))


def test_every_kind_of_micrograph_is_labelled_and_unseen():
    images = list(case_of_micrographs(size=96))
    kinds = {image.place for image in images}
    assert kinds == {"cathode", "cast-iron", "crystals", "mosaic", "stain"}
    for kind in kinds:
        mine = [image for image in images if image.place == kind]
        labelled = [image for image in mine if image.strokes]
        assert len(labelled) == 1
        assert len(mine) > 1
        values = {value for value, _ in labelled[0].strokes}
        assert values == set(range(1, 1 + len(labelled[0].class_names)))
