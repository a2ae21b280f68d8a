"""The panel in an ImageJ with windows, by mouse and keys: draw, see, correct, replay."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile


def _command(own_imagej, plugin, folder: Path, main: str) -> list[str]:
    """Return the command line of a program of the plugin's tests, with preferences of its own."""
    command = own_imagej.command(display=True)
    classes = command.index("-cp") + 1
    jars = [own_imagej.plain, plugin.jar, *plugin.needed, plugin.jar.parent / "test-classes"]
    command[classes] = os.pathsep.join(map(str, jars))
    command[classes + 1 :] = [f"tdseg.fiji.panel.{main}"]
    home = folder / "home"
    home.mkdir()
    command[classes - 1 : classes - 1] = [f"-Duser.home={home}"]  # the last one counts
    return command


IN_PROCESS = """
import os, sys, threading, time, traceback
import jpype, psutil, scyjava.config
from tdseg.imagej.desktop import run_desktop

def user():
    from tdseg.imagej.java import jc
    while not (jpype.isJVMStarted() and jc.IJ.getInstance()):
        time.sleep(0.1)
    while not jc.Menus.getCommands().containsKey("TDS Panel..."):
        time.sleep(0.1)
    story = jpype.JClass("tdseg.fiji.panel.PanelStory")
    status = int(story.tell(sys.argv[2], sys.argv[3]))
    processes = [" ".join(p.cmdline()) for p in psutil.Process().children(recursive=True)]
    print("workers:", sum("tdseg.worker" in line for line in processes), flush=True)
    os._exit(status)

def guarded():
    try:
        user()
    except BaseException:
        traceback.print_exc()
        os._exit(3)

jpype.addClassPath(sys.argv[1])
scyjava.config.add_options(["-Duser.home=" + sys.argv[3]])
threading.Thread(target=guarded, daemon=True).start()
run_desktop("")
"""
"""The same session where Python is in ImageJ's own process."""


@pytest.fixture(params=["a worker beside it", "in one process"])
def session(request, own_imagej, plugin, display, tmp_path):
    """What a session with the panel printed; it leaves its files in the test's folder."""
    y, x = np.mgrid[:140, :140]
    right = x + y > 150
    noise = np.random.default_rng(0).normal(0, 14, right.shape)
    grey = 80 + (30 + 20 * np.sin(x / 3)) * right + noise
    tifffile.imwrite(tmp_path / "cells.tif", grey.clip(0, 255).astype(np.uint8), imagej=True)
    if request.param == "in one process":
        command = [sys.executable, "-c", IN_PROCESS, str(plugin.tests)]
    else:
        command = _command(own_imagej, plugin, tmp_path, "PanelStory")
    command += [f"{tmp_path}/cells.tif", str(tmp_path)]
    told = subprocess.run(
        command,
        env=own_imagej.environment(DISPLAY=display),
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        timeout=500,
        check=False,
    ).stdout
    assert "failed: " not in told, told
    if request.param == "in one process":
        assert "\nworkers: 0" in told, told
    return dict(line.split(": ", 1) for line in told.splitlines() if ": " in line)


def test_draw_see_correct_and_replay(session, own_imagej, tmp_path):
    assert session["class after key 2"] == "2"
    assert session["groups"] == "[1, 2]"
    assert "has no selection; draw one" in session["message"]
    # The overlay is no label.
    assert session["labels after training"] == "2"
    # A third stroke, live.
    assert int(session["pixels that changed"]) > 100
    assert session["labels after undo"] == "2"
    assert session["labels after redo"] == "3"
    assert session["overlay after key 0"] == "false"
    assert session["visible part first"] == "true"
    assert session["part as of the whole"] == "true"
    # Objects join the ROI Manager's first ROI of 25 pixels; they are no labels.
    assert 0.7 * 140 * 140 < int(session["area in the manager"]) - 25 < 1.1 * 140 * 140
    assert session["first in the manager"] == "5"
    assert session["labels after objects"] == "3"
    assert session["composite"] == "true"
    # Nothing is lost when panel and image are closed.
    assert session["panels"] == "1"
    assert session["panel stays"] == "true"
    assert session["kept labels"] == "true"
    assert session["labels offered again"] == "3"

    copied = (tmp_path / "session.ijm").read_text(encoding="utf-8")
    recorded = (tmp_path / "recorded.ijm").read_text(encoding="utf-8")
    for name, macro in (
        ("copied", copied),
        ("recorded", f'open("{tmp_path}/cells.tif");\n{recorded}'),
    ):
        again = tmp_path / f"{name}.tif"
        save = f'selectImage("cells-labels"); saveAs("Tiff", "{again}");'
        printed = own_imagej.run_macro(f"setBatchMode(true);\n{macro}\n{save}")
        assert again.is_file(), printed
        np.testing.assert_array_equal(
            tifffile.imread(again), tifffile.imread(tmp_path / "result.tif")
        )
