"""Objects of classes against ImageJ's own particle analyser; legends and composites in ImageJ."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

import tdseg
from tdseg.imagej.java import jc, to_java

MINIMUM = 6


@pytest.fixture
def labels(ij):
    """A stack of two slices with blobs of label 1 and 2, some with holes, some at the border."""
    noise = np.random.default_rng(3).normal(0, 1, (2, 80, 90))
    smooth = ndimage.gaussian_filter(noise, (0, 2, 2))
    values = np.digitize(smooth, np.quantile(smooth, [0.4, 0.7])).astype(np.uint8)
    stack = jc.ImageStack(90, 80)
    for plane in values:
        stack.addSlice(None, to_java(plane))
    imp = jc.ImagePlus("blobs", stack)
    imp.getCalibration().pixelWidth = imp.getCalibration().pixelHeight = 0.5
    imp.getCalibration().setUnit("um")
    return imp, values


def run(ij, imp, text):
    printed = []
    ij.run_macro(text, image=imp, on_print=printed.append)
    return "\n".join(printed)


def particles(ij, imp, value, slice_):
    """Areas and centroids that ImageJ's particle analyser finds, smallest area first."""
    told = run(
        ij,
        imp,
        f"""
        setSlice({slice_}); setThreshold({value}, {value}, "raw");
        run("Set Measurements...", "area centroid redirect=None decimal=9");
        run("Analyze Particles...", "size={MINIMUM}-Infinity pixel show=Nothing clear display");
        for (i = 0; i < nResults; i++)
            print("found", getResult("Area", i), getResult("X", i), getResult("Y", i));
        run("Clear Results"); resetThreshold();
        run("Set Measurements...", "area mean min redirect=None decimal=3");
        """,
    )
    found = [line.split()[1:] for line in told.splitlines() if line.startswith("found ")]
    return sorted(tuple(float(word) for word in words) for words in found)


def objects_of(imp, name, slice_):
    """Areas and centroids that ImageJ measures in the overlay's ROIs."""
    found = []
    for roi in imp.getOverlay().toArray():
        if str(roi.getName()).startswith(f"{name}-") and int(roi.getPosition()) == slice_:
            imp.setSliceWithoutUpdate(slice_)
            imp.setRoi(roi.clone())
            measured = imp.getStatistics(1 + 32)  # area and centroid
            found.append((float(measured.area), measured.xCentroid, measured.yCentroid))
    imp.deleteRoi()
    return sorted(found)


@pytest.mark.parametrize(("value", "slice_"), [(1, 1), (2, 2)])
def test_objects_are_those_of_the_particle_analyser(ij, labels, value, slice_):
    imp, _ = labels
    run(ij, imp, f'run("TDS Set Classes...", "classes=[wall,pore]");'
        f'run("TDS Objects...", "classes_from=image min_size={MINIMUM}");')  # fmt: skip
    ours = objects_of(imp, ("wall", "pore")[value - 1], slice_)
    theirs = particles(ij, imp, value, slice_)
    assert len(ours) > 5
    np.testing.assert_allclose([o[0] for o in ours], [p[0] for p in theirs], rtol=1e-6)
    # Where areas are equal, the order is by chance of rounding.
    for axis in (1, 2):
        np.testing.assert_allclose(
            sorted(o[axis] for o in ours), sorted(p[axis] for p in theirs), atol=1e-4
        )


def test_one_roi_for_each_class_and_slice_covers_its_pixels(ij, labels):
    imp, values = labels
    run(ij, imp, 'run("TDS Objects...", "classes_from=image outlines=classes classes=2");')
    rois = list(imp.getOverlay().toArray())
    assert [int(roi.getPosition()) for roi in rois] == [1, 2]
    assert {int(roi.getGroup()) for roi in rois} == {0}  # no labels
    for roi, plane in zip(rois, values, strict=True):
        mask = jc.ByteProcessor(90, 80)
        mask.setValue(1.0)
        mask.fill(roi)
        painted = np.array(mask.getIntArray()).T
        np.testing.assert_array_equal(painted, plane == 2)


def test_smoothing_keeps_straight_edges_and_drops_specks(ij):
    plane = np.zeros((40, 40), np.uint8)
    plane[:, 20:] = 1
    plane[10, 10] = 1
    imp = jc.ImagePlus("half", jc.ByteProcessor(40, 40, to_java(plane)))
    run(ij, imp, 'run("TDS Objects...", "classes_from=image smoothing=2");')
    (roi,) = imp.getOverlay().toArray()
    box = roi.getBounds()
    assert (int(box.x), int(box.y), int(box.width), int(box.height)) == (20, 0, 20, 40)
    assert int(roi.getStatistics().pixelCount) == 800


def test_mistakes_name_the_remedy(ij, labels):
    imp, _ = labels
    with pytest.raises(tdseg.TdsegError, match="there is no class 'x'"):
        run(ij, imp, 'run("TDS Objects...", "classes_from=image classes=x");')
    if ij.headless:
        with pytest.raises(tdseg.TdsegError, match="use where=overlay"):
            run(ij, imp, 'run("TDS Objects...", "classes_from=image where=manager");')
    imp = jc.ImagePlus("grey", imp.getProcessor().convertToFloat())
    with pytest.raises(tdseg.TdsegError, match="or use classes_from=classifier"):
        run(ij, imp, 'run("TDS Objects...", "classes_from=image");')


def test_legend_and_composite(ij):
    told = run(
        ij,
        None,
        """
        setBatchMode(true);
        newImage("cells", "8-bit ramp", 200, 120, 1);
        run("TDS Set Classes...", "classes=[dark one,bright]");
        makeRectangle(2, 2, 30, 30); run("TDS Add Label...", "class=1");
        makeRectangle(160, 2, 30, 30); run("TDS Add Label...", "class=2");
        run("Select None");
        run("TDS Train...", "features=classical sigma_max=2 trees=10 held_out=false");
        selectImage("cells");
        run("TDS Class Statistics", "classes_from=classifier");
        run("TDS Apply...", "output=composite legend=true");
        Stack.getDisplayMode(mode);
        print("made", mode, Overlay.size);
        for (i = 0; i < Overlay.size; i++) {
            Overlay.activateSelection(i);
            print(Roi.getName + "; " + Roi.getType + "; " + Roi.getFillColor + "; " + Roi.getGroup);
        }
        run("Select None");
        getLut(r, g, b); print(r[255], g[255], b[255]);
        close();
        """,
    ).splitlines()
    made = told[told.index("made composite 5") :]
    assert made[2].startswith("legend colour 1; rectangle; blue; 0")
    assert made[4].startswith("legend colour 2; rectangle; red; 0")
    assert made[-1] == "0 0 255"
