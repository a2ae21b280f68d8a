"""Threads for compiled code that releases the GIL.

Numba's own parallel loops abort the process when two Python threads enter them at once, which
menus and macros do; so compiled functions here are serial, marked ``nogil``, and run in bands.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, wait
from contextlib import contextmanager
from functools import cache
from queue import SimpleQueue
from typing import Any, TypeVar

import psutil

from tdseg.runtime.cancelling import cancelled_by, check
from tdseg.runtime.limits import processor_count

Item = TypeVar("Item")
Result = TypeVar("Result")

_LOOK_SECONDS = 0.1  # between two looks whether the user cancelled

_count: int | None = None
_orphaned = False
_here = threading.local()
_pool: tuple[int, SimpleQueue[Any]] | None = None
_lock = threading.Lock()


def thread_count() -> int:
    """Return the number of worker threads.

    Returns
    -------
    int
        The last value given to `set_thread_count`, else ``TDSEG_THREADS``, else the number of
        processors this process may use, but no more than ``OMP_NUM_THREADS`` or the number that
        the program around tdseg gave PyTorch. 1 on a thread that `map_threads` started, so that
        work inside work does not multiply threads, and in a process forked from one that used
        PyTorch, whose threads did not come along.
    """
    if getattr(_here, "worker", False) or _orphaned:
        return 1
    asked = _asked()
    if asked is not None:
        return asked
    count = processor_count()
    outer = _positive(os.environ.get("OMP_NUM_THREADS", "").partition(",")[0])
    if outer is not None:
        count = min(count, outer)
    torch: Any = sys.modules.get("torch")
    found = torch.get_num_threads() if hasattr(torch, "get_num_threads") else count
    # By itself PyTorch takes the cores, of which there are fewer than processors.
    if found < min(count, _cores()):
        count = found
    return max(1, count)


@contextmanager
def torch_threads(wanted: int | None = None) -> Iterator[None]:
    """Run PyTorch on `thread_count` threads inside, and on the caller's number again after.

    Parameters
    ----------
    wanted
        How many threads instead.
    """
    import torch

    before, count = torch.get_num_threads(), wanted or thread_count()
    if _asked() is None:
        count = min(count, before)
    if count == before:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _asked() -> int | None:
    return _count if _count is not None else _positive(os.environ.get("TDSEG_THREADS", ""))


def _positive(text: str) -> int | None:
    text = text.strip()[:9]
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else None


@cache
def _cores() -> int:
    return psutil.cpu_count(logical=False) or os.cpu_count() or 1


def set_thread_count(count: int | None) -> None:
    """Use this many threads from now on (None: as many as there are processors)."""
    global _count
    _count = count


def map_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Apply `function` to every item, on `thread_count` threads, results in the items' order.

    If one raises, or the caller is interrupted or cancelled (`tdseg.runtime.cancelling`), those not
    yet begun are dropped, those running end where they would hear of a cancel, and the exception
    comes when no other runs. Whether to cancel is asked on the caller's thread alone.

    The function must not wait for a lock that is held around another call of `map_threads`: that
    call's work may stand behind it in the queue.
    """
    work = list(items)
    workers = thread_count()
    if min(workers, len(work)) <= 1:
        return [_checked(function, item) for item in work]
    futures: list[Future[Result]] = []
    ended = _Ended()
    try:
        tasks = _tasks_of(workers)
        for item in work:
            future: Future[Result] = Future()
            futures.append(future)
            tasks.put((future, function, item, ended))
        return [_awaited(future) for future in futures]
    finally:
        ended.set()
        wait([future for future in futures if not future.cancel()])


class _Ended(threading.Event):
    """Set when nobody waits for the work any more."""

    def check(self) -> None:
        if self.is_set():
            raise CancelledError


def _checked(function: Callable[[Item], Result], item: Item) -> Result:
    check()
    return function(item)


def _awaited(future: Future[Result]) -> Result:
    check()
    while not wait([future], _LOOK_SECONDS).done:
        check()
    return future.result()


def _tasks_of(workers: int) -> SimpleQueue[Any]:
    """Return the queue of the workers, which are kept.

    New threads begin on one processor and are spread late. They are daemons, unlike those of
    `concurrent.futures`: one that an interrupt lost while it started must not hold up the exit.
    """
    global _pool
    with _lock:
        if _pool is None or _pool[0] != workers:
            if _pool is not None:
                for _ in range(_pool[0]):
                    _pool[1].put(None)  # behind the work that others gave it
            tasks: SimpleQueue[Any] = SimpleQueue()
            for _ in range(workers):
                threading.Thread(target=_serve, args=(tasks,), name="tdseg", daemon=True).start()
            _pool = workers, tasks
        return _pool[1]


def _serve(tasks: SimpleQueue[Any]) -> None:
    _here.worker = True
    while (task := tasks.get()) is not None:
        future, function, item, ended = task
        if future.set_running_or_notify_cancel():
            try:
                with cancelled_by(ended.check):
                    future.set_result(function(item))
            except BaseException as error:
                future.set_exception(error)
        del task, future, function, item, ended  # else they live until the next comes


def _forget_pool() -> None:
    """Begin anew in a forked process, which has no threads of its parent's.

    PyTorch's OpenMP would wait for ever for the threads that its parent had; with one thread it
    starts none and waits for none.
    """
    global _pool, _lock, _orphaned
    _pool, _lock = None, threading.Lock()
    torch: Any = sys.modules.get("torch")
    if hasattr(torch, "set_num_threads"):
        _orphaned = True
        torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget_pool)


def bands(length: int, at_least: int = 16) -> list[tuple[int, int]]:
    """Split ``range(length)`` into as many nearly equal ``(start, stop)`` as there are threads.

    A band is never shorter than `at_least` (unless `length` is), so small work stays on one thread.
    """
    parts = max(1, min(thread_count(), length // max(at_least, 1)))
    edges = [length * i // parts for i in range(parts + 1)]
    return [(a, b) for a, b in itertools.pairwise(edges) if b > a]
