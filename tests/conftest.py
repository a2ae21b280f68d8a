"""Fixtures for the whole suite."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of reference images and of stacks by the real TWS; see its README."""
    return Path(__file__).resolve().parent / "data"


@pytest.fixture
def display() -> Iterator[str]:
    """A virtual display of its own, for a process of its own."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is not installed")
    number = 90 + os.getpid() % 400
    server = subprocess.Popen(
        ["Xvfb", f":{number}", "-screen", "0", "1000x700x24"], stderr=subprocess.DEVNULL
    )
    ready = Path(f"/tmp/.X11-unix/X{number}")
    until = time.monotonic() + 30
    while not ready.exists() and time.monotonic() < until:
        time.sleep(0.05)
    yield f":{number}"
    server.terminate()
    server.wait()
