"""ImageJ in a window: menu, Recorder, quitting. Runs in a process and on a display of its own."""

import json
import os
import subprocess
import sys

import pytest

from tdseg.commands.table import COMMANDS
from tdseg.demo import write_sample
from tdseg.errors import TdsegError
from tdseg.fiji_install.building import plugin_jar
from tdseg.imagej.choice import choose_fiji
from tdseg.imagej.jdk import find_java
from tdseg.samples.mosaic import texture_mosaic

SCRIPT = """
import json, os, sys, threading, time, traceback
from pathlib import Path
import numpy as np
import tdseg
from tdseg.imagej.desktop import run_desktop

said = {}

def wait(condition, seconds=90):
    for _ in range(10 * seconds):
        if condition():
            return
        time.sleep(0.1)
    raise TimeoutError(condition)

def user():
    from tdseg.imagej.java import jc
    import jpype
    wait(jpype.isJVMStarted)
    time.sleep(2)
    session = tdseg.imagej.session()
    wait(lambda: jc.IJ.getInstance() is not None and jc.WindowManager.getImageCount() == 1)
    bar = jc.Menus.getMenuBar()
    plugins = [bar.getMenu(i) for i in range(bar.getMenuCount())
               if str(bar.getMenu(i).getLabel()) == "Plugins"][0]
    said["menu"] = [str(plugins.getItem(i).getLabel()) for i in range(plugins.getItemCount())]
    said["find"] = bool(jc.Menus.getCommands().containsKey("TDS Train..."))
    jc.Recorder()
    said["dialogs"] = []
    JDialog = jpype.JClass("javax.swing.JDialog")

    def answered():
        # Press OK in the plugin's dialog, if one is open.
        for window in jc.Window.getWindows():
            if isinstance(window, JDialog) and window.isVisible():
                said["dialogs"].append(str(window.getTitle()))
                window.getRootPane().getDefaultButton().doClick()
        return True

    image = jc.WindowManager.getCurrentImage()
    jc.IJ.doCommand("TDS Train...")
    wait(lambda: answered() and "TDS Train" in session.last_line)
    jc.IJ.doCommand("TDS Apply...")
    wait(lambda: answered() and "TDS Apply" in str(jc.Recorder.getInstance().getText()))
    said["recorded"] = str(jc.Recorder.getInstance().getText())
    shown = jc.WindowManager.getCurrentImage()
    said["title"] = str(shown.getTitle())
    from tdseg.imagej.images import from_imageplus
    ours = tdseg.apply(session.model, from_imageplus(image)).labels
    said["same"] = bool((from_imageplus(shown).array[:, :, 0] == ours).all())
    json.dump(said, open(sys.argv[2], "w"))
    for number in list(jc.WindowManager.getIDList()):
        jc.WindowManager.getImage(int(number)).changes = False
    jc.IJ.doCommand("Quit")

def guarded():
    try:
        user()
    except BaseException:
        traceback.print_exc()
        os._exit(3)

threading.Thread(target=guarded, daemon=True).start()
sys.exit(run_desktop(None, [Path(sys.argv[1])]))
"""


@pytest.fixture(scope="module")
def jar():
    """The plugin's jar, built before anybody waits for it; None where it cannot be built."""
    try:
        return plugin_jar(find_java)
    except TdsegError:
        return None


@pytest.mark.display
def test_a_session_at_the_desk(display, jar, tmp_path):
    write_sample(tmp_path / "sample.tif", texture_mosaic(96))
    script, out = tmp_path / "session.py", tmp_path / "said.json"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "sample.tif"), str(out)],
        env={**os.environ, "DISPLAY": display},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert out.exists(), done.stderr[-2000:]
    said = json.loads(out.read_text())
    assert "Trainable Deep Segmentation" in said["menu"]
    assert said["find"]
    assert said["dialogs"] == (["TDS Train...", "TDS Apply..."] if jar else [])
    lines = [line for line in said["recorded"].splitlines() if line.strip()]
    assert [line.split('"')[1] for line in lines] == ["TDS Train...", "TDS Apply..."]
    assert "auto" not in said["recorded"]
    assert said["title"] == "sample-labels"
    assert said["same"]
    assert done.returncode == 0


ATTACHED = """
import os, time
import jpype, scyjava, scyjava.config
from tdseg.imagej.jdk import find_java, use_java
from tdseg.imagej.kept_jars import use_kept_jars
from tdseg.imagej.start import EMBEDDED_ENDPOINTS
use_java(find_java())
scyjava.config.set_java_constraints(fetch="never")
kept = use_kept_jars(EMBEDDED_ENDPOINTS)
scyjava.config.endpoints[:] = [] if kept else EMBEDDED_ENDPOINTS
scyjava.start_jvm()
ImageJ = jpype.JClass("ij.ImageJ")
ImageJ(ImageJ.EMBEDDED)  # as PyImageJ, or Fiji's own Python mode
import tdseg
tdseg.imagej.install()
tdseg.imagej.install()
from tdseg.imagej.java import jc
bar = jc.Menus.getMenuBar()
plugins = [bar.getMenu(i) for i in range(bar.getMenuCount())
           if str(bar.getMenu(i).getLabel()) == "Plugins"][0]
ours = plugins.getItem(plugins.getItemCount() - 1)
print(str(ours.getLabel()), [str(ours.getItem(i).getLabel()) for i in range(ours.getItemCount())])
jc.IJ.doCommand("TDS Panel...")
end = time.monotonic() + 60
while time.monotonic() < end and not tdseg.imagej.session().last_line:
    time.sleep(0.1)
print("open", [str(f.getTitle()) for f in jc.Frame.getFrames() if f.isVisible()])
print("done by", tdseg.imagej.session().last_line, flush=True)
os._exit(0)
"""


@pytest.mark.display
def test_menu_and_panel_in_an_imagej_that_runs_already(display, jar):
    if jar is None:
        pytest.skip("the plugin's jar cannot be built here")
    done = subprocess.run(
        [sys.executable, "-c", ATTACHED],
        env={**os.environ, "DISPLAY": display},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    menu, opened, work = done.stdout.splitlines()
    names = ["TDS Panel...", *(command.name for command in COMMANDS)]
    assert menu == f"Trainable Deep Segmentation {names}"
    assert "Trainable Deep Segmentation" in opened
    assert "TDS Set Classes..." in work  # the panel's first command


QUIT = """
import sys, threading, time
from tdseg.imagej.desktop import run_desktop

def user():
    import jpype
    from tdseg.imagej.java import jc
    while not (jpype.isJVMStarted() and jc.IJ.getInstance()):
        time.sleep(0.1)
    while not any(isinstance(each, jpype.JProxy)  # Python waits for the end of the window
                  for each in jc.IJ.getInstance().getWindowListeners()):
        time.sleep(0.1)
    time.sleep(1)
    if sys.argv[1] == "fiji":  # a Fiji ends Java, and with it the process
        jc.IJ.getInstance().exitWhenQuitting(True)
    if sys.argv[1] == "unsaved":
        imp = jc.IJ.createImage("drawing", "8-bit black", 9, 9, 1)
        imp.show()
        imp.changes = True
        jc.IJ.doCommand("Quit")
        time.sleep(7)
        print("still there", jc.IJ.getInstance().isDisplayable(), flush=True)
        imp.changes = False
        for window in jc.Window.getWindows():
            if isinstance(window, jc.Dialog):
                window.dispose()
        time.sleep(1)
    jc.IJ.doCommand("Quit")

threading.Thread(target=user, daemon=True).start()
sys.exit(run_desktop(None))
"""


@pytest.mark.display
@pytest.mark.parametrize("how", ["embedded", "fiji", "unsaved"])
def test_quitting_ends_the_process_in_silence(display, how):
    done = subprocess.run(
        [sys.executable, "-c", QUIT, how],
        env={**os.environ, "DISPLAY": display},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert ("still there True" in done.stdout) == (how == "unsaved")


def test_which_fiji_is_opened_and_why(tmp_path, monkeypatch):
    from tdseg.imagej import choice

    monkeypatch.setattr(choice, "_repository_answers", lambda: False)
    assert choose_fiji("/my/Fiji.app", environment={}, home=tmp_path)[0] == "/my/Fiji.app"
    found, why = choose_fiji(None, environment={"TDSEG_FIJI": " 2.17.0 "}, home=tmp_path)
    assert (found, "TDSEG_FIJI" in why) == ("2.17.0", True)
    (tmp_path / "Fiji.app" / "jars").mkdir(parents=True)
    (tmp_path / "Fiji.app" / "jars" / "ij.jar").touch()
    found, why = choose_fiji(None, environment={}, home=tmp_path)
    assert found == str(tmp_path / "Fiji.app")
    (tmp_path / "Fiji.app" / "jars" / "ij.jar").unlink()
    monkeypatch.setattr(choice, "usual_folders", lambda home: [])
    found, why = choose_fiji(None, environment={}, home=tmp_path)
    assert found == ""
    assert "does not answer" in why
    monkeypatch.setattr(choice, "_repository_answers", lambda: True)
    assert choose_fiji(None, environment={}, home=tmp_path)[0] == choice.NEWEST_FIJI
