"""A result carries the names of its classes, whatever the session calls them afterwards."""

from __future__ import annotations

import pytest

import tdseg
from tdseg.imagej.host import fiji_host, host_image
from tdseg.imagej.java import jc

CELLS = """
setBatchMode(true);
while (nImages > 0) close();
newImage("cells", "8-bit ramp", 40, 30, 1);
run("TDS Set Classes...", "classes=[dark,bright]");
makeRectangle(1, 1, 6, 20); run("TDS Add Label...", "class=dark");
makeRectangle(32, 1, 6, 20); run("TDS Add Label...", "class=bright");
run("Select None");
run("TDS Train...", "features=classical trees=10 held_out=false");
"""
RENAMED = 'run("TDS Set Classes...", "classes=[wall,pore,rest]");'


def measured(ij, text):
    """Names in the table of class statistics, after a macro: the table is shown in two ways."""
    if ij.headless:
        table, get = 'run("Clear Results");', "getResultString('Class', i)"
        count = "nResults"
    else:
        table, get = "", "Table.getString('Class', i, 'TDS Class Statistics')"
        count = "Table.size('TDS Class Statistics')"
    return ij.run_macro(
        f'{CELLS} {table} {text} run("TDS Class Statistics", ""); names = "";'
        f'for (i = 0; i < {count}; i++) names += {get} + ";"; return names;',
        on_print=lambda line: None,
    )


def test_statistics_and_probabilities_have_the_names_of_the_classifier(ij):
    assert measured(ij, RENAMED + 'run("TDS Apply...", "output=labels");') == "dark;bright;"
    shown = ij.run_macro(
        CELLS
        + RENAMED
        + 'run("TDS Apply...", "output=probabilities"); a = getInfo("slice.label"); setSlice(2);'
        'return a + ";" + getInfo("slice.label") + ";";',
        on_print=lambda line: None,
    )
    assert shown == "dark;bright;"


def test_labels_that_count_from_0_have_all_their_classes(ij):
    assert measured(ij, 'run("TDS Apply...", "first_label=0");') == "dark;bright;"


def test_names_travel_through_duplicates_and_files(ij, tmp_path):
    kept = f"""
    run("TDS Apply...", "output=labels");
    run("Duplicate...", "title=copy"); saveAs("Tiff", "{(tmp_path / "a.tif").as_posix()}");
    close(); open("{(tmp_path / "a.tif").as_posix()}");
    """
    assert measured(ij, RENAMED + kept) == "dark;bright;"


def test_labels_as_an_image_have_the_names_of_the_session(ij):
    now = 'run("TDS Labels to Image", "");'
    assert measured(ij, RENAMED + now + RENAMED.replace("wall", "floor")) == "wall;pore;"


def test_images_from_elsewhere_have_the_names_of_the_session(ij):
    drawn = 'newImage("drawn", "8-bit black", 9, 9, 1); setPixel(1, 1, 2); setPixel(2, 2, 3);'
    assert measured(ij, RENAMED + drawn) == "pore;rest;"


def test_numbered_objects_are_no_classes(ij):
    text = (
        RENAMED + 'selectImage("cells"); run("Select None");'
        'run("TDS Segment Without Labels...", "method=foreground features=classical min_size=9 '
        'adopt=false");'
    )
    assert measured(ij, text).startswith("class 1;")


def test_a_label_image_trains_under_the_names_it_carries(ij):
    ij.run_macro(
        CELLS + 'run("TDS Apply...", "output=labels"); rename("drawn"); selectImage("cells");',
        on_print=lambda line: None,
    )
    session = tdseg.imagej.session()
    session.classes = {}
    ij.run_macro(
        'run("TDS Train...", "labels=image labels_image=drawn features=classical trees=5 '
        'held_out=false");',
        on_print=lambda line: None,
    )
    assert session.model.class_names == ("dark", "bright")


def test_refined_labels_have_the_values_and_names_of_the_stack(ij):
    """Of classes 2 and 3, also when classifier and session are others by now."""
    text = """
    run("TDS Set Classes...", "classes=[rest,dark,bright]"); Overlay.clear;
    makeRectangle(1, 1, 6, 20); run("TDS Add Label...", "class=dark");
    makeRectangle(32, 1, 6, 20); run("TDS Add Label...", "class=bright"); run("Select None");
    run("TDS Train...", "features=classical trees=10 held_out=false");
    run("TDS Apply...", "output=probabilities"); rename("stack");
    newImage("other", "8-bit ramp", 40, 30, 1);
    run("TDS Set Classes...", "classes=[x,y]");
    makeRectangle(1, 1, 6, 20); run("TDS Add Label...", "class=x");
    makeRectangle(32, 1, 6, 20); run("TDS Add Label...", "class=y"); run("Select None");
    run("TDS Train...", "features=classical trees=10 held_out=false");
    selectImage("stack"); run("TDS Refine...", "output=labels");
    """
    assert measured(ij, text) == "dark;bright;"
    assert jc.WindowManager.getCurrentImage().getProcessor().getPixel(2, 2) == 2


@pytest.mark.parametrize("grouped", [True, False])
def test_measured_rois_have_the_names_that_training_gives(ij, grouped):
    """By the session, else by the ROIs' own names."""
    from tdseg.commands.measure import read_regions
    from tdseg.commands.request import Request
    from tdseg.commands.table import BY_NAME
    from tdseg.runtime.progress import Silent
    from tdseg.workflow.session import Session

    imp = jc.IJ.createImage("objects", "8-bit ramp", 30, 20, 1)
    overlay = jc.Overlay()
    for x in (2, 12):
        roi = jc.Roi(x, 2, 4, 4)
        roi.setName(f"nucleus-{x:02d}")
        roi.setGroup(3)
        overlay.add(roi)
    imp.setOverlay(overlay)
    session = Session()
    if grouped:
        session.classes = {3: "core"}
    command = BY_NAME["TDS Measure ROIs..."]
    request = Request(command, {}, session, Silent(), host_image(imp), fiji_host())
    names = {region.class_name for region in read_regions(request)}
    assert names == {"core" if grouped else "nucleus"}
