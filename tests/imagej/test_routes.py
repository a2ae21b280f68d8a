"""The same pixels by every route."""

import subprocess
import sys

import numpy as np
import pytest
import tifffile

import tdseg
from tdseg.cli import main
from tdseg.demo import write_sample
from tdseg.imagej.java import jc
from tdseg.images.samples import texture_mosaic

OPTIONS = {"trees": 10, "backbone": "offline", "quality": "fast", "held_out": False, "seed": 5}
LINE = " ".join(f"{k}={str(v).lower()}" for k, v in OPTIONS.items())


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("routes") / "sample µ.tif"
    write_sample(path, texture_mosaic(128))
    return path


@pytest.fixture(scope="module")
def by_macro(ij, sample):
    """Labels from a macro, headless and in batch mode."""
    folder = sample.parent.as_posix()
    ij.run_macro(
        f"""
        setBatchMode(true);
        open(getArgument());
        id = getImageID();
        run("TDS Train...", "{LINE}");
        run("TDS Apply...", "output=labels");
        saveAs("Tiff", "{folder}/macro.tif");
        selectImage(id);
        run("TDS Apply...", "output=uncertainty");
        saveAs("Tiff", "{folder}/doubt.tif");
        selectImage(id);
        run("TDS Save Classifier...", "path=[{folder}/macro.tdseg]");
        """,
        str(sample),
        on_print=lambda line: None,
    )
    return tifffile.imread(sample.parent / "macro.tif")


@pytest.fixture(scope="module")
def doubt_by_macro(by_macro, sample):
    """Uncertainty from the same macro."""
    found = tifffile.imread(sample.parent / "doubt.tif")
    assert 0 == found.min() < found.max() <= 1
    return found


def test_python_gives_the_macros_pixels(by_macro, doubt_by_macro, sample):
    from tdseg.labels.roi_files import labels_from_roi_file

    image = tdseg.read_image(sample)
    labels = labels_from_roi_file(sample, (*image.shape[:2], *image.size))
    model = tdseg.train([(image, labels)], tdseg.Settings(**OPTIONS))
    result = tdseg.apply(model, image)
    np.testing.assert_array_equal(result.labels[0, 0], by_macro)
    np.testing.assert_array_equal(result.uncertainty[0, 0], doubt_by_macro)


def test_the_command_line_gives_the_macros_pixels(
    by_macro, doubt_by_macro, sample, tmp_path, capsys
):
    options = [f"--{k.replace('_', '-')}={str(v).lower()}" for k, v in OPTIONS.items()]
    model = tmp_path / "cells.tdseg"
    assert main(["train", str(sample), "--model", str(model), *options]) == 0
    apply = ["apply", str(model), str(sample), "--output-folder", str(tmp_path / "out")]
    assert main(apply) == 0
    found = tifffile.imread(tmp_path / "out" / "sample µ-labels.tif")
    np.testing.assert_array_equal(found, by_macro)
    assert main([*apply, "--output=uncertainty"]) == 0
    found = tifffile.imread(tmp_path / "out" / "sample µ-uncertainty.tif")
    np.testing.assert_array_equal(found, doubt_by_macro)


def test_a_saved_classifier_gives_the_same_pixels_in_another_process(by_macro, sample):
    code = (
        "import sys, tdseg, numpy as np;"
        "m = tdseg.load(sys.argv[1]); i = tdseg.read_image(sys.argv[2]);"
        "np.save(sys.argv[3], tdseg.apply(m, i).labels)"
    )
    out = sample.parent / "other.npy"
    saved = sample.parent / "macro.tdseg"
    subprocess.run([sys.executable, "-c", code, str(saved), str(sample), str(out)], check=True)
    np.testing.assert_array_equal(np.load(out)[0, 0], by_macro)


def test_without_batch_mode_and_by_a_direct_call(ij, by_macro, sample):
    imp = jc.IJ.openImage(str(sample))
    jc.WindowManager.setTempCurrentImage(imp)
    jc.IJ.run(imp, "TDS Train...", LINE)
    model = tdseg.imagej.session().model
    image = tdseg.read_image(sample)
    np.testing.assert_array_equal(tdseg.apply(model, image).labels[0, 0], by_macro)
    jc.WindowManager.setTempCurrentImage(None)
