"""The ready scripts: Python mode's, and one in Groovy with Python code of its own."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

import tdseg
from tdseg.demo import macro_folder
from tdseg.errors import TdsegError
from tdseg.fiji_install.artifacts import APPOSE, IMAGEJ, fetch
from tdseg.imagej.images import from_imageplus
from tdseg.imagej.jdk import find_java

OPTIONS = "features=classical classical=gaussian sigma_max=2 trees=5 held_out=false"


def test_the_script_for_python_mode(ij, made):
    imp = made(
        """
        newImage("cells", "8-bit ramp", 48, 40, 1);
        makeRectangle(2, 2, 6, 12); run("TDS Add Label...", "class=1");
        makeRectangle(38, 4, 8, 8); run("TDS Add Label...", "class=2"); run("Select None");
        """
    )
    script = Path(macro_folder()) / "python_mode.py"
    found = runpy.run_path(str(script), {"imp": imp, "options": OPTIONS})["result"]
    model = tdseg.imagej.session().model
    expected = tdseg.apply(model, from_imageplus(imp), probabilities=True).probabilities
    np.testing.assert_array_equal(
        from_imageplus(found).array[0, 0, 0], np.maximum(*np.moveaxis(expected, 2, 0))[0, 0]
    )


def test_python_code_of_ones_own_from_groovy(tmp_path):
    try:
        jars = [*fetch([IMAGEJ]), *fetch([APPOSE])]
    except TdsegError as error:
        pytest.skip(str(error))
    text = (Path(macro_folder()) / "own_pipeline.groovy").read_text(encoding="utf-8")
    # What Fiji fills in, in a Groovy without Fiji; and a file instead of a window.
    text = re.sub(r"^#@.*\n", "", text, flags=re.MULTILINE).replace(
        "found.show()", "ij.IJ.saveAsTiff(found, args[2])"
    )
    body = text.index("def code")
    text = (
        f"{text[:body]}def imp = ij.IJ.openImage(args[0])\ndef python = new File(args[1])\n"
        f"{text[body:]}"
    )
    (tmp_path / "script.groovy").write_text(text, encoding="utf-8")
    pixels = np.random.default_rng(0).integers(0, 255, (30, 40)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "image.tif", pixels)
    java = find_java() / "bin" / "java"
    path = os.pathsep.join(str(jar.path) for jar in jars)
    command = [java, "-Djava.awt.headless=true", "-cp", path, "groovy.ui.GroovyMain"]
    files = [tmp_path / "script.groovy", tmp_path / "image.tif", sys.executable, tmp_path / "o.tif"]
    package = str(Path(tdseg.__file__).parents[1])
    subprocess.run(
        [*command, *files], check=True, timeout=300, env={**os.environ, "PYTHONPATH": package}
    )
    settings = tdseg.Settings(features="classical", sigma_max=4)
    image = tdseg.Image.from_array(pixels.astype(np.float32), "YX")
    expected = tdseg.compute_features(image, settings, components=1).array[0]
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "o.tif"), expected)
