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
from tdseg.samples.mosaic import texture_mosaic

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
    assert 0 <= found.min() < 0.1 < found.max() <= 1
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


def test_several_images_give_the_same_pixels_and_the_line_says_how(ij, sample, tmp_path):
    """Trained on two images of different brightness, `augment=auto` decides alike everywhere."""
    first, second = tmp_path / "a.tif", tmp_path / "b.tif"
    mosaics = [texture_mosaic(96), texture_mosaic(96)]
    mosaics[1].image[:] = 255 * (mosaics[1].image / 255) ** 2
    for path, mosaic in zip((first, second), mosaics, strict=True):
        write_sample(path, mosaic)
    options = {"features": "classical", "sigma_max": 2, "trees": 10, "held_out": False}
    line = " ".join(f"{k}={str(v).lower()}" for k, v in options.items())

    def by_macro(*calls):
        recorded = []
        for path, call in zip((first, second), calls, strict=True):
            macro = f'setBatchMode(true); open("{path.as_posix()}"); {call}'
            ij.run_macro(macro, on_print=lambda text: None)
            recorded.append(tdseg.imagej.session().last_line)
        return recorded, tdseg.imagej.session().model

    calls = (f'run("TDS Train...", "{line}");', f'run("TDS Train...", "{line} append=true");')
    recorded, model = by_macro(*calls)
    chosen = model.settings.augment
    assert chosen == model.summary["augment"]["chosen"]
    assert "augment=none" in recorded[0]
    assert f"augment={chosen}" in recorded[1]
    image = tdseg.read_image(second)
    found = tdseg.apply(model, image).probabilities
    again, replayed = by_macro(*recorded)
    assert again == recorded
    np.testing.assert_array_equal(tdseg.apply(replayed, image).probabilities, found)
    files = [str(path) for path in (first, second)]
    flags = [f"--{k.replace('_', '-')}={str(v).lower()}" for k, v in options.items()]
    assert main(["train", *files, "--model", str(tmp_path / "two.tdseg"), *flags]) == 0
    by_command_line = tdseg.load(tmp_path / "two.tdseg")
    examples = []
    for path in files:
        opened = tdseg.read_image(path)
        examples.append((opened, tdseg.read_labels(path, opened)))
    by_python = tdseg.train(examples, tdseg.Settings(**options))
    for trained in (by_command_line, by_python):
        assert trained.settings.augment == chosen
        np.testing.assert_array_equal(tdseg.apply(trained, image).probabilities, found)
