"""Segmentation without labels and refinement, as macros."""

import pytest

import tdseg
from tdseg.imagej.java import jc

BLOBS = """
setBatchMode(true);
while (nImages > 0) close();
newImage("blobs.tif", "8-bit black", 96, 80, 1);
run("Add Specified Noise...", "standard=6");
setColor(200);
fillOval(10, 12, 24, 24); fillOval(58, 40, 26, 26);
"""
FAST = "backbone=offline quality=fast"


def test_clusters_become_the_current_classifier_and_replay(ij):
    command = f'run("TDS Segment Without Labels...", "method=clusters clusters=2 {FAST}");'
    value = ij.run_macro(BLOBS + command + 'return getTitle() + "," + getPixel(22, 24);')
    title, inside = value.split(",")
    assert title == "blobs-labels"
    session = tdseg.imagej.session()
    assert session.model.classifier.kind == "clusters"
    again = ij.run_macro(BLOBS + session.last_line + 'return "" + getPixel(22, 24);')
    assert again == inside
    applied = ij.run_macro(
        BLOBS + 'run("TDS Apply...", "output=labels"); return "" + getPixel(22, 24);'
    )
    assert applied == inside


@pytest.mark.parametrize("method", ["foreground", "attention"])
def test_objects_are_outlined_and_listed(ij, method):
    value = ij.run_macro(
        BLOBS
        + f"""
        id = getImageID();
        run("TDS Segment Without Labels...", "method={method} objects=overlay min_size=50 {FAST}");
        title = getTitle();
        selectImage(id);
        return title + "," + Overlay.size;
        """
    )
    title, count = value.split(",")
    assert title == "blobs-labels"
    assert int(count) >= 1
    imp = jc.WindowManager.getTempCurrentImage()
    if imp is not None and imp.getOverlay() is not None:
        roi = imp.getOverlay().get(0)
        assert str(roi.getName()).startswith("object-")
        assert roi.getGroup() == 0


def test_refining_smooths_and_keeps_names(ij):
    value = ij.run_macro(
        BLOBS
        + """
        run("TDS Set Classes...", "classes=[ground,blob]");
        makeRectangle(1, 1, 8, 8); run("TDS Add Label...", "class=ground");
        makeRectangle(18, 20, 8, 8); run("TDS Add Label...", "class=blob");
        run("Select None");
        run("TDS Train...", "features=classical trees=10 held_out=false");
        run("TDS Apply...", "output=probabilities");
        run("TDS Refine...", "output=both");
        found = getTitle() + "," + getPixel(22, 24) + "," + getPixel(2, 2);
        selectImage("blobs-probabilities");
        setSlice(1); one = getPixel(28, 24); setSlice(2); margin = abs(getPixel(28, 24) - one);
        run("TDS Refine...", "output=uncertainty");
        getMinAndMax(low, high);
        doubt = getPixel(28, 24);
        same = abs(doubt - (1 - margin)) < 0.00001 || doubt == 1;
        return found + "," + getTitle() + "," + bitDepth() + "," + low + "," + high + "," + same;
        """
    )
    assert value == "blobs-refined-labels,2,1,blobs-refined-uncertainty,32,0,1,1"
