"""Folders: which images, where results go, what is noticed of results that exist, the report."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest
import tifffile
from batch_jobs import report, results, train
from PIL import Image as Picture
from skimage.measure import label, regionprops
from sklearn.metrics import jaccard_score

import tdseg
from tdseg.batch import contact_sheet
from tdseg.batch.apply_files import apply_to_files
from tdseg.batch.contact_sheet import page_name
from tdseg.batch.inputs import find_sources
from tdseg.errors import TdsegError


@pytest.fixture
def tree(folder):
    """``in`` has a, b µ and c; ``in/day 1`` has a as PNG and TIFF, ``in/day 1/late`` has one."""
    top = folder / "in"
    deep = top / "day 1" / "late"
    deep.mkdir(parents=True)
    for path in folder.glob("*.tif"):
        path.rename(top / path.name)
    pixels = tifffile.imread(top / "a.tif")
    tifffile.imwrite(top / "day 1" / "a.tif", pixels[::-1])
    Picture.fromarray(pixels[:, ::-1]).save(top / "day 1" / "a.png")
    Picture.fromarray(pixels[::-1, ::-1]).save(deep / "d.JPG")
    (top / "notes.txt").write_text("no image")
    (top / "._a.tif").write_bytes(b"of a Mac")
    return top


def test_a_folder_is_mirrored_and_no_two_images_write_the_same_file(model, tree):
    out = tree / "out"  # inside the folder that is searched
    outcomes = apply_to_files(model, [tree], out, recursive=True)
    assert [o.error for o in outcomes] == [""] * 6
    assert results(out) == [
        "a-labels.tif",
        "b µ-labels.tif",
        "c-labels.tif",
        "day 1/a.png-labels.tif",
        "day 1/a.tif-labels.tif",
        "day 1/late/d-labels.tif",
    ]
    for outcome in outcomes:
        expected = tdseg.apply(model, tdseg.read_image(outcome.source)).labels[0, 0]
        np.testing.assert_array_equal(tifffile.imread(outcome.written[0]), expected)
    again = apply_to_files(model, [tree], out, recursive=True)
    assert [o.status for o in again] == ["skipped"] * 6


@pytest.mark.parametrize(
    ("filter", "recursive", "found"),
    [
        ("", False, ["a.tif", "b µ.tif", "c.tif"]),
        ("*.png,C.*", True, ["c.tif", "day 1/a.png"]),
        ("day 1/*", True, ["day 1/a.png", "day 1/a.tif", "day 1/late/d.JPG"]),
    ],
)
def test_filters_choose_names_or_paths(model, tree, tmp_path, filter, recursive, found):
    out = tmp_path / "elsewhere"
    outcomes = apply_to_files(model, [tree], out, filter=filter, recursive=recursive)
    assert [o.place for o in outcomes] == found


def test_a_pattern_is_mirrored_from_its_first_wildcard(model, tree, tmp_path):
    out = tmp_path / "elsewhere"
    outcomes = apply_to_files(model, [tree / "**" / "*.[pJ]*"], out, suffix="_x")
    assert results(out) == ["day 1/a_x.tif", "day 1/late/d_x.tif"]
    assert all(not o.error for o in outcomes)


def test_what_finds_nothing_is_a_sentence(model, tree, tmp_path):
    (tree / "day 1" / "a.png").unlink()
    (tree / "day 1" / "a.tif").unlink()
    for given, words in (
        (tree / "day 1", "recursive=true looks into its 1 folders"),
        (tree / "*.xyz", "No file matches"),
    ):
        with pytest.raises(TdsegError, match=words):
            apply_to_files(model, [given], tmp_path / "elsewhere")
    with pytest.raises(TdsegError, match=r"matches '\*.czi'"):
        apply_to_files(model, [tree], tmp_path / "elsewhere", filter="*.czi")
    assert not (tmp_path / "elsewhere").exists()


def test_links_in_a_circle_end(model, tree, tmp_path):
    (tree / "day 1" / "back").symlink_to(tree, target_is_directory=True)
    outcomes = apply_to_files(model, [tree], tmp_path / "elsewhere", recursive=True)
    assert len(outcomes) == 6


def test_results_beside_the_images_are_no_images(model, folder):
    first = apply_to_files(model, [folder], folder)
    assert len(first) == 3
    second = apply_to_files(model, [folder], folder, output="both", existing="overwrite")
    assert [o.place for o in second] == ["a.tif", "b µ.tif", "c.tif"]
    assert len(second[0].written) == 2


def test_results_made_otherwise_are_noticed(model, other_model, folder, tmp_path):
    out, files = folder / "out", sorted(folder.glob("*.tif"))
    apply_to_files(model, files, out)
    before = {name: (out / name).read_bytes() for name in results(out)}

    def notes(**more):
        return [o.note for o in apply_to_files(more.pop("of", model), files, out, **more)]

    saved = tdseg.load(model.save(tmp_path / "renamed.tdseg"))
    slow = model.settings.with_(tile=16, memory_limit=1)
    assert notes(of=saved, settings=slow) == [""] * 3  # the same classifier, other resources
    assert notes(of=train()) == [""] * 3  # trained again on the same
    assert all("another classifier" in note for note in notes(of=other_model))
    zero = model.settings.with_(first_label=0)
    assert all("first_label=1, not first_label=0" in note for note in notes(settings=zero))
    assert {name: (out / name).read_bytes() for name in results(out)} == before
    # An image that was copied is the same, one that was changed is not.
    shutil.copy(files[0], tmp_path / "copy")
    (tmp_path / "copy").replace(files[0])
    assert notes() == [""] * 3
    tifffile.imwrite(files[0], tifffile.imread(files[0]) ^ 1, imagej=True)
    assert ["image was changed" in note for note in notes()] == [True, False, False]
    updated = apply_to_files(model, files, out, existing="update")
    assert [o.status for o in updated] == ["written", "skipped", "skipped"]
    assert notes() == [""] * 3
    updated = apply_to_files(other_model, files, out, existing="update")
    assert [o.status for o in updated] == ["written"] * 3


def test_update_does_not_replace_what_is_not_of_a_job(model, folder):
    out = folder / "out"
    out.mkdir()
    (out / "a-labels.tif").write_bytes(b"mine")
    first, second = apply_to_files(
        model, [folder / "a.tif", folder / "c.tif"], out, existing="update"
    )
    assert "not made by a folder job" in first.error
    assert second.status == "written"
    assert (out / "a-labels.tif").read_bytes() == b"mine"


def test_the_report_counts_what_is_in_the_results(model, folder):
    rng = np.random.default_rng(5)
    stack = rng.integers(0, 255, (3, 20, 30), np.uint8)
    metadata = {"axes": "ZYX", "unit": "um", "spacing": 2.0}
    tifffile.imwrite(folder / "d.tif", stack, imagej=True, resolution=(4.0, 2.0), metadata=metadata)
    out = folder / "out"
    apply_to_files(model, [folder], out, particles=True)
    rows = report(out)
    assert [row["file"] for row in rows] == ["a.tif", "b µ.tif", "c.tif", "d.tif"]
    for row, name in zip(rows, results(out), strict=True):
        found = tifffile.imread(out / name).reshape(-1, 20, 30)
        area = 0.25 * 0.5 if name.startswith("d") else 1.0
        for value, word in ((1, "dark"), (2, "bright")):
            pixels = int((found == value).sum())
            assert int(row[f"pixels {word}"]) == pixels
            assert float(row[f"area {word}"]) == pytest.approx(pixels * area)
            assert float(row[f"fraction {word}"]) == pytest.approx(pixels / found.size, abs=1e-6)
            sizes = [
                region.area
                for plane in found
                for region in regionprops(label(plane == value, connectivity=2))
            ]
            assert int(row[f"particles {word}"]) == len(sizes)
            assert float(row[f"mean size {word}"]) == pytest.approx(np.mean(sizes) * area)
            assert float(row[f"median size {word}"]) == pytest.approx(np.median(sizes) * area)
            assert float(row[f"largest size {word}"]) == pytest.approx(max(sizes) * area)
    assert rows[3]["unit"] == "µm^2"
    assert rows[3]["slices"] == "3"
    classes = report(out, "report-classes.csv")
    assert [row["area"] for row in classes] == ["", ""]  # square micrometres and square pixels
    total = sum(int(row["pixels dark"]) for row in rows)
    assert int(classes[0]["pixels"]) == total
    # A second run computes nothing and says the same.
    again = apply_to_files(model, [folder], out, particles=True)
    assert [o.status for o in again] == ["skipped"] * 4
    for row, before in zip(report(out), rows, strict=True):
        assert row | {"status": ""} == before | {"status": ""}


@pytest.mark.parametrize("first_label", [1, 0])
def test_agreement_with_the_truth_is_that_of_scikit_learn(model, folder, first_label):
    truth = folder / "truth"
    truth.mkdir()
    rng = np.random.default_rng(3)
    for name in ("a", "c"):
        known = rng.integers(0, 3, (20, 30), np.uint8)  # 0 is unknown
        known[0] = 7  # a class that the classifier does not know
        tifffile.imwrite(truth / f"{name}-right.tif", known)
    out = folder / "out"
    settings = model.settings.with_(first_label=first_label)
    options = {"truth": f"{truth}/*-right.tif", "settings": settings, "filter": "*.tif"}
    outcomes = apply_to_files(model, [folder], out, **options)
    assert "no truth" in outcomes[1].note
    rows, known, found = report(out), [], []
    for row in (rows[0], rows[2]):
        right = tifffile.imread(truth / row["file"].replace(".tif", "-right.tif"))
        labels = tifffile.imread(out / row["file"].replace(".tif", "-labels.tif")) + 1 - first_label
        known.append(right[right > 0])
        found.append(labels[right > 0])
        iou = jaccard_score(known[-1], found[-1], labels=[1, 2], average=None)
        assert [float(row["IoU dark"]), float(row["IoU bright"])] == pytest.approx(iou, abs=1e-4)
        assert float(row["mIoU"]) == pytest.approx(iou.mean(), abs=1e-4)
    together = jaccard_score(
        np.concatenate(known), np.concatenate(found), labels=[1, 2], average=None
    )
    *classes, mean = report(out, "report-classes.csv")
    assert [float(row["pooled IoU"]) for row in classes] == pytest.approx(together, abs=1e-4)
    assert float(mean["pooled IoU"]) == pytest.approx(together.mean(), abs=1e-4)
    own = [float(rows[0]["mIoU"]), float(rows[2]["mIoU"])]
    assert float(mean["spread of images"]) == pytest.approx(np.std(own), abs=1e-4)
    again = apply_to_files(model, [folder], out, **options)
    assert [o.agreement for o in again] == [o.agreement for o in outcomes]


def test_reports_and_pictures_of_somebody_else_are_not_replaced(model, folder):
    out = folder / "out"
    out.mkdir()
    for name in ("report.csv", "report-classes.csv", "contact-sheet-001.png"):
        (out / name).write_text("mine")
        with pytest.raises(TdsegError, match=rf"{name}' is not a"):
            apply_to_files(model, [folder], out)
        assert (out / name).read_text() == "mine"
        (out / name).unlink()
    assert results(out) == []


def _pixels(path):
    with Picture.open(path) as picture:
        return np.asarray(picture)


def test_contact_sheets_show_each_image_and_its_result(model, folder, monkeypatch):
    monkeypatch.setattr(contact_sheet, "COLUMNS", 2)
    monkeypatch.setattr(contact_sheet, "ROWS", 1)
    (folder / "broken.tif").write_bytes(b"II*\0")
    big = np.random.default_rng(2).integers(0, 60000, (700, 90), np.uint16)
    tifffile.imwrite(folder / "d.tif", big)
    out = folder / "out"
    apply_to_files(model, [folder], out)
    pages = sorted(out.glob("contact-sheet-*.png"))
    assert len(pages) == 3
    first, last = (_pixels(pages[k]) for k in (0, 2))
    gap, edge = 8, contact_sheet.EDGE
    shown = first[gap : gap + 20, gap : gap + 30]
    image = tifffile.imread(folder / "a.tif").astype(float)
    assert np.corrcoef(shown[..., 0].ravel(), image.ravel())[0, 1] > 0.99
    labels = tifffile.imread(out / "a-labels.tif")
    right = first[gap : gap + 20, gap + edge + 2 : gap + edge + 32]
    colours = {v: np.unique(right[labels == v], axis=0).tolist() for v in (1, 2)}
    assert [len(found) for found in colours.values()] == [1, 1]
    assert colours[1] != colours[2]
    assert max(last.shape) < 2 * (2 * edge + 40)
    # Pages stay as they are until one of their images changes.
    before = [path.stat().st_mtime_ns for path in pages]
    apply_to_files(model, [folder], out)
    assert [path.stat().st_mtime_ns for path in pages] == before
    (out / "d-labels.tif").unlink()
    apply_to_files(model, [folder], out)
    changed = [path.stat().st_mtime_ns != was for path, was in zip(pages, before, strict=True)]
    assert changed == [False, False, True]
    assert page_name(2) == pages[2].name


def test_a_file_that_vanishes_is_a_row(model, folder, monkeypatch):
    files = sorted(folder.glob("*.tif"))

    def listed(*args, **options):
        found = find_sources(*args, **options)
        os.unlink(files[1])
        return found

    monkeypatch.setattr("tdseg.batch.apply_files.find_sources", listed)
    outcomes = apply_to_files(model, [folder], folder / "out")
    assert [o.status for o in outcomes] == ["written", "failed", "written"]
    assert "There is no image file" in report(folder / "out")[1]["note"]


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.tif", {"imagej": True}),
        ("a.ome.tif", {"ome": True, "tile": (16, 16), "compression": "zlib", "predictor": True}),
        ("big.tiff", {"bigtiff": True, "compression": "lzw", "byteorder": ">"}),
        ("a.png", None),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_kind_of_file_gives_the_labels_of_its_pixels(model, tmp_path, name, how, dtype):
    pixels = np.random.default_rng(8).integers(0, 255, (40, 50)).astype(dtype)
    images = tmp_path / "images"
    images.mkdir()
    if how is None:
        Picture.fromarray(pixels).save(images / name)
    else:
        tifffile.imwrite(images / name, pixels, **how)
    (outcome,) = apply_to_files(model, [images], tmp_path / "out", contact_sheet=False)
    expected = tdseg.apply(model, pixels, probabilities=False).labels[0, 0]
    np.testing.assert_array_equal(tifffile.imread(outcome.written[0]), expected)


def test_hyperstacks_are_segmented_plane_by_plane(model, folder):
    rng = np.random.default_rng(4)
    stack = rng.integers(0, 255, (2, 3, 12, 14), np.uint8)
    tifffile.imwrite(folder / "series.tif", stack, imagej=True, metadata={"axes": "TZYX"})
    out = folder / "out"
    (outcome,) = apply_to_files(model, [folder / "series.tif"], out, output="both", slices="2-3")
    labels = tdseg.read_image(outcome.written[0])
    assert labels.shape == (2, 2, 1, 12, 14)
    for t in range(2):
        for z in (1, 2):
            plane = tdseg.Image.from_array(stack[t, z], name="plane")
            expected = tdseg.apply(model, plane).labels[0, 0]
            np.testing.assert_array_equal(labels.array[t, z - 1, 0], expected)
