"""Temporary files that know whether their writer still lives, and sweeping those of killed runs."""

from __future__ import annotations

import contextlib
import os
import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# Short and of its own: a long name of the file to write leaves no room for additions.
_PART = re.compile(r"\.tdseg-[0-9a-f]{12}\.part")
# Between making a file and locking it, nobody may take it for one of a dead writer.
_YOUNG_SECONDS = 60.0
_OLD_SECONDS = 24 * 3600.0
_SWEEP_EVERY_SECONDS = 600.0
_swept: dict[str, float] = {}


def part_name() -> str:
    """Return a new name for a file that is not complete."""
    return f".tdseg-{uuid.uuid4().hex[:12]}.part"


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
    handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o666)
    try:
        if fcntl is None:
            os.close(handle)  # Windows renames no open file
            handle = -1
        else:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield part
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        if handle >= 0:
            os.close(handle)


def sweep(folder: Path) -> list[Path]:
    """Remove the temporary files of tdseg's in a folder whose writers are gone.

    A file goes if it is older than a minute and nobody holds its lock, or, where locks cannot
    tell, older than a day. Whatever cannot be looked at or removed stays.

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
            if age > _YOUNG_SECONDS and _ownerless(part, age):
                part.unlink()
                removed.append(part)
    return removed


def sweep_now_and_then(folder: Path) -> None:
    """Call `sweep`, but not again within ten minutes: a job may write thousands of files."""
    name, now = os.path.abspath(folder), time.monotonic()
    if now - _swept.get(name, -_SWEEP_EVERY_SECONDS) >= _SWEEP_EVERY_SECONDS:
        _swept[name] = now
        sweep(folder)


def _ownerless(part: Path, age: float) -> bool:
    if fcntl is None:
        return age > _OLD_SECONDS
    handle = os.open(part, os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False  # its writer lives, however slow it is
    except OSError:
        return age > _OLD_SECONDS
    finally:
        os.close(handle)
