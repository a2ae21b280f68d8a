"""Reading, computing and writing at the same time, each with little in hand."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Value = TypeVar("Value")

_LOOK_SECONDS = 0.1  # between two looks whether the consumer has gone


def read_ahead(
    items: Iterable[Item], read: Callable[[Item], Value], threaded: bool = True
) -> Iterator[tuple[Item, Value | Exception]]:
    """Read one item ahead of the consumer, on a thread of its own.

    Parameters
    ----------
    items
        What to read.
    read
        Reads one; what it raises is handed over in the value's place.
    threaded
        False: read on the consumer's thread, when asked.

    Yields
    ------
    item, value
        In order. At most one value is held besides the consumer's.
    """
    if not threaded:
        for item in items:
            yield item, _tried(read, item)
        return
    ready: queue.SimpleQueue[tuple[Item, Value | Exception] | None] = queue.SimpleQueue()
    free, stop = threading.Semaphore(1), threading.Event()

    def work() -> None:
        for item in items:
            while not free.acquire(timeout=_LOOK_SECONDS):
                if stop.is_set():
                    return
            if stop.is_set():
                return
            ready.put((item, _tried(read, item)))
        ready.put(None)

    # A daemon: a disk that does not answer must not hold up the exit after Ctrl-C.
    threading.Thread(target=work, name="tdseg reader", daemon=True).start()
    try:
        while (found := ready.get()) is not None:
            free.release()
            yield found
            del found  # else it lives until the next is there
    finally:
        stop.set()


def _tried(read: Callable[[Item], Value], item: Item) -> Value | Exception:
    try:
        return read(item)
    except Exception as error:
        return error


class WriteBehind(Generic[Item]):
    """A thread that does work handed to it, in order; whoever is too fast waits.

    Parameters
    ----------
    work
        Does one item; must not raise.
    """

    def __init__(self, work: Callable[[Item], object]) -> None:
        self._work = work
        self._items: queue.Queue[Item | None] = queue.Queue(maxsize=1)
        self._broken: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, name="tdseg writer", daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Hand over an item; waits while one is being done and another stands before it."""
        self._check()
        self._items.put(item)

    def close(self) -> None:
        """Wait until all is done."""
        self._items.put(None)
        self._thread.join()
        self._check()

    def _serve(self) -> None:
        while (item := self._items.get()) is not None:
            if self._broken is None:
                try:
                    self._work(item)
                except BaseException as error:
                    self._broken = error
            del item

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken


class Finished:
    """What threads have finished, for the main thread to take."""

    def __init__(self) -> None:
        self._found: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def add(self, one: Any) -> None:
        """Add one."""
        self._found.put(one)

    def take(self) -> Iterator[Any]:
        """Yield those that are there."""
        while True:
            try:
                yield self._found.get_nowait()
            except queue.Empty:
                return
