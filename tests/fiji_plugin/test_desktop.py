"""The plugin in an ImageJ with windows: dialogs, the Recorder, Esc, a Python that is not there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from own_jvm import Driven

import tdseg

IMAGE = """
newImage("cells", "16-bit ramp", 60, 40, 1);
run("TDS Set Classes...", "classes=[dark,bright one]");
makeRectangle(2, 2, 12, 30); run("TDS Add Label...", "class=dark");
makeOval(44, 5, 12, 30); run("TDS Add Label...", "class=[bright one]");
run("Select None");
"""


@pytest.fixture
def driven(own_imagej, plugin, display):
    """Start an ImageJ with windows on a display of its own."""
    started: list[Driven] = []
    classes = os.pathsep.join(map(str, (own_imagej.plain, plugin.tests)))

    def start(**environment: str) -> Driven:
        started.append(Driven(own_imagej, classes, display, **environment))
        return started[-1]

    yield start
    for imagej in started:
        imagej.end()


def test_what_is_chosen_in_dialogs_is_recorded_and_replays_to_the_same_pixels(
    driven, own_imagej, tmp_path
):
    imagej = driven()
    imagej.macro(IMAGE)
    imagej.macro('run("Record...");')
    imagej("choose", "TDS Train...")
    imagej("dialog", "TDS Train...")
    for field in ("features=classical", "trees=12", "sigma_max=2000"):
        imagej("set", field)
    imagej("press", "OK")  # which it refuses
    said = imagej("dialog", "TDS Train...")
    assert "Key 'sigma_max': '2000.0' is not valid; use a number from 0.01 to 512." in said
    imagej("set", "sigma_max=4")
    imagej("press", "OK")
    imagej("ended", "TDS Train...")
    imagej("choose", "TDS Apply...")
    imagej("dialog", "TDS Apply...")
    imagej("press", "OK")
    imagej("ended", "TDS Apply...")
    assert imagej("title") == "cells-labels"
    recorded = imagej("recorded")
    imagej.macro(f'saveAs("Tiff", "{tmp_path}/chosen.tif");')

    train, apply = recorded.strip().splitlines()
    assert train.startswith('run("TDS Train...", "')
    assert " trees=12 " in train
    assert "device=cpu" in train
    assert apply.startswith('run("TDS Apply...", "')
    printed = own_imagej.run_macro(
        f'setBatchMode(true);{IMAGE}{recorded}saveAs("Tiff", "{tmp_path}/replayed.tif");'
    )
    assert "Macro Error" not in printed
    chosen, replayed = (tifffile.imread(tmp_path / f"{n}.tif") for n in ("chosen", "replayed"))
    assert len(np.unique(chosen)) == 2
    np.testing.assert_array_equal(chosen, replayed)

    # The dialog starts from what was chosen last.
    imagej("choose", "TDS Train...")
    imagej("dialog", "TDS Train...")
    assert imagej("value", "trees") == "12"
    imagej("press", "Reset")
    assert imagej("value", "trees") == "200"
    imagej("press", "Cancel")
    imagej("ended", "TDS Train...")
    assert imagej("recorded") == recorded


def test_escape_ends_a_training_in_one_sentence(driven):
    imagej = driven()
    imagej.macro(
        """
        newImage("large", "16-bit ramp", 600, 600, 1);
        makeRectangle(2, 2, 200, 500); Roi.setGroup(1); run("Add Selection...");
        makeRectangle(300, 2, 200, 500); Roi.setGroup(2); run("Add Selection...");
        """
    )
    imagej("choose", "TDS Train...")
    imagej("dialog", "TDS Train...")
    for field in ("features=classical", "trees=10000", "sigma_max=4"):
        imagej("set", field)
    imagej("press", "OK")
    imagej("running", "TDS Train...")
    imagej("progress")
    imagej("escape")
    said = imagej("dialog", "Trainable Deep Segmentation")
    assert said == "Cancelled; nothing was changed or written."
    imagej("close")
    imagej("ended", "TDS Train...")


def test_a_fiji_without_a_python_asks_for_one(driven, own_imagej, tmp_path):
    imagej = driven(TDSEG_PYTHON="")
    beside = own_imagej.folder / "plugins" / "tdseg-python.txt"
    try:
        imagej("choose", "TDS Status")
        assert "does not know yet" in imagej("dialog", "Trainable Deep Segmentation")
        imagej("press", "Choose a folder...")
        imagej("file", str(tmp_path))
        said = imagej("dialog", "Trainable Deep Segmentation")
        assert said.startswith(f"There is no Python in {tmp_path}")
        imagej("close")
        imagej("dialog", "Trainable Deep Segmentation")
        imagej("press", "Choose a folder...")
        imagej("file", sys.prefix)
        imagej("ended", "TDS Status")
        log = imagej("log")
        assert f"tdseg: {tdseg.__version__}" in log
        assert f"plugin: {tdseg.__version__}" in log
        assert "ImageJ: 1.54p, with windows" in log
        assert Path(beside.read_text("utf-8").strip()).parent.parent == Path(sys.prefix)
    finally:
        beside.unlink(missing_ok=True)
