"""What the user should know of work far below any job's progress, such as compiling."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def _to_stderr(message: str) -> None:
    if sys.stderr is not None:  # None in programs without a console
        print(f"tdseg: {message}", file=sys.stderr)


_listeners: list[Callable[[str], None]] = [_to_stderr]
_told: set[str] = set()


@contextmanager
def telling(note: Callable[[str], None]) -> Iterator[None]:
    """Let `note` hear it while a job runs, instead of standard error."""
    _listeners.append(note)
    try:
        yield
    finally:
        _listeners.remove(note)


def tell_once(message: str) -> None:
    """Tell the user something, once a process."""
    if message not in _told:
        _told.add(message)
        _listeners[-1](message)
