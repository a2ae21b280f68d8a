"""Results as ImageJ shows them."""

from __future__ import annotations

import numpy as np
import pytest

from tdseg.imagej import results
from tdseg.imagej.images import calibration_of, from_imageplus
from tdseg.imagej.java import jc
from tdseg.imagej.tables import results_table, show_table
from tdseg.labels.colours import glasbey

pytestmark = pytest.mark.usefixtures("ij")

HYPER = (
    "newImage('stack.tif', '8-bit grayscale-mode', 40, 30, 2, 3, 4);"
    "run('Properties...', 'unit=um pixel_width=0.5 pixel_height=0.5 voxel_depth=2');"
)
RNG = np.random.default_rng(0)


def test_labels(made):
    imp = made(HYPER)
    labels = RNG.integers(0, 4, (4, 3, 30, 40)).astype(np.uint8)
    shown = results.labels_imageplus(labels, imp, "stack-labels", {"tdseg.features": "hybrid"})
    shown.show()
    image = from_imageplus(shown)
    np.testing.assert_array_equal(image.array[:, :, 0], labels)
    assert shown.getTitle() == "stack-labels"
    assert image.calibration == calibration_of(imp)
    assert shown.getBitDepth() == 8
    assert shown.isHyperStack()
    assert shown.getProperty("Info") == "tdseg.features: hybrid\n"
    assert jc.WindowManager.getCurrentImage() is not None
    assert jc.WindowManager.getCurrentImage().getTitle() == "stack-labels"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_labels_have_the_colours_of_the_roi_groups(made, dtype):
    imp = made("newImage('a', '8-bit black', 40, 30, 1);")
    labels = np.zeros((1, 1, 30, 40), dtype)
    labels[0, 0, 0, :6] = [0, 1, 2, 3, 100, 255]
    shown = results.labels_imageplus(labels, imp, "a")
    colours = shown.getProcessor().convertToRGB()
    for x, group in enumerate((0, 1, 2, 3, 100, 255)):
        pixel = int(colours.getPixel(x, 0)) & 0xFFFFFF
        if group == 0:
            assert pixel == 0
            continue
        roi = jc.Roi(0, 0, 3, 3)
        roi.setGroup(group)
        assert pixel == int(roi.getStrokeColor().getRGB()) & 0xFFFFFF


def test_labels_above_255(made):
    imp = made("newImage('a', '8-bit black', 40, 30, 1);")
    labels = np.full((1, 1, 30, 40), 300, np.uint16)
    image = from_imageplus(results.labels_imageplus(labels, imp, "a"))
    assert image.dtype == np.uint16
    assert (image.array == 300).all()


def test_probabilities(made):
    imp = made(HYPER)
    values = RNG.random((4, 3, 3, 30, 40)).astype(np.float32)
    shown = results.probabilities_imageplus(values, imp, "stack-probabilities", ["a", "b", "c"], {})
    image = from_imageplus(shown)
    np.testing.assert_array_equal(image.array, values)
    assert shown.getTitle() == "stack-probabilities"
    assert shown.isHyperStack()
    assert [str(shown.getStack().getSliceLabel(i)) for i in (1, 2, 3, 4, 36)] == list("abcac")
    for c in (1, 2, 3):
        shown.setPositionWithoutUpdate(c, 1, 1)
        assert (shown.getDisplayRangeMin(), shown.getDisplayRangeMax()) == (0, 1)
    assert image.calibration == calibration_of(imp)


def test_probabilities_of_one_plane(made):
    imp = made("newImage('a', '8-bit black', 40, 30, 1);")
    values = RNG.random((1, 1, 2, 30, 40)).astype(np.float32)
    shown = results.probabilities_imageplus(values, imp, "a", ["x", "y"])
    assert list(shown.getDimensions()) == [40, 30, 2, 1, 1]
    np.testing.assert_array_equal(from_imageplus(shown).array, values)


def test_uncertainty(made):
    imp = made(HYPER)
    values = RNG.random((4, 3, 30, 40)).astype(np.float32)
    info = {"tdseg.features": "hybrid"}
    shown = results.uncertainty_imageplus(values, imp, "stack-uncertainty", info)
    image = from_imageplus(shown)
    np.testing.assert_array_equal(image.array[:, :, 0], values)
    assert list(shown.getDimensions()) == [40, 30, 1, 3, 4]
    assert shown.isHyperStack()
    assert shown.getBitDepth() == 32
    assert (shown.getDisplayRangeMin(), shown.getDisplayRangeMax()) == (0, 1)
    assert shown.getProperty("Info") == "tdseg.features: hybrid\n"
    assert image.calibration == calibration_of(imp)


def test_features(made):
    imp = made("newImage('a', '8-bit black', 40, 30, 1);")
    names = ["Original", "Gaussian_blur_1.0"]
    values = RNG.random((1, 1, 2, 30, 40)).astype(np.float32)
    shown = results.features_imageplus(values, imp, "a-features", names, {})
    assert shown.getTitle() == "a-features"
    assert list(shown.getDimensions()) == [40, 30, 1, 2, 1]
    assert [str(shown.getStack().getSliceLabel(i)) for i in (1, 2)] == names
    np.testing.assert_array_equal(from_imageplus(shown).array[0, :, 0], values[0, 0])
    many = results.features_imageplus(np.repeat(values, 3, axis=1), imp, "a", names)
    assert list(many.getDimensions()) == [40, 30, 2, 3, 1]


def test_overlay_is_on_a_duplicate_and_never_a_label(made):
    imp = made(HYPER)
    imp.setRoi(jc.Roi(3, 3, 5, 5))
    labels = np.zeros((1, 2, 30, 40), np.uint8)
    labels[0, 0, 2, 3], labels[0, 1, 5, 6] = 1, 2
    shown = results.overlay_imageplus(labels, imp, "stack-overlay", {}, [4, 11])
    assert imp.getOverlay() is None
    assert imp.getRoi() is not None
    np.testing.assert_array_equal(from_imageplus(shown).array, from_imageplus(imp).array)
    overlay = shown.getOverlay()
    assert overlay.size() == 2
    assert all(isinstance(overlay.get(i), jc.ImageRoi) for i in range(2))
    assert (overlay.get(0).getZPosition(), overlay.get(0).getTPosition()) == (2, 2)
    assert (overlay.get(1).getZPosition(), overlay.get(1).getTPosition()) == (3, 4)
    picture = overlay.get(1).getProcessor()
    red, green, blue = results.group_colours()[2].tolist()
    assert int(picture.getPixel(6, 5)) & 0xFFFFFF == red << 16 | green << 8 | blue
    assert int(picture.getPixel(0, 0)) & 0xFFFFFF == 0


def test_our_colours_where_imagej_has_none():
    """Embedded ImageJ brings no Glasbey LUT."""
    import os

    if os.path.exists(str(jc.IJ.getDirectory("luts") or "") + "glasbey.lut"):
        pytest.skip("this ImageJ has its own")
    np.testing.assert_array_equal(results.group_colours()[1:], glasbey()[1:])


def test_tables(ij):
    rows = [
        {"class": "nucleus", "pixels": 12, "area": 3.25},
        {"class": "µ", "extra": np.float32(1)},
    ]
    table = results_table(rows)
    assert str(table.getColumnHeadings()).split("\t")[-4:] == ["class", "pixels", "area", "extra"]
    assert table.size() == 2
    assert table.getStringValue("class", 1) == "µ"
    assert table.getValue("area", 0) == 3.25
    assert table.getValue("extra", 1) == 1


def test_tables_without_a_display_are_the_results_table(ij):
    if not ij.headless:
        pytest.skip("there is a display")
    ij.run_macro("run('Clear Results');")
    show_table("T", [{"a": 1}, {"a": 2}])
    lines: list[str] = []
    ij.run_macro("print(nResults, getResult('a', 1));", on_print=lines.append)
    show_table("T", [{"a": 7}])
    ij.run_macro("print(nResults, getResult('a', 0));", on_print=lines.append)
    assert lines == ["2 2", "1 7"]


def test_a_macros_own_measurements_are_kept(ij):
    lines: list[str] = []
    ij.run_macro("run('Clear Results'); setResult('mine', 0, 5); updateResults();")
    show_table("T", [{"a": 1}, {"a": 2}])
    ij.run_macro(
        "print(nResults, getResult('mine', 0)); run('Clear Results');", on_print=lines.append
    )
    assert lines == ["1 5"]
