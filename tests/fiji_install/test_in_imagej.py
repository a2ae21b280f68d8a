"""The installed plugin serves an ImageJ of its own Java, with the jars where they were put."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

import tdseg
from tdseg.cli import main
from tdseg.errors import TdsegError
from tdseg.fiji_install.artifacts import IMAGEJ, fetch
from tdseg.imagej.jdk import find_java

MACRO = """
open(getArgument());
run("TDS Features...", "features=classical classical=gaussian sigma_max=1");
saveAs("Tiff", replace(getArgument(), "input", "output"));
"""


@pytest.fixture
def imagej(tmp_path):
    """A folder of a plain ImageJ, as its zip unpacks."""
    try:
        [ij] = [jar for jar in fetch([IMAGEJ]) if jar.artifact == "ij"]
    except TdsegError as error:
        pytest.skip(str(error))
    folder = tmp_path / "Image J (µ)"
    (folder / "plugins").mkdir(parents=True)
    shutil.copyfile(ij.path, folder / "ij.jar")
    return folder


def test_commands_run_from_the_installed_jar(imagej, display, tmp_path):
    assert main(["install-fiji", str(imagej)]) == 0
    pixels = np.random.default_rng(0).integers(0, 4000, (40, 50)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "input.tif", pixels, imagej=True)
    (tmp_path / "macro.ijm").write_text(MACRO)
    command = [find_java() / "bin" / "java", f"-Duser.home={tmp_path}"]
    command += ["-Dplugins.dir=" + str(imagej), "-cp", imagej / "ij.jar", "ij.ImageJ", "-batch"]
    done = subprocess.run(
        [*command, tmp_path / "macro.ijm", str(tmp_path / "input.tif")],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "DISPLAY": display, "PYTHONPATH": str(Path(tdseg.__file__).parents[1])},
    )
    expected = tdseg.compute_features(
        tdseg.Image.from_array(pixels),
        tdseg.Settings(features="classical", classical="gaussian", sigma_max=1),
    )
    found = tifffile.imread(tmp_path / "output.tif")
    np.testing.assert_array_equal(found, expected.array)
    assert done.returncode == 0
    assert sys.executable in (imagej / "plugins" / "tdseg-python.txt").read_text(encoding="utf-8")
    assert main(["install-fiji", str(imagej), "--uninstall"]) == 0
    assert list((imagej / "plugins").iterdir()) == []
