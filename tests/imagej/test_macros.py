"""Every ready macro runs in real ImageJ."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

import tdseg
from tdseg.demo import macro_folder, run_demo, write_sample
from tdseg.imagej.java import jc
from tdseg.samples.mosaic import texture_mosaic

MACROS = {path.name: path for path in Path(macro_folder()).glob("*.ijm")}
# Those that need more than an active image with labels and a classifier have their own test.
OWN_TEST = {"whole_workflow.ijm", "compare_with_weka.ijm", "refine.ijm"}
OWN_TEST |= {"apply_to_folder.ijm", "train_from_folder.ijm"}
OWN_TEST |= {"case_cells.ijm", "case_micrographs.ijm"}  # test_case_studies.py


@pytest.fixture
def labelled(ij):
    """An active image with four labels, and a current classifier."""
    ij.run_macro(
        """
        while (nImages > 0) close();
        newImage("cells", "8-bit ramp", 48, 40, 1);
        run("TDS Set Classes...", "classes=[background,object]");
        makeRectangle(2, 2, 6, 12); run("TDS Add Label...", "class=background");
        makeRectangle(2, 24, 6, 12); run("TDS Add Label...", "class=background");
        makeOval(38, 4, 8, 8); run("TDS Add Label...", "class=object");
        makeOval(38, 24, 8, 8); run("TDS Add Label...", "class=object");
        run("Select None");
        run("TDS Train...", "features=classical trees=10 held_out=false");
        """
    )
    return jc.WindowManager.getCurrentImage() or jc.WindowManager.getTempCurrentImage()


@pytest.mark.parametrize("name", sorted(set(MACROS) - OWN_TEST))
def test_the_macro_runs_on_a_labelled_image(ij, labelled, name, tmp_path):
    before = np.array(labelled.getProcessor().getIntArray())
    argument = str(tmp_path / "µ file") if name.startswith("save_and_load") else ""
    text = MACROS[name].read_text(encoding="utf-8")
    # The offline network and few trees: what is tested is the macro, not the segmentation.
    text = text.replace("features=hybrid", "features=hybrid backbone=offline quality=fast")
    text = text.replace("trees=200", "trees=10")
    ij.run_macro(text, argument, image=labelled, on_print=lambda line: None)
    np.testing.assert_array_equal(np.array(labelled.getProcessor().getIntArray()), before)
    if argument:
        assert list(tmp_path.iterdir())


def test_the_refine_macro(ij, labelled):
    ij.run_macro('run("TDS Apply...", "output=probabilities");', image=labelled)
    ij.run_macro(MACROS["refine.ijm"].read_text(encoding="utf-8"), on_print=lambda line: None)


def test_the_folder_macros_do_what_those_of_one_image_do(ij, labelled, tmp_path):
    images = tmp_path / "im µ" / "sub"
    images.mkdir(parents=True)
    by_macro, by_folder = f"{tmp_path}/labels.tif", tmp_path / "out" / "sub" / "copy-labels.tif"
    keep = f"""
        saveAs("Tiff", "{images}/copy.tif");
        run("TDS Train...", "features=classical classifier=random_forest trees=10 seed=0");
        run("TDS Apply...", "output=labels"); saveAs("Tiff", "{by_macro}"); close();
        run("TDS Train...", "features=classical trees=1 seed=5 held_out=false");
    """
    ij.run_macro(keep, image=labelled)  # the last classifier is another one
    train, apply = (MACROS[f"{n}_folder.ijm"] for n in ("train_from", "apply_to"))
    text = train.read_text(encoding="utf-8").replace("trees=200", "trees=10")
    printed = []
    ij.run_macro(
        text.replace("features=hybrid", "features=classical"), str(images), on_print=printed.append
    )
    assert any("1 image with labels." in line for line in printed)
    ij.run_macro(
        apply.read_text(encoding="utf-8"),
        f"{images.parent}|{tmp_path}/out",
        on_print=printed.append,
    )
    assert any("1 image: 1 segmented" in line for line in printed)
    np.testing.assert_array_equal(tifffile.imread(by_folder), tifffile.imread(by_macro))


def test_the_demo_writes_what_imagej_opens(ij, tmp_path, capsys):
    assert run_demo(tmp_path) == 0
    printed = capsys.readouterr().out
    for name in ("sample-hybrid-labels", "sample-probabilities", "sample-features"):
        imp = jc.IJ.openImage(str(tmp_path / f"{name}.tif"))
        assert imp is not None
        assert str(imp.getCalibration().getUnit()) in ("um", "µm", "micron")
    assert (tmp_path / "demo.png").stat().st_size > 10_000
    scores = {
        line.split()[0]: [float(v) for v in line.split()[1:]]
        for line in printed.splitlines()
        if line.strip().startswith(("classical", "deep", "hybrid"))
    }
    assert min(scores["hybrid"]) > max(scores["classical"])
    assert tdseg.load(tmp_path / "textures.tdseg").class_names == ("brick", "grass", "gravel")


def test_compare_with_weka_finds_no_difference(ij, reference_data, tmp_path):
    """TWS's own stack, as a user would have saved it, against ours."""
    stack = np.load(reference_data / "weka" / "nuclei8.all.npz")
    names = [str(name) for name in stack["names"]]
    chosen = [i for i, n in enumerate(names) if n.startswith(("Gaussian", "Mean", "Sobel"))]
    image = tifffile.imread(reference_data / "weka" / "nuclei8.input.tif")
    assert stack["stack"].shape[1:] == image.shape  # the macro compares whole images
    tifffile.imwrite(tmp_path / "image.tif", image)
    tifffile.imwrite(
        tmp_path / "stack.tif",
        stack["stack"][chosen],
        imagej=True,
        metadata={"axes": "ZYX", "Labels": [names[i] for i in chosen]},
    )
    printed = []
    text = MACROS["compare_with_weka.ijm"].read_text(encoding="utf-8")
    text = text.replace("classical=all", "classical=gaussian,mean,sobel")
    ij.run_macro(text, f"{tmp_path}/image.tif|{tmp_path}/stack.tif", on_print=printed.append)
    lines = "\n".join(printed).splitlines()
    assert f"{len(chosen)} slices compared" in lines[-4]
    assert [float(line.split()[-1]) for line in lines[-3:]] == [0, 0, 0]


def test_samples_carry_their_strokes_as_rois(ij, tmp_path):
    sample = texture_mosaic(128)
    write_sample(tmp_path / "sample.tif", sample)
    imp = jc.IJ.openImage(str(tmp_path / "sample.tif"))
    from imagej_labels import labels_from_overlay

    found = labels_from_overlay(imp)
    assert found.values == (1, 2, 3)
    drawn = found.to_label_image()[0, 0]
    # Bresenham's and ImageJ's lines need not agree pixel for pixel.
    assert (drawn[sample.labels > 0] == sample.labels[sample.labels > 0]).mean() > 0.8
