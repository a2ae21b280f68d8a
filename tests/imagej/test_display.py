"""ImageJ with windows, in a process and on a display of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import numpy as np
from tdseg.errors import TdsegError
from tdseg.imagej.start import start
ij = start(headless=False)
from tdseg.imagej.java import jc
from tdseg.imagej.host import host_image
from tdseg.imagej.results import labels_imageplus
from tdseg.imagej.tables import show_table

assert jc.IJ.getInstance() is not None
lines = []
value = ij.run_macro("print('one'); newImage('x', '8-bit ramp', 50, 40, 1); return getTitle();",
                     on_print=lines.append)
assert (value, lines) == ('x', ['one']), (value, lines)
imp = jc.WindowManager.getImage('x')
ij.run_macro("makeRectangle(2, 2, 9, 9); Roi.setGroup(2); roiManager('add');"
             "makeOval(20, 20, 9, 9); Roi.setGroup(1); roiManager('add');", image=imp)
assert len(host_image(imp).rois('manager')) == 2
assert jc.RoiManager.getInstance2().getCount() == 2
labels_imageplus(np.ones((1, 1, 40, 50), np.uint8), imp, 'x-labels').show()
assert jc.WindowManager.getImage('x-labels').isVisible()
show_table('TDS Test', [{'a': 1}])
assert jc.WindowManager.getFrame('TDS Test') is not None
lines.clear()
ij.run_macro("print('two');", on_print=lines.append)
assert lines == ['two'], lines
print('done')
raise SystemExit(6)
"""


ABORTS = """
import threading, time
import tdseg.imagej
from tdseg.errors import TdsegError
ij = tdseg.imagej.start(headless=False)
from tdseg.imagej.java import jc

widest = 0

def press_ok():
    global widest
    while True:
        for window in jc.Window.getWindows():
            if isinstance(window, jc.Dialog) and window.isVisible():
                widest = max(widest, int(window.getWidth()))
                window.dispose()
        time.sleep(0.2)

threading.Thread(target=press_ok, daemon=True).start()
MACROS = (
    "x = 1;\\nfoo(;",
    "run('Close All');\\nrun('Invert');",
    "open('/no/such/file.tif');",
    "setBatchMode(true); open('/no/such/file.tif');",
    "runMacro('/no/such.ijm');",
    "eval('xx yy');",
    "exit('the reason\\\\nin full');",
    "run('TDS Train...', 'nokey=1');",
    "exit;",
    "showMessage('no error'); exit;",
    "showMessage('no error'); return 'fine';",
)
for macro in MACROS:
    try:
        print("returned", ij.run_macro(macro))
    except TdsegError as error:
        print(str(error)[:75])
print(widest < 1000)
"""


MENU = """
import os, sys, threading, time
import jpype
import tdseg.imagej
starting = sys.modules["tdseg.imagej.start"]
starting.add_dialogs = lambda: None  # those of ImageJ itself, as without the plugin's jar
starting.EMBEDDED_ENDPOINTS += ("org.scijava:scijava-common:2.99.2",)
ij = tdseg.imagej.start(headless=False)
from tdseg.imagej.java import jc
from tdseg.imagej.search_bar import add_modules

session, path = tdseg.imagej.session(), sys.argv[1]
jc.Prefs.useJFileChooser = True
jc.Recorder()

def parts(component):
    yield component
    if isinstance(component, jc.Container):
        for index in range(component.getComponentCount()):
            yield from parts(component.getComponent(index))

def wait(condition):
    for _ in range(900):
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise TimeoutError

def dialog():
    return [w for w in jc.Window.getWindows() if isinstance(w, jc.Dialog) and w.isVisible()]

def recorded(text):
    wait(lambda: text in str(jc.Recorder.getInstance().getText()))

def press(label):
    shown = wait(dialog)[0]
    Event = jpype.JClass("java.awt.event.ActionEvent")
    Button = jpype.JClass("java.awt.Button")
    for part in parts(shown):
        if isinstance(part, Button) and str(part.getLabel()).strip() == label:
            for listener in part.getActionListeners():
                listener.actionPerformed(Event(part, 1001, part.getActionCommand()))
    wait(lambda: not dialog())

jc.IJ.doCommand("TDS Set Classes...")
press("Cancel")
print(session.classes)
jc.IJ.doCommand("TDS Set Classes...")
press("OK")
recorded('"TDS Set Classes...", "classes=background,object"')
imp = jc.IJ.createImage("", "8-bit ramp", 60, 40, 1)
imp.show()
imp.setRoi(2, 2, 10, 30)
jc.IJ.doCommand("TDS Add Label...")
press("OK")
recorded('"TDS Add Label...", "class=background"')
imp.setRoi(40, 2, 10, 30)
print(ij.run_macro(
    "run('TDS Add Label...', 'class=object');"
    "run('TDS Train...', 'features=classical classical=gaussian trees=5 held_out=false');"
    "run('TDS Apply...'); return getTitle();", on_print=lambda line: None))

def choose(command, path, approve=True):
    jc.IJ.doCommand(command)
    Chooser = jpype.JClass("javax.swing.JFileChooser")
    chooser = [part for part in parts(wait(dialog)[0]) if isinstance(part, Chooser)][0]
    if approve:
        chooser.setSelectedFile(jpype.java.io.File(path))
        chooser.approveSelection()
    else:
        chooser.cancelSelection()
    wait(lambda: not dialog())

trained, labels = session.model, path.replace("tdseg", "zip")
choose("TDS Save Classifier...", path)
recorded(f'"TDS Save Classifier...", "path=[{path}] existing=error"')
session.last_line = ""
choose("TDS Save Classifier...", path + "2", approve=False)
choose("TDS Load Classifier...", path)
recorded(f'"TDS Load Classifier...", "path=[{path}]"')
line = session.last_line.split(",")[0]
print(os.listdir(os.path.dirname(path)), line, session.model is not trained)
jc.IJ.selectWindow(imp.getID())
choose("TDS Save Labels...", labels)
recorded(f'"TDS Save Labels...", "path=[{labels}] existing=error"')
jc.IJ.selectWindow(imp.getID())
choose("TDS Load Labels...", labels)
recorded(f'"TDS Load Labels...", "path=[{labels}] replace=false"')
wait(lambda: imp.getOverlay().size() == 4)
print(os.path.exists(labels), [str(roi.getName()) for roi in imp.getOverlay().toArray()])

Service, Info = (jpype.JClass(f"org.scijava.module.Module{n}") for n in ("Service", "Info"))
context = jpype.JClass("org.scijava.Context")(jpype.JArray(jpype.java.lang.Class)([Service.class_]))
add_modules(context)
service = context.service(Service.class_)
found = [jpype.JObject(m, Info) for m in service.getModules() if isinstance(m, jpype.JProxy)]
print(len(found), found[0].getMenuPath().getMenuString())
session.last_line = ""
status = [m for m in found if str(m.getTitle()) == "TDS Status"][0]
service.run(status, True, jpype.JArray(jpype.JObject)(0))
wait(lambda: "TDS Status" in session.last_line)
print("done")
os._exit(0)
"""


def on_display(display, script, *arguments):
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, "DISPLAY": display},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@pytest.mark.display
def test_embedded_imagej_with_windows(display):
    done = on_display(display, SCRIPT)
    assert done.stdout.strip().endswith("done"), done.stdout + done.stderr
    assert done.returncode == 6, done.stderr


@pytest.mark.display
def test_with_windows_an_aborted_macro_raises_as_it_does_headless(display):
    done = on_display(display, ABORTS)
    expected = [
        "The macro stopped in line 2: Undefined identifier.",
        "The macro stopped in line 2: There are no images open.",
        "The macro stopped in line 1: File not found: /no/such/file.tif.",
        "The macro stopped in line 1: File not found: /no/such/file.tif.",
        "The macro stopped in line 1: Macro or script not found: /no/such.ijm.",
        "The macro stopped in line 1: Undefined variable (line 1 of a macro that it called).",
        "the reason in full.",
        "The macro stopped in line 1: TDS Train... has no key 'nokey'. Valid keys: append",
        "returned",
        "returned",
        "returned fine",
        "True",
    ]
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines == [line[:75].strip() for line in expected], done.stderr


@pytest.mark.display
def test_the_menu_asks_and_the_search_bar_finds(display, tmp_path):
    if os.environ.get("TDSEG_FIJI"):
        pytest.skip("adds SciJava to the embedded ImageJ")
    done = on_display(display, MENU, str(tmp_path / "a b.tdseg"))
    assert done.stdout.splitlines() == [
        "{}",
        "image-labels",
        "['a b.tdseg'] run(\"TDS Load Classifier...\" True",
        "True ['background-01', 'object-01', 'background-01', 'object-01']",
        "19 Plugins > Trainable Deep Segmentation > TDS Set Classes...",
        "done",
    ], done.stderr
