"""One process at a time starts ImageJ."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

_WAIT_SECONDS = 300.0


@contextmanager
def one_start_at_a_time(folder: Path) -> Iterator[None]:
    """Hold off other processes that start ImageJ from the same folder of jars.

    jgo empties that folder and fills it anew at every start. A Java that starts meanwhile finds
    some jars missing, and never looks for them again. Where the lock cannot be had (a read-only
    home folder, another start that takes minutes), the start goes on without it.

    Parameters
    ----------
    folder
        Where jgo keeps its folders of jars.
    """
    lock = FileLock(folder / "tdseg-start.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=_WAIT_SECONDS)
    except (OSError, NotImplementedError, Timeout):
        yield
        return
    try:
        yield
    finally:
        lock.release()
