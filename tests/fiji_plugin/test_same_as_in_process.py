"""The plugin with its worker gives what the commands give inside Python's own ImageJ."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

import tdseg
from tdseg.workflow.file_info import file_info

SAVE = """
function keep(name) { saveAs("Tiff", out + name + ".tif"); close(); selectImage(id); }
function table(name) { saveAs("Results", out + name + ".csv"); run("Clear Results"); }
out = getArgument();
setBatchMode(true);
"""

WORKFLOW = """
newImage("cells.tif", "16-bit ramp", 48, 40, 3);
id = getImageID();
run("Set Scale...", "distance=1 known=0.5 unit=um");
for (i = 1; i <= 3; i++) { setSlice(i); run("Add...", "value=" + 5000 * i + " slice"); }
setSlice(1); setMetadata("Label", "day 1"); setSlice(3); setMetadata("Label", "day 3\\nof ten");
run("TDS Set Classes...", "classes=[dark one,bright]");
setSlice(2);
makeRectangle(1, 1, 12, 30); run("TDS Add Label...", "class=[dark one]");
makeOval(34, 5, 12, 30); run("TDS Add Label...", "class=bright");
setSlice(1);
makePoint(40, 20); run("TDS Add Label...", "class=2");
makePolygon(3, 3, 20, 5, 12, 30); run("Fit Spline"); run("TDS Add Label...", "class=1");
run("Select None");
run("TDS Train...", "features=classical sigma_max=4 trees=10 seed=3");
run("TDS Apply...", "output=both");
keep("labels");
selectImage("cells-probabilities");
rename("p"); keep("probabilities");
run("TDS Apply...", "output=overlay slices=2-3");
keep("overlay");
run("TDS Apply...", "output=uncertainty");
keep("uncertainty");
run("TDS Apply...", "output=composite legend=true");
rename("c"); keep("composite");
run("TDS Features...", "features=classical sigma_max=2 slices=2");
keep("features");
run("TDS Labels to Image");
run("TDS Class Statistics");
table("statistics");
run("TDS Objects...", "min_size=3 smoothing=0.7");
table("objects");
run("TDS Objects...", "outlines=classes");
keep("label-image");
run("TDS Measure ROIs...", "features=classical sigma_max=2");
table("regions");
run("TDS Save Labels...", "path=[" + out + "labels]");
run("Remove Overlay");
run("TDS Load Labels...", "path=[" + out + "labels.zip]");
saveAs("Tiff", out + "image.tif");
folder = "input=[" + out + "] filter=image.tif output_folder=[" + out + "folder";
from = "input=[" + out + "] filter=image.tif features=classical sigma_max=4 trees=10 seed=3";
run("TDS Train from Folder...", from + " reader=imagej");
run("TDS Apply to Folder...", folder + "] particles");
run("TDS Apply to Folder...", folder + "2] reader=imagej contact_sheet=false output=uncertainty");
print("group names: " + call("ij.gui.Roi.getGroupNames"));
"""

SAVED = "labels probabilities overlay uncertainty composite features label-image image".split()


@pytest.fixture(scope="module")
def both(own_imagej, tmp_path_factory):
    """The folders of the same macro's files: from the plugin, and from Python's own ImageJ."""
    plugin, here = (tmp_path_factory.mktemp(name) for name in ("by plugin", "here"))
    printed = own_imagej.run_macro(SAVE + WORKFLOW, f"{plugin}/")
    assert "Macro Error" not in printed, printed
    lines: list[str] = []
    tdseg.imagej.start().run_macro(SAVE + WORKFLOW, f"{here}/", on_print=lines.append)
    return plugin, here, printed.splitlines(), "\n".join(lines).splitlines()


@pytest.mark.parametrize("name", SAVED)
def test_an_image_is_the_same(both, name):
    ours, theirs = (_read(folder / f"{name}.tif") for folder in both[:2])
    np.testing.assert_array_equal(ours.pop("pixels"), theirs.pop("pixels"))
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("folder", [0, 1])
def test_what_was_saved_says_what_made_it(both, folder):
    found = {name: dict(file_info(both[folder] / f"{name}.tif")) for name in SAVED[:-1]}
    results = [found[name] for name in SAVED[:5]]
    job = dict(file_info(both[folder] / "folder" / "image-labels.tif"))
    assert {rows["classifier hash"] for rows in (*results, job)} == {job["classifier hash"]}
    assert {rows["trees"] for rows in results} == {"10"}
    assert found["features"]["sigma_max"] == "2.0"
    assert found["label-image"]["classes"] == "1=dark one, 2=bright"
    assert all(rows["version"] == tdseg.__version__ for rows in found.values())
    assert all(rows["macro line"].startswith("run(") for rows in found.values())


def test_a_folder_job_is_the_same(both):
    plugin, here = both[:2]
    for name in ("folder/image-labels.tif", "folder2/image-uncertainty.tif"):
        np.testing.assert_array_equal(tifffile.imread(plugin / name), tifffile.imread(here / name))
    labels, shown = tifffile.imread(plugin / "folder/image-labels.tif"), plugin / "labels.tif"
    np.testing.assert_array_equal(labels, tifffile.imread(shown))
    doubts = tifffile.imread(plugin / "folder2/image-uncertainty.tif")
    np.testing.assert_array_equal(doubts, tifffile.imread(plugin / "uncertainty.tif"))
    assert (plugin / "folder" / "contact-sheet-001.png").is_file()


def test_slices_of_labels_are_called_as_those_of_the_image(both):
    plugin, here = both[:2]
    for folder in (plugin, plugin / "folder", here, here / "folder"):
        (path,) = (p for p in (folder / "labels.tif", folder / "image-labels.tif") if p.is_file())
        assert _read(path)["Labels"] == ["day 1", "", "day 3"]


def _read(path):
    """Return the pixels and all that ImageJ wrote of an image."""
    with tifffile.TiffFile(path) as tif:
        found = dict(tif.imagej_metadata)
        found.get("Properties", {}).pop("tdseg.source", None)  # each ImageJ has its own number
        found["resolution"] = tif.pages[0].resolution
        found["axes"] = tif.series[0].axes
        found["pixels"] = tif.asarray()
    return found


@pytest.mark.parametrize("name", ["statistics", "objects", "regions"])
def test_a_table_is_the_same(both, name):
    ours, theirs = ((folder / f"{name}.csv").read_text() for folder in both[:2])
    assert len(ours.splitlines()) > 2
    assert ours == theirs


def test_saved_labels_and_names_are_the_same(both):
    plugin, _, printed, expected = both
    assert (plugin / "labels.zip").stat().st_size > 500
    names = "group names: dark one,bright"
    assert any(line.startswith(names) for line in printed)
    assert any(line.startswith(names) for line in expected)
