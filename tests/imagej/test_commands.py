"""The commands as macro users call them, in whichever ImageJ is configured."""

import jpype
import numpy as np
import pytest
import tifffile

import tdseg
from tdseg.imagej.images import from_imageplus
from tdseg.imagej.java import jc
from tdseg.workflow.file_info import file_info

FAST = "trees=10 backbone=offline quality=fast held_out=false"
PREPARE = """
newImage("cells.tif", "8-bit ramp", 60, 40, 1);
run("Set Scale...", "distance=2 known=1 unit=um");
run("TDS Set Classes...", "classes=[dark,bright]");
makeRectangle(2, 2, 10, 30); run("TDS Add Label...", "class=dark");
makeOval(48, 5, 8, 20); run("TDS Add Label...", "class=bright");
run("Select None");
"""


def macro(ij, text, arg=None):
    printed = []
    value = ij.run_macro(f"setBatchMode(true);\n{text}", arg, on_print=printed.append)
    return value, "\n".join(printed)


def failing(ij, text):
    with pytest.raises(tdseg.TdsegError) as caught:
        macro(ij, text)
    message = str(caught.value)
    assert "\n" not in message
    assert "at org." not in message
    assert "Exception" not in message
    return message


def test_the_whole_job(ij, tmp_path):
    path = tmp_path / "µ cells.tdseg"
    value, _ = macro(
        ij,
        PREPARE
        + f"""
        before = Overlay.size;
        run("TDS Train...", "features=hybrid classifier=random_forest {FAST}");
        run("TDS Apply...", "output=labels");
        title = getTitle();
        getPixelSize(unit, width, height);
        dark = getPixel(1, 1); bright = getPixel(58, 20);
        run("TDS Save Classifier...", "path=[" + getArgument() + "]");
        saveAs("Tiff", getArgument() + ".tif");
        return "" + before + "|" + title + "|" + unit + "|" + width + "|" + dark + "|" + bright
            + "|" + bitDepth();
        """,
        str(path),
    )
    before, title, unit, width, dark, bright, depth = value.split("|")
    assert (before, title, dark, bright, depth) == ("2", "cells-labels", "1", "2", "8")
    assert unit in ("um", "µm", "microns", "micron")
    assert float(width) == 0.5
    again, _ = macro(
        ij,
        PREPARE
        + """
        run("TDS Load Classifier...", "path=[" + getArgument() + "]");
        run("TDS Apply...", "output=probabilities");
        setSlice(2);
        return getInfo("slice.label") + "|" + nSlices + "|" + bitDepth() + "|" + getValue(58, 20);
        """,
        str(path),
    )
    label, slices, depth, value = again.split("|")
    assert (label, slices, depth) == ("bright", "2", "32")
    assert float(value) > 0.5
    assert tifffile.imread(f"{path}.tif").shape == (40, 60)


def test_the_active_image_is_never_changed(ij):
    value, _ = macro(
        ij,
        PREPARE
        + f"""
        id = getImageID();
        getStatistics(area, mean, min, max, std);
        run("TDS Train...", "features=classical {FAST}");
        run("TDS Apply...", "output=overlay");
        other = getImageID();
        selectImage(id);
        getStatistics(area2, mean2, min2, max2, std2);
        same = (mean == mean2) && (std == std2);
        return "" + (id != other) + "," + same + "," + Overlay.size;
        """,
    )
    assert value == "1,1,2"


def test_features_are_named_slices(ij):
    value, _ = macro(
        ij,
        PREPARE
        + """
        run("TDS Features...", "features=classical classical=gaussian,sobel sigma_max=2");
        names = getTitle();
        for (i = 1; i <= nSlices; i++) { setSlice(i); names += "|" + getInfo("slice.label"); }
        return names;
        """,
    )
    assert value.split("|") == [
        "cells-features",
        "original",
        "Sobel_filter_0.0",
        "Gaussian_blur_1.0",
        "Sobel_filter_1.0",
        "Gaussian_blur_2.0",
        "Sobel_filter_2.0",
    ]


def test_labels_keep_slice_group_name_and_colour(ij):
    macro(ij, 'run("TDS Set Classes...", "classes=[a,b,nucleus]");')
    imp = jc.IJ.createImage("stack", "8-bit black", 30, 20, 4)
    imp.setSlice(3)
    imp.setRoi(jc.Roi(3, 3, 5, 5))
    jc.WindowManager.setTempCurrentImage(imp)
    jc.IJ.run(imp, "TDS Add Label...", "class=nucleus")
    jc.IJ.run(imp, "TDS Add Label...", "class=3")
    first, second = imp.getOverlay().toArray()
    assert [str(r.getName()) for r in (first, second)] == ["nucleus-01", "nucleus-02"]
    assert first.getGroup() == 3
    assert first.getPosition() == 3 or first.getZPosition() == 3
    assert str(jc.Roi.getGroupName(3)) == "nucleus"


def test_several_images_train_one_classifier(ij):
    _, printed = macro(
        ij,
        PREPARE
        + f"""
        run("TDS Train...", "features=classical {FAST}");
        run("Duplicate...", "title=second");
        run("Invert");
        run("TDS Train...", "features=classical append=true {FAST}");
        """,
    )
    model = tdseg.imagej.session().model
    assert model.summary["images"] == ["cells.tif", "second"]
    assert "Trained mean" in printed


def test_training_tells_precision_and_recall(ij):
    macro(
        ij,
        PREPARE
        + """
        makeRectangle(2, 34, 10, 4); run("TDS Add Label...", "class=dark");
        makeRectangle(50, 30, 8, 4); run("TDS Add Label...", "class=bright");
        run("TDS Train...", "features=classical trees=10");
        """,
    )
    report = tdseg.imagej.session().model.report
    assert report.grouping == "roi"
    assert report.class_names == ("dark", "bright")
    assert min(report.f1) > 0.9
    assert len(report.top_features) == 10


def test_class_statistics_are_calibrated(ij):
    value, _ = (
        macro(
            ij,
            PREPARE
            + f"""
        run("TDS Train...", "features=classical {FAST}");
        run("TDS Apply...", "output=labels");
        run("TDS Class Statistics", "");
        selectWindow("TDS Class Statistics");
        return "" + Table.get("Pixels", 0) + "|" + Table.get("Area", 0) + "|"
            + Table.getString("Class", 1) + "|" + Table.get("Pixels", 1);
        """,
        )
        if not ij.headless
        else ("", "")
    )
    if value:
        pixels, area, name, others = value.split("|")
        assert float(area) == pytest.approx(float(pixels) / 4)
        assert name == "bright"
        assert float(pixels) + float(others) == 2400


def test_rois_are_measured_each_on_its_own(ij):
    imp = jc.IJ.createImage("objects", "32-bit black", 30, 20, 1)
    imp.getProcessor().setValue(7.0)
    imp.getProcessor().fill(jc.Roi(2, 2, 4, 4))
    overlay = jc.Overlay()
    overlay.add(jc.Roi(2, 2, 4, 4))
    overlay.add(jc.Roi(2, 2, 8, 4))
    imp.setOverlay(overlay)
    from tdseg.commands.measure import read_regions
    from tdseg.commands.request import Request
    from tdseg.commands.table import BY_NAME
    from tdseg.imagej.host import host_image
    from tdseg.runtime.progress import Silent
    from tdseg.workflow.measure import measure_regions

    command = BY_NAME["TDS Measure ROIs..."]
    request = Request(command, {}, tdseg.imagej.session(), Silent(), host_image(imp))
    regions = read_regions(request)
    rows, _ = measure_regions(
        from_imageplus(imp),
        regions,
        tdseg.Settings(features="classical", classical="gaussian"),
    )
    assert [row["original"] for row in rows] == [7.0, 3.5]
    assert [row["Pixels"] for row in rows] == [16, 32]


def test_status_and_extensions(ij):
    _, printed = macro(ij, 'run("TDS Status", "");')
    assert "backbone: " in printed
    assert "offline default" in printed or "dinov2" in printed
    assert f"Java: {ij.java_version}" in printed
    assert "last error: " in printed
    value, _ = macro(
        ij,
        """
        run("TDS Macro Extensions", "");
        run("TDS Set Classes...", "classes=[wall,pore]");
        return "" + Ext.TDS_classCount() + Ext.TDS_className(2) + Ext.TDS_status("device");
        """,
    )
    assert value == "2porecpu" or value.startswith("2pore")


def test_what_made_a_result_is_shown_and_kept(ij, tmp_path):
    macro(
        ij,
        PREPARE
        + f"""
        run("TDS Train...", "features=classical classical=gaussian {FAST}");
        run("TDS Apply...", "output=probabilities");
        run("TDS Refine...", "output=labels");
        run("Duplicate...", "title=copy");
        saveAs("Tiff", getArgument());
        """,
        str(tmp_path / "refined.tif"),
    )
    imp = jc.IJ.openImage(str(tmp_path / "refined.tif"))
    shown = str(jpype.JClass("ij.plugin.ImageInfo")().getImageInfo(imp))
    model = tdseg.imagej.session().model
    assert f"tdseg.classifier_hash: {model.sha256}" in shown
    found = dict(file_info(tmp_path / "refined.tif"))
    assert found["classifier hash"] == model.sha256
    assert found["macro line"].startswith('run("TDS Refine...", ')
    assert "crf_iterations=10" in found["refined"]


def test_labels_travel_through_files(ij, tmp_path):
    path = tmp_path / "labels of cells.zip"
    value, _ = macro(
        ij,
        PREPARE
        + """
        run("TDS Save Labels...", "path=[" + getArgument() + "]");
        run("TDS Load Labels...", "path=[" + getArgument() + "]");
        added = Overlay.size;
        run("TDS Load Labels...", "path=[" + getArgument() + "] replace=true");
        replaced = Overlay.size;
        run("TDS Labels to Image", "");
        return "" + added + "," + replaced + "," + getPixel(3, 3) + "," + getPixel(52, 15)
            + "," + getPixel(30, 20);
        """,
        str(path),
    )
    assert value == "4,2,1,2,0"


def test_mistakes_are_sentences(ij, tmp_path):
    assert "featuers" in failing(ij, PREPARE + 'run("TDS Train...", "featuers=deep");')
    assert "'hybrid', 'deep', 'classical'" in failing(
        ij, PREPARE + 'run("TDS Train...", "features=deeep");'
    )
    assert "lacks a value" in failing(ij, PREPARE + 'run("TDS Train...", "trees=");')
    assert "open an image" in failing(
        ij, 'while (nImages > 0) close(); run("TDS Apply...", "output=labels");'
    )
    assert "'membrane'" in failing(
        ij, PREPARE + 'makeRectangle(1,1,3,3); run("TDS Add Label...", "class=membrane");'
    )
    assert "no selection" in failing(ij, PREPARE + 'run("TDS Add Label...", "class=dark");')
    assert "overlay" in failing(
        ij, 'newImage("bare", "8-bit ramp", 20, 20, 1); run("TDS Train...", "");'
    )
    missing = tmp_path / "none.tdseg"
    assert str(missing) in failing(ij, f'run("TDS Load Classifier...", "path=[{missing}]");')
    assert str(tmp_path) in failing(ij, f'run("TDS Load Classifier...", "path=[{tmp_path}]");')


def test_errors_inside_python_are_sentences(ij, monkeypatch):
    from tdseg.commands import info

    def broken(request):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(info, "status", broken)
    message = failing(ij, 'run("TDS Status", ""); print("never");')
    assert "TDS Status failed unexpectedly" in message
    assert "division by zero" in message


def test_saving_does_not_overwrite(ij, tmp_path):
    path = tmp_path / "c.tdseg"
    train = PREPARE + f'run("TDS Train...", "features=classical {FAST}");'
    save = f'run("TDS Save Classifier...", "path=[{path}]");'
    macro(ij, train + save)
    content = path.read_bytes()
    assert "existing=" in failing(ij, save)
    assert path.read_bytes() == content
    macro(ij, save.replace("]", "] existing=overwrite"))


def test_recorded_lines_replay_to_identical_pixels(ij):
    session = tdseg.imagej.session()
    macro(ij, PREPARE + f'run("TDS Train...", "features=hybrid {FAST}");')
    train_line = session.last_line
    assert "auto" not in train_line
    assert "backbone=efficientnet_lite0" in train_line
    macro(ij, PREPARE + train_line + '\nrun("TDS Apply...", "output=both");')
    apply_line = session.last_line
    first = session.model
    macro(ij, PREPARE + train_line + "\n" + apply_line)
    second = session.model
    image = tdseg.Image.from_array(np.arange(2400, dtype=np.uint8).reshape(40, 60))
    np.testing.assert_array_equal(
        tdseg.apply(first, image).probabilities, tdseg.apply(second, image).probabilities
    )
