"""Threads: the order of results, work inside work, and what happens when a piece fails."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from tdseg.runtime import threads


@pytest.fixture(autouse=True)
def _two_threads() -> Iterator[None]:
    threads.set_thread_count(2)
    yield
    threads.set_thread_count(None)


def test_results_are_in_the_order_of_the_items() -> None:
    def late_first(item: int) -> int:
        time.sleep(0.002 * (8 - item))
        return item * item

    assert threads.map_threads(late_first, range(8)) == [item * item for item in range(8)]


def test_two_pieces_run_at_once() -> None:
    together = threading.Barrier(2)
    threads.map_threads(lambda _: together.wait(20), range(2))  # breaks if one waits for the other


def test_work_inside_work_stays_on_its_thread() -> None:
    def outer(_: int) -> set[int]:
        assert threads.bands(1000) == [(0, 1000)]
        return set(threads.map_threads(lambda _: threading.get_ident(), range(4)))

    for inner in threads.map_threads(outer, range(4)):
        assert len(inner) == 1


def test_nothing_runs_any_more_when_a_piece_has_failed() -> None:
    running = threading.Event()
    ended = threading.Event()
    begun: list[int] = []

    def piece(item: int) -> None:
        begun.append(item)
        if item == 0:
            running.wait(20)
            raise ValueError("piece 0")
        running.set()
        time.sleep(0.05)
        ended.set()

    with pytest.raises(ValueError, match="piece 0"):
        threads.map_threads(piece, range(100))
    assert ended.is_set()
    known = len(begun)
    time.sleep(0.1)
    assert len(begun) == known < 100


def test_the_number_of_threads_may_change_between_calls() -> None:
    for count in (3, 1, 2):
        threads.set_thread_count(count)
        assert threads.map_threads(lambda item: item + 1, range(5)) == [1, 2, 3, 4, 5]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*")
def test_a_forked_process_has_threads_of_its_own() -> None:
    threads.map_threads(lambda item: item, range(4))
    child = os.fork()
    if child == 0:
        good = threads.map_threads(lambda item: item, range(4)) == [0, 1, 2, 3]
        os._exit(0 if good else 1)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    raise AssertionError("the forked process hangs")


def test_an_interrupt_while_a_thread_starts_holds_up_nothing() -> None:
    code = (
        "import threading\n"
        "from tdseg.runtime import threads\n"
        "threads.set_thread_count(2)\n"
        "start = threading.Thread.start\n"
        "def interrupted(self):\n"
        "    start(self)\n"
        "    threading.Thread.start = start\n"
        "    raise KeyboardInterrupt\n"
        "threading.Thread.start = interrupted\n"
        "try:\n"
        "    threads.map_threads(abs, range(8))\n"
        "except KeyboardInterrupt:\n"
        "    print(threads.map_threads(abs, range(-3, 0)))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "[3, 2, 1]\n"), ended.stderr
