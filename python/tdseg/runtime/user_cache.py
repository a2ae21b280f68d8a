"""A folder of the user's for what can be made again: compiled code, patched classes."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs

WORKER_LOGS = "worker-logs"
"""Name of the folder of the logs of Fiji's workers."""


def user_cache(name: str) -> Path | None:
    """Return a folder that can be written, in the place that the system has for caches.

    Parameters
    ----------
    name
        Of the folder, within tdseg's.

    Returns
    -------
    Path or None
        None where it cannot be made or written, as with a home that is read-only: do without.
    """
    try:
        folder = platformdirs.user_cache_path("tdseg", appauthor=False) / name
    except (OSError, RuntimeError):  # no home at all
        return None
    return folder if can_write_in(folder) else None


def can_write_in(folder: Path) -> bool:
    """Say whether files can be made in a folder, which is made if need be.

    It is tried: permissions alone do not tell of full, read-only or foreign file systems.
    """
    try:
        os.makedirs(folder, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, ValueError):
        return False
    return True
