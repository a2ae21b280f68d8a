"""Temporary files that know whether their writer still lives, and sweeping those of killed runs."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import time
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# Short and of its own: a long name of the file to write leaves no room for additions.
_PART = re.compile(r"\.tdseg-[0-9a-f]{12}\.part")
# A file system that is shared may not carry locks from machine to machine, nor one clock.
_YOUNG_SECONDS = 3600.0
_OLD_SECONDS = 24 * 3600.0
_SWEEP_EVERY_SECONDS = 600.0
_swept: dict[str, float] = {}


def part_name() -> str:
    """Return a new name for a file that is not complete; it tells this machine's from others."""
    return f".tdseg-{_machine()}{uuid.uuid4().hex[:6]}.part"


@cache
def _machine() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:6]


@contextlib.contextmanager
def claim(part: Path) -> Iterator[Path]:
    """Make an empty file, lock it while the body runs, and remove it afterwards if it is there.

    The lock dies with the process, whatever kills it; other machines and containers that share the
    folder see it too, where a process number would say nothing.

    Raises
    ------
    OSError
        If the file cannot be made.
    """
    handle = _make_locked(part)
    try:
        if fcntl is None:
            os.close(handle)  # Windows renames no open file
            handle = -1
        yield part
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        if handle >= 0:
            os.close(handle)


def _make_locked(part: Path) -> int:
    """Make a file and lock it, again if somebody swept it in between."""
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_CLOEXEC", 0)
    while True:
        handle = os.open(part, flags, 0o666)
        if fcntl is None:
            return handle
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _is_at(handle, part):
                return handle
        except OSError:  # a file system without locks
            return handle
        os.close(handle)


def _is_at(handle: int, path: Path) -> bool:
    """Tell whether an open file still has its name."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False


def sweep(folder: Path) -> list[Path]:
    """Remove the temporary files of tdseg's in a folder whose writers are gone.

    A file goes if nobody holds its lock and it is of this machine or older than an hour; where
    locks cannot tell, if it is older than a day. Whatever cannot be looked at or removed stays.

    Returns
    -------
    list of Path
        What was removed.
    """
    removed = []
    try:
        with os.scandir(folder) as entries:
            parts = [Path(entry.path) for entry in entries if _PART.fullmatch(entry.name)]
    except OSError:
        return []
    for part in parts:
        with contextlib.suppress(OSError):
            age = time.time() - part.stat().st_mtime
            here = fcntl is not None and part.name.startswith(f".tdseg-{_machine()}")
            if (here or age > _YOUNG_SECONDS) and _removed(part, age):
                removed.append(part)
    return removed


def sweep_now_and_then(folder: Path) -> None:
    """Call `sweep`, but not again within ten minutes: a job may write thousands of files."""
    name, now = os.path.abspath(folder), time.monotonic()
    if now - _swept.get(name, -_SWEEP_EVERY_SECONDS) >= _SWEEP_EVERY_SECONDS:
        _swept[name] = now
        sweep(folder)


def _removed(part: Path, age: float) -> bool:
    """Remove a file that nobody holds."""
    if fcntl is None:
        if age > _OLD_SECONDS:
            part.unlink()
        return age > _OLD_SECONDS
    handle = os.open(part, os.O_RDWR)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False  # its writer lives, however slow it is
        except OSError:
            if age <= _OLD_SECONDS:
                return False
        if not _is_at(handle, part):  # another sweeper was faster, and its writer began anew
            return False
        part.unlink()  # under the lock: who made it meanwhile waits, and makes another
        return True
    finally:
        os.close(handle)
