"""ImageJ with windows, in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

SCRIPT = """
import numpy as np
from tdseg.errors import TdsegError
from tdseg.imagej.start import start
ij = start('', headless=False)
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


@pytest.mark.display
def test_embedded_imagej_with_windows():
    command = [sys.executable, "-c", SCRIPT]
    if not os.environ.get("DISPLAY"):
        xvfb = shutil.which("xvfb-run")
        if xvfb is None:
            pytest.skip("there is neither a display nor xvfb-run")
        command = [xvfb, "-a", *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    assert done.stdout.strip().endswith("done"), done.stdout + done.stderr
    assert done.returncode == 6, done.stderr
