"""What may happen to a panel: each accident ends in one sentence, and costs no label."""

from __future__ import annotations

import psutil
from panel_user import QUICK, label, settings


def test_accidents_end_in_one_sentence_and_cost_no_label(with_panel):
    panel = with_panel()
    panel.macro('newImage("small", "8-bit ramp", 64, 64, 2);')
    panel("panel")
    panel.macro('run("Record...");')
    label(panel, "makeRectangle(2, 2, 12, 12)", 1)
    label(panel, "makeOval(40, 40, 15, 15)", 2)
    assert "class=[class 2]" in panel("recorded")
    settings(panel, *QUICK)
    panel("click", "Train classifier")
    panel("overlay")
    # Another slice has its own overlay.
    panel.macro("setSlice(2);")
    panel("overlay")

    panel("choose-labels", "1")
    assert panel.macro("return toString(getSliceNumber());") == "1"
    panel("click", "choose 1")
    panel("click", "Move to class")
    assert panel("labels") == "1=class 1-01 1=class 1-02"
    panel("click", "Undo")
    assert panel("labels") == "1=class 1-01 2=class 2-01"
    panel("choose-labels", "0")
    panel("click", "Delete")
    assert panel("labels") == "2=class 2-01"
    panel("click", "Undo")
    panel.macro('run("16-bit");')
    panel("overlay")
    panel("rest")

    panel.macro('newImage("large", "8-bit ramp", 900, 900, 2);')
    label(panel, "makeRectangle(2, 2, 300, 300)", 1)
    label(panel, "makeOval(500, 500, 300, 300)", 2)
    panel("click", "Train classifier")
    panel("stop", "Train")
    panel("hears", "Stopped; labels and classifier are as they were.")
    panel("rest")
    assert panel("labels") == "1=class 1-01 2=class 2-01"

    panel("click", "Train classifier")
    panel("runs", "Train: ")  # the worker has begun
    _worker(panel.pid).kill()
    panel("hears", "Python ended unexpectedly during TDS")
    panel("rest")
    assert panel("labels") == "1=class 1-01 2=class 2-01"

    panel("click", "Train classifier")
    panel.macro("wait(1500); close();")
    panel("rest")
    assert panel("panels") == "1"
    assert "please report" not in panel("said")


def _worker(parent: int) -> psutil.Process:
    children = psutil.Process(parent).children(recursive=True)
    return next(child for child in children if "tdseg.worker" in child.cmdline())
