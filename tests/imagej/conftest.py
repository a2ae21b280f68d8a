"""The ImageJ that all tests of the bridge share: Java starts only once a process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tdseg
from tdseg.imagej.start import ImageJSession

sys.path.insert(0, str(Path(__file__).parent))  # for the shared module of this folder


@pytest.fixture(scope="session")
def ij() -> ImageJSession:
    """ImageJ, headless: embedded, or the Fiji that TDSEG_FIJI names."""
    return tdseg.imagej.start()


@pytest.fixture(autouse=True)
def _groups_without_names() -> Iterator[None]:
    """Names of ROI groups belong to the whole ImageJ: they must not reach the next test."""
    yield
    import jpype

    if jpype.isJVMStarted():
        from tdseg.imagej.java import jc
        from tdseg.imagej.rois import group_names

        for group in group_names():
            jc.Roi.setGroupName(group, jpype.JString(""))


@pytest.fixture
def made(ij: ImageJSession) -> Iterator[Callable[[str], Any]]:
    """A function that runs a macro and returns the image that is current after it."""
    from tdseg.imagej.java import jc

    def make(macro: str) -> Any:
        ij.run_macro("run('Close All');" + macro)
        return jc.WindowManager.getCurrentImage()

    yield make
    ij.run_macro("run('Close All');")
