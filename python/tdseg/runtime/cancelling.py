"""Whether the work that goes on should end, asked from far below any job's progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_asked: ContextVar[Callable[[], None] | None] = ContextVar("asked", default=None)


@contextmanager
def cancelled_by(ask: Callable[[], None]) -> Iterator[None]:
    """Let `ask` end the work of this thread, and what it hands to others, by raising.

    Parameters
    ----------
    ask
        Called between pieces of work: a plane of features, a tile, a tenth of a second of waiting.
        It should cost next to nothing.
    """
    token = _asked.set(ask)
    try:
        yield
    finally:
        _asked.reset(token)


def check() -> None:
    """End the work, by what `cancelled_by` raises, if the user wants that; else do nothing."""
    ask = _asked.get()
    if ask is not None:
        ask()
