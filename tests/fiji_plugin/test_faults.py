"""Accidents with the plugin: one sentence each, nothing lost, nothing left behind."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

import psutil
import pytest
from own_jvm import MARK

KILL = """
import os, psutil
for child in psutil.Process(os.getppid()).children(recursive=True):
    if "tdseg.worker" in child.cmdline():
        child.kill()
        child.wait(20)
        print("killed")
"""
CELLS = """
setBatchMode(true);
newImage("cells", "8-bit ramp", 40, 30, 1);
run("TDS Set Classes...", "classes=[dark,bright]");
makeRectangle(1, 1, 6, 20); run("TDS Add Label...", "class=dark");
makeRectangle(32, 1, 6, 20); run("TDS Add Label...", "class=bright");
run("Select None");
"""
TRAIN = 'run("TDS Train...", "features=classical sigma_max=2 trees=10 held_out=false");\n'


def segments() -> set[str]:
    """Shared memory of workers that are gone."""
    names = [path.name for path in Path("/dev/shm").glob("tdseg_*")]
    return {name for name in names if not psutil.pid_exists(int(name.split("_")[1]))}


def workers() -> set[int]:
    """Workers of the ImageJs that were started here."""
    found = set()
    for process in psutil.process_iter(["cmdline"]):
        if "tdseg.worker" in (process.info["cmdline"] or []):
            with contextlib.suppress(psutil.Error):
                if process.environ().get(MARK) == str(os.getpid()):
                    found.add(process.pid)
    return found


@pytest.fixture(autouse=True)
def _nothing_is_left():
    before = segments(), workers()
    yield
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and (workers() - before[1] or segments() - before[0]):
        time.sleep(0.1)
    assert workers() <= before[1]
    assert segments() <= before[0]


@pytest.fixture
def kill(tmp_path):
    """A line of a macro that kills the worker."""
    script = tmp_path / "kill.py"
    script.write_text(KILL, encoding="utf-8")
    return f'print(exec("{sys.executable}", "{script}"));\n'


def test_a_worker_that_dies_between_commands_is_replaced_with_its_classifier(own_imagej, kill):
    apply = 'run("TDS Apply..."); getStatistics(n, mean); print("mean " + mean); close();\n'
    printed = own_imagej.run_macro(CELLS + TRAIN + apply + kill + apply)
    means = [line for line in printed.splitlines() if line.startswith("mean ")]
    assert "killed" in printed
    assert len(means) == 2, printed
    assert means[0] == means[1]


def test_a_worker_that_dies_at_work_ends_the_command_in_one_sentence(own_imagej):
    with own_imagej.start_macro(
        'newImage("large", "16-bit ramp", 900, 900, 2);'
        "makeRectangle(1, 1, 200, 200); Roi.setGroup(1); run('Add Selection...');"
        "makeRectangle(600, 1, 200, 200); Roi.setGroup(2); run('Add Selection...');"
        'print("training");' + TRAIN + 'print("went on");'
    ) as imagej:
        worker = _child(imagej.pid)
        while worker.cpu_times().user < 2.5:  # it has begun
            time.sleep(0.05)
        worker.kill()
        printed, _ = imagej.communicate(timeout=60)
    assert "Python ended unexpectedly during TDS Train..." in printed
    assert "went on" not in printed
    assert "\tat " not in printed  # no Java trace


def _child(pid: int) -> psutil.Process:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for child in psutil.Process(pid).children(recursive=True):
            if "tdseg.worker" in child.cmdline():
                return child
        time.sleep(0.05)
    raise AssertionError("no worker was started")


@pytest.mark.parametrize(
    ("python", "words"),
    [
        ("", "No Python is set up for this Fiji"),
        ("/no/such µ/python", "is not there any more: /no/such µ/python"),
        ("{folder}/broken", "could not be started"),
        ("{folder}/bare", "has no tdseg that serves Fiji"),
    ],
)
def test_a_python_that_does_not_serve_is_one_sentence(own_imagej, tmp_path, python, words):
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no luck >&2\nexit 3\n")
    broken.chmod(0o755)
    bare = tmp_path / "bare"  # a Python without packages
    bare.write_text(f'#!/bin/sh\nunset PYTHONPATH\nexec "{sys.executable}" -S "$@"\n')
    bare.chmod(0o755)
    printed = own_imagej.run_macro(
        'run("TDS Status");\nprint("went on");', TDSEG_PYTHON=python.format(folder=tmp_path)
    )
    assert words in printed
    assert "went on" not in printed
    assert "\tat " not in printed


def test_imagej_killed_takes_the_worker_with_it(own_imagej):
    with own_imagej.start_macro('run("TDS Set Classes...", "classes=a,b"); wait(60000);') as imagej:
        worker = _child(imagej.pid)
        time.sleep(1)
        imagej.kill()
    worker.wait(20)
    assert not worker.is_running()


def test_two_imagejs_have_a_worker_each(own_imagej):
    """Classes that one names are not the other's."""
    with own_imagej.start_macro(
        'run("TDS Set Classes...", "classes=a,b,c"); run("TDS Macro Extensions"); wait(4000);'
        'print("classes: " + Ext.TDS_classCount());'
    ) as first:
        other = own_imagej.run_macro(
            'run("TDS Macro Extensions"); print("classes: " + Ext.TDS_classCount());'
        )
        printed, _ = first.communicate(timeout=60)
    assert "classes: 0" in other
    assert "classes: 3" in printed


def test_many_calls_leave_nothing_in_either_process(own_imagej, tmp_path):
    """The same command again and again: no segment stays, neither process grows."""
    script = tmp_path / "size.py"
    script.write_text(
        "import os, psutil\n"
        "me = psutil.Process(os.getppid())\n"
        "worker = next(c for c in me.children(recursive=True) if 'tdseg.worker' in c.cmdline())\n"
        "print(me.num_fds(), worker.num_fds(), me.num_threads(), worker.num_threads(),\n"
        "    worker.memory_info().rss >> 20)\n",
        encoding="utf-8",
    )
    look = f'print("sizes " + exec("{sys.executable}", "{script}"));'
    printed = own_imagej.run_macro(
        f"""
        {CELLS} run("Size...", "width=400 height=300"); id = getImageID();
        function calls(n) {{
            for (i = 0; i < n; i++) {{ run("TDS Labels to Image"); close(); selectImage(id); }}
        }}
        calls(40); {look}
        calls(120); {look}
        """
    )
    before, after = (
        [int(word) for word in line.split()[1:]]
        for line in printed.splitlines()
        if line.startswith("sizes ")
    )
    for earlier, later in zip(before[:4], after[:4], strict=True):  # files and threads
        assert later <= earlier + 3
    assert after[4] <= before[4] + 20  # MiB; an image is 0.1, all of them 14


def test_mistakes_are_told_as_in_process(own_imagej):
    for line, words in (
        ('run("TDS Train...", "foo=1");', "TDS Train... has no key 'foo'."),
        ('run("TDS Train...");', "TDS Train... works on the active image; open an image first."),
        (CELLS + 'run("TDS Apply...");', "TDS Train... trains one, TDS Load Classifier..."),
        ("Ext.TDS_classCount();", ""),
    ):
        printed = own_imagej.run_macro(line + '\nprint("went on");')
        assert words in printed
        assert "went on" not in printed
