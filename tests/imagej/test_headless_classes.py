"""The classes that ij1-patcher changes are kept; a start from kept ones is like the first."""

import os
import subprocess
import sys
import zipfile

import pytest

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("TDSEG_FIJI")) or bool(os.environ.get("TDSEG_DISPLAY")),
    reason="of embedded ImageJ without a display only",
)

# A dialog whose values come from the macro, a window that must not open, an error.
CODE = """
import os
import tdseg
with tdseg.imagej.start() as ij:
    print(ij.run_macro('''
        newImage("a", "8-bit ramp", 40, 30, 2);
        run("Gaussian Blur...", "sigma=2 stack");
        makeRectangle(3, 4, 10, 12);
        Overlay.addSelection;
        run("TDS Set Classes...", "classes=[a,b]");
        getStatistics(area, mean);
        return "" + area + " " + mean + " " + Overlay.size + " " + nImages;
    '''))
    try:
        ij.run_macro('open("/no/such/file.tif");')
    except tdseg.TdsegError as error:
        print(error)
    import jpype
    source = jpype.JClass("ij.IJ").class_.getProtectionDomain().getCodeSource()
    print("FROM", source.getLocation() if source else "")
os.sys.stdout.flush()
os._exit(0)
"""


def start(cache):
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "LOCALAPPDATA": str(cache)}
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, env=environment, timeout=300
    )
    assert done.returncode == 0, done.stderr
    said, _, origin = done.stdout.partition("FROM ")
    return said, origin


@pytest.mark.skipif(sys.platform == "darwin", reason="its cache folder follows HOME")
def test_kept_classes_serve_the_next_start_and_a_damaged_jar_is_made_again(tmp_path):
    said, origin = start(tmp_path)
    assert said.startswith("120 ")
    (jar,) = tmp_path.rglob("headless-*.jar")
    assert jar.name not in origin
    again, origin = start(tmp_path)
    assert again == said
    assert jar.name in origin
    content = jar.read_bytes()
    jar.write_bytes(content[: len(content) // 2])
    assert start(tmp_path)[0] == said
    assert zipfile.is_zipfile(jar)


def test_without_a_cache_folder_imagej_starts_as_well(tmp_path):
    (tmp_path / "file").write_text("")
    assert start(tmp_path / "file")[0].startswith("120 ")
