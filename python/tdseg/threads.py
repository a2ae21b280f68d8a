"""Threads for compiled code that releases the GIL.

Numba's own parallel loops abort the process when two Python threads enter them at once, which
menus and macros do; so compiled functions here are serial, marked ``nogil``, and run in bands.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_count: int | None = None


def thread_count() -> int:
    """Return the number of worker threads.

    Returns
    -------
    int
        The last value given to `set_thread_count`, else ``TDSEG_THREADS``, else the number of
        processors this process may use.
    """
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
    """Apply `function` to every item, on `thread_count` threads, results in the items' order."""
    work = list(items)
    workers = min(thread_count(), len(work))
    if workers <= 1:
        return [function(item) for item in work]
    with ThreadPoolExecutor(workers, thread_name_prefix="tdseg") as pool:
        return list(pool.map(function, work))


def bands(length: int, at_least: int = 16) -> list[tuple[int, int]]:
    """Split ``range(length)`` into as many nearly equal ``(start, stop)`` as there are threads.

    A band is never shorter than `at_least` (unless `length` is), so small work stays on one thread.
    """
    parts = max(1, min(thread_count(), length // max(at_least, 1)))
    edges = [length * i // parts for i in range(parts + 1)]
    return [(a, b) for a, b in itertools.pairwise(edges) if b > a]
