"""Training on folders: what is labelled, one image in memory at a time, whole ones held out."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture
from roifile import ImagejRoi, roiwrite

import tdseg
from tdseg.batch.train_files import pixel_rows, train_from_files
from tdseg.commands.request import Host
from tdseg.commands.run import run_command
from tdseg.commands.table import BY_NAME
from tdseg.errors import TdsegError
from tdseg.runtime.progress import Silent
from tdseg.workflow.session import Session

VALUES = {"features": "classical", "sigma_max": 2, "trees": 5, "seed": 3}
VALUES |= {"classifier": "random_forest", "augment": "none"}


def roi(group: int, left: int) -> ImagejRoi:
    found = ImagejRoi.frompoints([(left, 4), (left + 6, 4), (left + 6, 14), (left, 14)])
    found.group, found.name = group, f"{'dark' if group == 1 else 'bright'}-01"
    return found


def picture(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [rng.integers(0, 90, (20, 15)), rng.integers(150, 255, (20, 15))], 1
    ).astype(np.uint8)


def masks(seed: int) -> np.ndarray:
    labels = np.zeros((20, 30), np.uint8)
    labels[4:14, 2 + seed : 8], labels[4:14, 20:26] = 1, 2
    return labels


@pytest.fixture
def tree(tmp_path):
    """Images in two folders: four with overlays, two without; RoiSets and label images besides."""
    for k in range(6):
        folder = tmp_path / "images" / ("day 1" if k % 2 else "day 2")
        folder.mkdir(parents=True, exist_ok=True)
        rois = [roi(1, 2 + k % 2), roi(2, 20)]
        overlay = {"Overlays": [r.tobytes() for r in rois]} if k < 4 else {}
        path = folder / f"cell {k // 2}.tif"  # the same names in both folders
        tifffile.imwrite(path, picture(k), imagej=True, metadata=overlay)
        if k < 4:
            roiwrite(path.with_suffix(".zip"), rois, mode="w")
            tifffile.imwrite(path.with_name(f"cell {k // 2}-labels.tif"), masks(k % 2))
            apart = tmp_path / "labels" / folder.name
            apart.mkdir(parents=True, exist_ok=True)
            tifffile.imwrite(apart / f"cell {k // 2}.png.tif", masks(k % 2))
    (tmp_path / "images" / "day 1" / "broken.tif").write_bytes(b"II*\0")
    return tmp_path / "images"


@pytest.mark.parametrize(
    "options",
    [
        {"labels": "overlay"},
        {"labels": "file"},
        {"labels": "file", "pattern": "*.zip"},
        {"labels": "image", "filter": "cell ?.tif"},
        {"labels": "image", "pattern": "../../labels/day 1/*.png.tif", "filter": "day 1/*.tif"},
        {"labels": "image", "pattern": "{top}/labels/*.png.tif"},
    ],
)
def test_every_kind_of_labels_gives_what_python_gives(tree, options):
    pattern = options.get("pattern", "").replace("{top}", str(tree.parent))
    options = {**options, "pattern": pattern}
    model, files = train_from_files([tree], recursive=True, values=VALUES, **options)
    places = [file.source.place.as_posix() for file in files]
    expected = [f"day {d}/cell {k}.tif" for d in (1, 2) for k in (0, 1)]
    assert places == (expected[:2] if "day 1" in options.get("filter", "") else expected)
    examples = []
    for file in files:
        image = tdseg.read_image(file.source.path)
        if options["labels"] == "image":
            beside = file.source.path.with_name(file.source.path.stem + "-labels.tif")
            labels = tdseg.read_labels(beside, image, kind="image")
        else:
            labels = tdseg.read_labels(file.source.path, image, kind="rois")
        examples.append((image, labels))
    names = {} if options["labels"] == "image" else {1: "dark", 2: "bright"}
    right = tdseg.train(examples, tdseg.Settings(**VALUES))
    shown = picture(7)
    np.testing.assert_array_equal(
        tdseg.apply(model, shown).probabilities, tdseg.apply(right, shown).probabilities
    )
    assert model.report.grouping == "image"
    assert model.summary["images"] == places
    for row, (_, labels) in zip(pixel_rows(files), examples, strict=True):
        assert row[names.get(1, "class 1")] == int((labels.value == 1).sum())
        assert row["All"] == len(labels)


@pytest.mark.parametrize(
    ("given", "filter", "pattern"),
    [
        ("", "*_image.tif", "*_labels.tif"),
        ("*_image.tif", "", "*_labels.tif"),
        ("", "x_*.tif", "x_*_labels.png"),  # the whole name comes first
    ],
)
def test_the_star_of_the_filter_pairs_images_and_labels(tmp_path, given, filter, pattern):
    for k in range(3):
        tifffile.imwrite(tmp_path / f"x_{k}_image.tif", picture(k))
        tifffile.imwrite(tmp_path / f"x_{k}_labels.tif", masks(1))
        Picture.fromarray(masks(0)).save(tmp_path / f"x_{k}_image_labels.png")
    source = tmp_path / given if given else tmp_path
    _, files = train_from_files(
        [source], labels="image", filter=filter, pattern=pattern, values=VALUES
    )
    assert [file.source.place.name for file in files] == [f"x_{k}_image.tif" for k in range(3)]
    seed = 1 if "labels.tif" in pattern else 0
    assert {len(file.labels) for file in files} == {np.count_nonzero(masks(seed))}


def test_one_image_is_in_memory_at_a_time(tree):
    alive: list[weakref.ref] = []
    most = 0

    def read(path):
        nonlocal most
        image = tdseg.read_image(path)
        alive.append(weakref.ref(image.source.array))
        gc.collect()
        most = max(most, sum(ref() is not None for ref in alive))
        return image

    model, files = train_from_files([tree], recursive=True, values=VALUES, read=read)
    assert len(files) == 4
    assert most <= 2  # one in use while the next is read
    assert model.report is not None


def test_what_does_not_pair_up_is_a_sentence(tree):
    bare = tree / "day 1" / "cell 2.tif"
    for given, options, words in (
        ([bare], {"labels": "file"}, r"has no label file \*\.zip or \*\.roi"),
        ([bare], {"labels": "image", "pattern": "*-x.tif"}, r"no label file \*-x\.tif"),
        ([tree / "day 1"], {"labels": "image", "pattern": "nowhere"}, "is no folder"),
        ([tree / "day 2"], {"labels": "file", "pattern": "*.xyz"}, "None of 5 images"),
        ([bare], {"labels": "overlay"}, "no overlay"),
        ([tree / "day ?" / "*2.tif"], {"labels": "overlay"}, "None of 2 images has ROIs"),
    ):
        with pytest.raises(TdsegError, match=words):
            train_from_files(given, values=VALUES, **options)


def test_a_file_that_changes_meanwhile_is_not_trained_on(tree):
    seen = []

    def read(path):
        seen.append(path)
        if len(seen) > 4:
            tifffile.imwrite(path, np.zeros((9, 9), np.uint8))
        return tdseg.read_image(path)

    with pytest.raises(TdsegError, match="was changed while it was used"):
        train_from_files([tree], recursive=True, values=VALUES, read=read)


def test_the_command_trains_and_applies(tree, tmp_path):
    session, progress = Session(), Silent()
    session.set_classes(["dark", "bright"])
    line = f"input=[{tree}] recursive features=classical sigma_max=2 trees=5 seed=3"
    line += " classifier=random_forest augment=none"
    command = BY_NAME["TDS Train from Folder..."]
    reply, recorded = run_command(command, line, session, progress, None, Host())
    assert [table.title for table in reply.tables] == [
        "TDS Labelled Pixels",
        "TDS Held-out Quality",
    ]
    first = reply.tables[0].rows[0]
    assert first["Image"] == "day 1/cell 0.tif"
    assert set(first) == {"Image", "dark", "bright", "All"}
    assert {row["Held out by"] for row in reply.tables[1].rows} == {"image"}
    assert "4 images with labels." in progress.notes[-1]
    inside = recorded.removeprefix('run("TDS Train from Folder...", "').removesuffix('");')
    before = tdseg.apply(session.current_model(), picture(8)).probabilities
    _, again = run_command(command, inside, session, progress, None, Host())
    assert again == recorded
    after = tdseg.apply(session.current_model(), picture(8)).probabilities
    np.testing.assert_array_equal(before, after)
