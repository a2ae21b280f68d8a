"""Threads for compiled code that releases the GIL.

Numba's own parallel loops abort the process when two Python threads enter them at once, which
menus and macros do; so compiled functions here are serial, marked ``nogil``, and run in bands.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_count: int | None = None
_here = threading.local()
_pool: tuple[int, ThreadPoolExecutor] | None = None
_lock = threading.Lock()


def thread_count() -> int:
    """Return the number of worker threads.

    Returns
    -------
    int
        The last value given to `set_thread_count`, else ``TDSEG_THREADS``, else the number of
        processors this process may use; 1 on a thread that `map_threads` started, so that work
        inside work does not multiply threads.
    """
    if getattr(_here, "worker", False):
        return 1
    if _count is not None:
        return _count
    wanted = os.environ.get("TDSEG_THREADS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Windows and macOS
        return os.cpu_count() or 1


def set_thread_count(count: int | None) -> None:
    """Use this many threads from now on (None: as many as there are processors)."""
    global _count
    _count = count


def map_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Apply `function` to every item, on `thread_count` threads, results in the items' order.

    If one raises, those not yet begun are dropped, and the exception comes when no other runs.
    """
    work = list(items)
    workers = thread_count()
    if min(workers, len(work)) <= 1:
        return [function(item) for item in work]
    with _lock:
        pool = _pool_of(workers)
        futures = [pool.submit(function, item) for item in work]
    try:
        return [future.result() for future in futures]
    finally:
        for future in futures:
            future.cancel()
        wait(futures)


def _pool_of(workers: int) -> ThreadPoolExecutor:
    """Return the pool, which is kept: new threads begin on one processor and are spread late."""
    global _pool
    if _pool is None or _pool[0] != workers:
        if _pool is not None:
            _pool[1].shutdown(wait=False)  # what others gave it is still done
        _pool = workers, ThreadPoolExecutor(workers, "tdseg", _become_worker)
    return _pool[1]


def _become_worker() -> None:
    _here.worker = True


def _forget_pool() -> None:
    """Begin anew in a forked process, which has no threads of its parent's."""
    global _pool, _lock
    _pool, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget_pool)


def bands(length: int, at_least: int = 16) -> list[tuple[int, int]]:
    """Split ``range(length)`` into as many nearly equal ``(start, stop)`` as there are threads.

    A band is never shorter than `at_least` (unless `length` is), so small work stays on one thread.
    """
    parts = max(1, min(thread_count(), length // max(at_least, 1)))
    edges = [length * i // parts for i in range(parts + 1)]
    return [(a, b) for a, b in itertools.pairwise(edges) if b > a]
