"""Write a file completely or not at all."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable
from pathlib import Path

from tdseg.errors import TdsegError

EXISTING = ("skip", "overwrite", "error")


def write_file(path: Path, write: Callable[[Path], object], existing: str = "error") -> bool:
    """Write a file under a temporary name beside it, then rename it.

    Parameters
    ----------
    path
        The file; its folder must exist.
    write
        Writes to the path that it is given.
    existing
        ``skip``, ``overwrite`` or ``error``, if the file is there.

    Returns
    -------
    bool
        Whether it was written; False if it was there and kept.

    Raises
    ------
    TdsegError
        If the file is there under ``error``, is a folder, or cannot be written.
    """
    if existing not in EXISTING:
        raise TdsegError(f"Key 'existing' is '{existing}'; use one of {', '.join(EXISTING)}.")
    if path.is_dir():
        raise TdsegError(f"'{path}' is a folder; give the name of a file in it.")
    if not path.parent.is_dir():
        raise TdsegError(f"Folder '{path.parent}' does not exist; create it first.")
    if path.exists():
        if existing == "skip":
            return False
        if existing == "error":
            raise TdsegError(f"File '{path}' exists; choose another name, or existing=overwrite.")
        if not os.access(path, os.W_OK):
            raise TdsegError(f"File '{path}' is write-protected; choose another name.")
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        write(part)
        os.replace(part, path)
    except OSError as error:
        raise TdsegError(
            f"File '{path}' cannot be written: {error.strerror or error}; choose a folder that "
            "you may write to, with enough free space."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return True
