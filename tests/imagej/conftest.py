"""The ImageJ that all tests of the bridge share: Java starts only once a process."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tdseg
from tdseg.imagej.start import ImageJSession

sys.path.insert(0, str(Path(__file__).parent))  # for the shared module of this folder


@pytest.fixture(scope="session")
def ij() -> ImageJSession:
    """ImageJ: embedded, or the Fiji of TDSEG_FIJI; with windows where TDSEG_DISPLAY is 1."""
    windows = os.environ.get("TDSEG_DISPLAY", "") not in ("", "0")
    session = tdseg.imagej.start(headless=not windows)
    if windows:
        threading.Thread(target=_press_ok, daemon=True).start()
    return session


def _press_ok() -> None:
    """Close every dialog that opens, as a user who has read an error does."""
    from tdseg.imagej.java import jc

    while True:
        for window in jc.Window.getWindows():
            if isinstance(window, jc.Dialog) and window.isVisible():
                window.dispose()
        time.sleep(0.1)


@pytest.fixture(autouse=True)
def _left_behind_nothing() -> Iterator[None]:
    """What belongs to the whole ImageJ must not reach the next test: names of groups, images."""
    yield
    import jpype

    if jpype.isJVMStarted():
        from tdseg.imagej.host import open_images
        from tdseg.imagej.java import jc
        from tdseg.imagej.rois import group_names

        for group in group_names():
            jc.Roi.setGroupName(group, jpype.JString(""))
        jc.WindowManager.setTempCurrentImage(None)
        if not jc.GraphicsEnvironment.isHeadless():
            for imp in open_images():
                imp.changes = False
                imp.close()
            manager = jc.RoiManager.getInstance2()
            if manager is not None:
                manager.close()


@pytest.fixture
def made(ij: ImageJSession) -> Iterator[Callable[[str], Any]]:
    """A function that runs a macro and returns the image that is current after it."""
    from tdseg.imagej.java import jc

    def make(macro: str) -> Any:
        ij.run_macro("run('Close All');" + macro)
        return jc.WindowManager.getCurrentImage()

    yield make
    ij.run_macro("run('Close All');")
