"""An ImageJ that runs keeps its menus while others start: its jars stay where they are."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("TDSEG_FIJI")), reason="of embedded ImageJ only"
)

# Menus are read from ImageJ's own jar when a command is first asked for: after all its jars are
# gone from where they were looked up, as they are while another ImageJ starts.
CODE = """
import shutil
import tdseg, scyjava
with tdseg.imagej.start() as ij:
    import jpype
    jars = str(jpype.JClass("java.lang.System").getProperty("java.class.path"))
    shutil.rmtree(scyjava.config.get_cache_dir() / "envs") if MOVED else None
    ij.run_macro('newImage("a", "8-bit random", 32, 32, 1); run("Gaussian Blur...", "sigma=2");')
    print("JARS", jars)
import os, sys
sys.stdout.flush()
os._exit(0)
"""


def started(tmp_path: Path, moved: bool) -> str:
    folder = tmp_path / "jgo"
    place = f"import pathlib, scyjava; scyjava.config.set_cache_dir(pathlib.Path({str(folder)!r}))"
    code = place + CODE.replace("MOVED", str(moved))
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("JARS ")[2]


@pytest.mark.skipif(sys.platform == "darwin", reason="its cache folder follows HOME")
def test_jars_are_kept_and_made_again_when_one_is_damaged(tmp_path):
    assert str(tmp_path / "jgo") in started(tmp_path, moved=False)
    (folder,) = (tmp_path / "tdseg" / "imagej").glob("jars-*")
    assert str(tmp_path / "jgo") not in started(tmp_path, moved=True)
    jar = next(folder.glob("ij-*.jar"))
    whole = jar.read_bytes()
    jar.write_bytes(whole[:1000])
    assert str(tmp_path / "jgo") in started(tmp_path, moved=False)
    assert jar.read_bytes() == whole
    assert all(zipfile.is_zipfile(kept) for kept in folder.glob("*.jar"))
    assert not list(folder.parent.glob("*.part"))
