"""Habits of users that a panel must survive, each with an outcome that is known before."""

from __future__ import annotations

import time

import numpy as np
import psutil
import tifffile
from panel_user import QUICK, label, settings

HYPERSTACK = """
newImage("hyper", "8-bit grayscale-mode ramp", 60, 40, 2, 3, 2);
for (i = 1; i <= nSlices; i++) {
    setSlice(i);
    run("Translate...", "x=" + 2 * i + " y=0 interpolation=None slice");
}
Stack.setPosition(1, 1, 1);
"""


def test_what_users_do_while_the_panel_works_has_a_known_outcome(with_panel, own_imagej, tmp_path):
    panel = with_panel()
    panel.macro('newImage("cells", "8-bit ramp", 120, 90, 1); run("Add Noise");')
    panel("panel")
    settings(panel, *QUICK)
    # A ROI outside is no label.
    panel.macro("makeRectangle(200, 200, 20, 20);")
    panel("click", "add 1")
    assert panel("said").startswith("The selection lies outside of image 'cells'")
    label(panel, "makeRectangle(5, 5, 20, 30)", 1)
    label(panel, "makeRectangle(90, 5, 20, 30)", 2)
    panel("click", "Update once")
    trained = panel("overlay")
    panel("rest")

    # Undo after training: the overlay fades, the classifier stays until the next training.
    panel("click", "Undo")
    assert _opacity(panel("overlay")) < _opacity(trained)
    panel("click", "Create result")
    panel("rest")
    assert panel("title") == "cells-labels"
    panel.macro('close(); selectImage("cells");')
    panel("click", "Train classifier")
    panel("hears", "All labels belong to one class ('class 1')")
    panel("click", "Redo")
    panel("click", "Update once")
    panel("rest")
    assert panel("overlay") == trained

    # A macro's commands wait for the panel's, and work with its classifier.
    panel("click", "Train classifier")
    panel.macro('run("TDS Apply...", "output=probabilities");')
    assert panel("title") == "cells-probabilities"
    panel("rest")
    assert "Held-out F1" in panel("reads")
    panel.macro('close(); selectImage("cells");')

    # Cropped: the labels go along, what was shown does not.
    panel.macro('makeRectangle(0, 0, 110, 40); run("Crop");')
    panel("rest")
    assert panel("labels") == "1=class 1-01 2=class 2-01"
    assert panel("overlay") != trained
    # Cropped and scaled while it is read: a sentence, and the next training is well.
    for change in ('makeRectangle(2, 2, 100, 37); run("Crop");', 'run("Size...", "width=300");'):
        panel("click", "Train classifier")
        panel.macro(change)
        panel("rest")
        assert "report" not in panel("said")
    panel("click", "Train classifier")
    panel("rest")
    assert "Trained random_forest" in panel("said")
    panel.macro("close();")

    # Two images that look alike do not share what is kept for a crash.
    panel.macro('newImage("cells", "8-bit ramp", 50, 50, 1);')
    label(panel, "makeRectangle(2, 2, 10, 10)", 1)
    panel.macro('newImage("cells", "8-bit ramp", 50, 50, 1);')
    label(panel, "makeOval(2, 2, 10, 10)", 2)
    kept = sorted((tmp_path / "home").rglob("tdseg-labels/cells-*.zip"))
    assert len({file.read_bytes() for file in kept[-2:]}) == 2
    panel.macro('close("*");')

    # A hyperstack scrolled while live: what is shown belongs to the slice that is shown.
    panel.macro(HYPERSTACK)
    label(panel, "makeRectangle(2, 12, 8, 20)", 1)
    panel.macro("Stack.setPosition(1, 3, 2);")
    label(panel, "makeRectangle(50, 12, 8, 20)", 2)
    panel("click", "Live")
    panel("rest")
    places = [(1, 1, 1), (2, 2, 1), (1, 3, 2), (2, 1, 2)]
    for c, z, t in places:
        panel.macro(f"Stack.setPosition({c}, {z}, {t});")
    seen = {}
    for c, z, t in places:
        panel.macro(f"Stack.setPosition({c}, {z}, {t});")
        panel("rest")
        seen[z, t] = panel("overlay")
    panel.macro("Stack.setPosition(1, 1, 1);")
    panel("rest")
    assert panel("overlay") == seen[1, 1]
    assert len(set(seen.values())) > 1
    panel.macro("Stack.setPosition(2, 1, 1);")  # another channel of the same plane
    assert panel("overlay") == seen[1, 1]
    panel("click", "Live")

    # To a folder, with the panel's classifier.
    panel.macro('close("*"); newImage("grey", "8-bit ramp", 60, 40, 1);')
    label(panel, "makeRectangle(2, 2, 8, 20)", 1)
    label(panel, "makeRectangle(50, 2, 8, 20)", 2)
    panel("click", "Update once")
    panel("rest")
    (tmp_path / "in").mkdir()
    tifffile.imwrite(
        tmp_path / "in" / "a.tif", np.tile(np.arange(0, 240, 4, dtype=np.uint8), (40, 1))
    )
    panel("click", "Apply to folder")
    panel("dialog", "TDS Apply to Folder...")
    panel("set", f"input={tmp_path}/in")
    panel("set", f"output_folder={tmp_path}/out")
    panel("picture", str(tmp_path / "folder.png"))
    panel("press", "OK")
    panel("ended", "TDS dialog")
    panel("rest")
    panel("click", "Copy as macro")
    assert 'run("TDS Apply to Folder..."' in panel("copied")
    (made,) = (tmp_path / "out").glob("*.tif")
    assert set(np.unique(tifffile.imread(made))) == {1, 2}


def test_labels_are_offered_again_after_a_crash_of_fiji(with_panel, tmp_path):
    image = f'open("{tmp_path}/cells.tif");'
    tifffile.imwrite(tmp_path / "cells.tif", np.zeros((40, 50), np.uint8), imagej=True)
    panel = with_panel()
    panel.macro(image)
    panel("panel")
    label(panel, "makeRectangle(2, 2, 8, 20)", 1)
    label(panel, "makeOval(12, 2, 8, 20)", 2)
    panel("rest")
    children = psutil.Process(panel.pid).children(recursive=True)
    folder = tmp_path / "home"
    _until(lambda: list(folder.rglob("tdseg-labels/*.zip")))
    panel.kill()
    _until(lambda: not any(child.is_running() for child in children))  # no Python is left over

    again = with_panel()
    again.macro(image)
    again("panel")
    assert "Labels of this image were not saved." in again("reads")
    again("click", "Load them")
    again("rest")
    assert again("labels") == "1=class 1-01 2=class 2-01"
    # They are still in no file of the user's: closing asks, and goes on when they are.
    again.macro('setOption("JFileChooser", true);')
    again("end-panel")
    again("press", "Save...")
    again("file", f"{tmp_path}/mine.zip")
    _until(lambda: again("panels") == "0")
    assert (tmp_path / "mine.zip").is_file()
    _until(lambda: not list(folder.rglob("tdseg-labels/*.zip")))


def _opacity(overlay):
    return float(overlay.split("opacity ")[1].split()[0])


def _until(there):
    end = time.monotonic() + 30
    while not there():
        assert time.monotonic() < end
        time.sleep(0.1)
