"""Cancelling far below any job's progress."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tdseg.errors import Cancelled
from tdseg.runtime.cancelling import cancelled_by, check
from tdseg.runtime.progress import Counted, Silent
from tdseg.runtime.threads import map_threads, set_thread_count


class AtCheck:
    """Cancels when asked for the n-th time; remembers the threads that asked."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.threads: set[str] = set()

    def __call__(self) -> None:
        self.threads.add(threading.current_thread().name)
        self.left -= 1
        if self.left <= 0:
            raise Cancelled


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    set_thread_count(request.param)
    yield request.param
    set_thread_count(None)


def test_nobody_asked_for_the_end() -> None:
    check()


def test_a_context_within_another_ends_with_it() -> None:
    with cancelled_by(AtCheck(1)):
        with cancelled_by(lambda: None):
            check()
        with pytest.raises(Cancelled):
            check()
    check()


def test_work_that_has_not_begun_is_dropped(threads: int) -> None:
    done = []

    def work(item: int) -> None:
        time.sleep(0.01)  # or all of it is done before anyone asks
        done.append(item)

    with cancelled_by(AtCheck(3)), pytest.raises(Cancelled):
        map_threads(work, range(1000))
    assert len(done) < 1000


def test_work_on_other_threads_ends_at_its_next_look(threads: int) -> None:
    ask = AtCheck(2)

    def endless(item: int) -> None:
        while True:
            check()

    with cancelled_by(ask), pytest.raises(Cancelled):
        map_threads(endless, range(4))
    assert ask.threads == {threading.current_thread().name}


def test_work_on_other_threads_ends_when_a_part_fails() -> None:
    set_thread_count(3)
    begun = threading.Barrier(3)

    def work(item: int) -> None:
        begun.wait()
        while item:
            check()
        raise ValueError("the first")

    try:
        with pytest.raises(ValueError, match="the first"):
            map_threads(work, range(3))
    finally:
        set_thread_count(None)


def test_the_pool_works_after_a_cancel(threads: int) -> None:
    with cancelled_by(AtCheck(1)), pytest.raises(Cancelled):
        map_threads(abs, [-1, -2, -3])
    assert map_threads(abs, [-1, -2, -3]) == [1, 2, 3]


def test_a_job_is_asked_by_its_last_step_again(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = []

    class Whole(Silent):
        def update(self, fraction: float, message: str = "") -> None:
            heard.append((fraction, message))

    now = [0.0]
    monkeypatch.setattr("tdseg.runtime.progress.time.monotonic", lambda: now[0])
    progress = Counted(Whole())
    progress.update(0.3, "features")
    progress.check()  # a moment ago: not again
    now[0] = 10.0
    progress.check()
    progress.check()
    assert heard == [(0.3, "features")] * 2
