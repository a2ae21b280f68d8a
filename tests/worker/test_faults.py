"""Whatever dies: no orphan, no segment left, one sentence, and the classifier is there again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from plugin_host import OpenImage, PluginHost, segments

TRAIN = "features=classical classical=gaussian sigma_max=1 trees=5 held_out=false"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /dev/shm and /proc")


def gone(condition, seconds=60.0):
    """Wait until a condition holds; False if it never does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_cancelled_between_passes_and_while_waiting_for_pixels(worker, labelled):
    reached, go_on = threading.Event(), threading.Event()

    def hold(what):
        if what == "planes":
            reached.set()
            go_on.wait(60)

    worker.before_answer = hold
    task = worker.start("TDS Train...", TRAIN, labelled)
    waiting = worker.start("TDS Train...", TRAIN, labelled)
    assert reached.wait(60)
    waiting.cancel()
    assert waiting.wait_for().outputs["cancelled"]  # though the first still holds the worker
    task.cancel()
    assert task.wait_for().outputs["cancelled"]
    go_on.set()
    worker.before_answer = lambda what: None
    assert segments(worker.pid) == []
    # The first stroke of progress after cancelling ends a command that computes.
    many = "features=classical sigma_max=4 trees=2000 held_out=false"
    task = worker.start("TDS Train...", many, labelled)
    task.cancel()
    assert task.wait_for().outputs["cancelled"]
    assert "reply" in worker.run("TDS Train...", TRAIN, labelled)


def test_a_killed_worker_leaves_nothing_and_the_next_has_the_classifier(tmp_path, labelled):
    with PluginHost(tmp_path, labelled) as first:
        first.hello()
        first.run("TDS Set Classes...", "classes=[dark,bright]", labelled)
        first.run("TDS Train...", TRAIN, labelled)
        expected = first.run("TDS Apply...", "", labelled)
        pixels = first.pixels(expected["reply"]["images"][0])
        asked = threading.Event()
        first.before_answer = lambda what: (asked.set(), time.sleep(2))[0]
        task = first.start("TDS Apply...", "", labelled)
        asked.wait(60)
        os.kill(first.pid, signal.SIGKILL)
        with pytest.raises(Exception, match="crashed"):
            task.wait_for()
        assert gone(lambda: not segments(first.pid))
    with PluginHost(tmp_path, labelled) as second:
        assert "classifier is there again" in second.hello(restore=True)["restored"]
        found = second.run("TDS Apply...", "", labelled)
        np.testing.assert_array_equal(second.pixels(found["reply"]["images"][0]), pixels)
        assert second.call("extension", name="TDS_className", arguments=[2]) == {"value": "bright"}


HOST = """
import sys, time, threading
sys.path.insert(0, {tests!r})
import numpy as np
from pathlib import Path
from plugin_host import OpenImage, PluginHost, segments
planes = np.zeros((1, 1, 1, 64, 64), np.uint8)
host = PluginHost(Path({cache!r}), OpenImage("a", planes))
host.hello()
asked = threading.Event()
host.before_answer = lambda what: (asked.set(), time.sleep(600)) if what == "planes" else None
host.start("TDS Features...", "features=classical", host.images["a"])
asked.wait()
print(host.pid, *segments(host.pid), flush=True)
time.sleep(600)
"""


def test_the_worker_of_a_killed_fiji_ends_even_while_it_works(tmp_path):
    code = HOST.format(tests=str(Path(__file__).parent), cache=str(tmp_path))
    fiji = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid, *names = fiji.stdout.readline().split()
    assert len(names) == 1
    worker = psutil.Process(int(pid))
    family = [worker, *worker.children(recursive=True)]
    fiji.kill()
    fiji.wait()
    fiji.stdout.close()
    assert gone(lambda: not any(p.is_running() and p.status() != "zombie" for p in family))
    assert gone(lambda: not segments(int(pid)))


def test_no_room_in_shared_memory_is_a_sentence_before_anything_is_written(worker):
    free = os.statvfs("/dev/shm")
    size = free.f_bavail * free.f_frsize
    # One plane of more than there is: a virtual image that nobody has to hold.
    height = size // 4 // 4096 + 4096
    image = OpenImage("huge", np.zeros((1, 1, 1, 1, 1), np.float32), "32-bit")
    image.request = lambda: {  # type: ignore[method-assign]
        "title": "huge",
        "identity": "huge",
        "shape": [1, 1, 1, height, 4096],
        "plane": 0,
        "made_from": "",
    }
    image.facts = {"virtual": True, "shape": [1, 1, 1, height, 4096]}
    worker.images["huge"] = image
    options = "features=classical classical=gaussian sigma_max=1"
    found = worker.run("TDS Features...", options, image)
    assert "shared memory" in found["error"]
    assert "--shm-size" in found["error"]
    assert segments(worker.pid) == []


def test_many_calls_leave_nothing_behind(worker, labelled):
    worker.run("TDS Train...", TRAIN, labelled)

    def call():
        found = worker.run("TDS Apply...", "", labelled)
        worker.pixels(found["reply"]["images"][0])

    for _ in range(5):
        call()
    process = psutil.Process(worker.pid)
    before = process.memory_info().rss, process.num_threads(), process.num_fds()
    for _ in range(20):
        call()
    after = process.memory_info().rss, process.num_threads(), process.num_fds()
    assert after[0] - before[0] < 8_000_000
    assert after[1] <= before[1] + 1  # a task's thread may be on its way out
    assert after[2] <= before[2]
    left = worker.service.task(
        "import gc, tdseg.worker as w\n[len(w.server().results), len(w.server().segments.names)]"
    )
    assert left.wait_for().result() == [0, 0]


def test_unloading_keeps_the_classifier(worker, labelled):
    worker.run("TDS Train...", "features=deep backbone=offline quality=fast trees=5", labelled)
    first = worker.pixels(worker.run("TDS Apply...", "", labelled)["reply"]["images"][0])
    held = "import tdseg.worker as w\nw.server().session.cache.count"
    assert worker.service.task(held).wait_for().result() > 0
    assert worker.call("unload") == {"unloaded": True}
    assert worker.service.task(held).wait_for().result() == 0
    again = worker.pixels(worker.run("TDS Apply...", "", labelled)["reply"]["images"][0])
    np.testing.assert_array_equal(first, again)


def test_idle_it_unloads_by_itself_once(tmp_path):
    with PluginHost(tmp_path, TDSEG_IDLE_MINUTES="0.02") as host:
        host.hello()
        watch = "import tdseg.worker as w\ns = w.server()\ns.times = []\n"
        host.service.task(watch + "s.unload = lambda: s.times.append(1)").wait_for()
        seen = "import tdseg.worker as w\nlen(w.server().times)"
        assert gone(lambda: host.service.task(seen).wait_for().result() == 1)
        time.sleep(2.5)  # two more looks
        assert host.service.task(seen).wait_for().result() == 1


def test_what_prints_does_not_disturb_the_protocol(worker):
    printing = [
        "import os, sys",
        "print('{hello')",
        "print('a bar', end='\\r')",
        "os.write(1, b'from C\\n')",
        "os.system('echo from a child')",
        "print('ende', file=sys.stderr)",
        "'well'",
    ]
    task = worker.service.task("\n".join(printing))
    assert task.wait_for().result() == "well"
    log = Path(worker.hello()["log"]).read_text(encoding="utf-8")
    assert "{hello" in log
    assert "ende" in log


def test_a_worker_that_cannot_hear_any_more_ends(tmp_path):
    command = [sys.executable, "-P", "-m", "tdseg.worker"]
    pipe = subprocess.PIPE
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    with subprocess.Popen(command, stdin=pipe, stderr=pipe, env=environment) as deaf:
        deaf.stdin.write(b"GET / HTTP/1.1\n")
        deaf.stdin.flush()
        assert deaf.wait(60) == 0  # its input is still open


def test_two_fijis_have_a_worker_each(tmp_path, labelled):
    with PluginHost(tmp_path, labelled) as one, PluginHost(tmp_path, labelled) as two:
        assert one.hello()["pid"] != two.hello()["pid"]
        one.run("TDS Set Classes...", "classes=[a,b]", labelled)
        assert two.call("extension", name="TDS_classCount", arguments=[]) == {"value": "0"}
        assert two.hello()["restored"] is None  # for it did not ask


def test_a_worker_is_light_until_it_computes(tmp_path):
    with PluginHost(tmp_path) as host:
        host.hello()
        task = host.service.task("import sys\nsorted(sys.modules)")
        modules = set(task.wait_for().result())
    assert not {"torch", "timm", "sklearn", "numba", "jpype", "scyjava"} & modules
