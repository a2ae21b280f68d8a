"""Compiled code: kept, made again when it must be, and never a reason to fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tdseg

PACKAGE = Path(tdseg.__file__).parent

LIBRARY = """
from tdseg.runtime.compiled import compiled
from constants import LIMIT

@compiled()
def inner(x):
    return x + {step}
"""
CALLER = """
from tdseg.runtime.compiled import compiled
from constants import LIMIT
from library import inner

@compiled()
def outer(x):
    total = 0
    while total < LIMIT:
        total = inner(total) + x
    return total
"""


@pytest.fixture
def bare(tmp_path):
    """A copy of the package that was never used, and an environment whose home takes no file."""
    copy = tmp_path / "installed" / "tdseg"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, copy, ignore=ignored)
    wall = tmp_path / "file"
    wall.write_text("")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")}
    environment |= {
        "PYTHONPATH": os.pathsep.join([str(copy.parent), str(tmp_path)]),
        "HOME": str(wall),
        "XDG_CACHE_HOME": str(wall / "cache"),
        "LOCALAPPDATA": str(wall),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return copy, environment


def run(code, environment):
    """Run Python code; return what it printed, and what stood on standard error."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


BLUR = """
import numpy as np, tdseg
image = tdseg.Image.from_array(np.eye(12, dtype=np.float32), axes="YX")
options = tdseg.Settings(features="classical", classical="gaussian_blur", sigma_max=2)
print(tdseg.compute_features(image, options).array.sum())
"""


def test_a_read_only_installation_and_home_compile_at_every_start_and_say_so(bare):
    copy, environment = bare
    (copy / "__pycache__").write_text("")  # a file: not even root can make a folder of that name
    first, told = run(BLUR, environment)
    assert told.count("Compiling") == 1
    assert "NUMBA_CACHE_DIR" in told
    again, told = run(BLUR, environment)
    assert again == first
    assert "Compiling" in told


def test_the_first_use_is_told_and_the_second_is_not(bare):
    copy, environment = bare
    first, told = run(BLUR, environment)
    assert told.count("First use: compiling") == 1
    assert any((copy / "__pycache__" / "compiled").rglob("*.nbc"))
    again, told = run(BLUR, environment)
    assert (again, told) == (first, "")


def test_the_home_serves_where_the_installation_is_read_only(bare, tmp_path):
    copy, environment = bare
    (copy / "__pycache__").write_text("")
    environment["XDG_CACHE_HOME"] = environment["LOCALAPPDATA"] = str(tmp_path / "cache")
    environment["HOME"] = str(tmp_path)
    assert "once per installation" in run(BLUR, environment)[1]
    assert run(BLUR, environment)[1] == ""


def test_a_damaged_cache_is_made_again(bare):
    copy, environment = bare
    first, _ = run(BLUR, environment)
    for file in (copy / "__pycache__" / "compiled").rglob("*.nb[ic]"):
        file.write_bytes(b"\x80\x04nonsense")
    again, told = run(BLUR, environment)
    assert again == first
    assert "compiling" in told
    assert run(BLUR, environment) == (first, "")


def test_a_change_in_another_file_reaches_the_functions_that_use_it(bare, tmp_path):
    _, environment = bare
    (tmp_path / "caller.py").write_text(CALLER)
    outcomes = []
    for step, limit in ((1, 10), (2, 10), (2, 20)):
        (tmp_path / "constants.py").write_text(f"LIMIT = {limit}\n")
        (tmp_path / "library.py").write_text(LIBRARY.format(step=step))
        outcomes.append(run("from caller import outer; print(outer(0))", environment)[0].strip())
    assert outcomes == ["10", "10", "20"]
    (tmp_path / "library.py").write_text(LIBRARY.format(step=7))
    assert run("from caller import outer; print(outer(0))", environment)[0].strip() == "21"
