"""How much memory a job may use."""

from __future__ import annotations

import psutil

from tdseg.runtime.limits import memory_left

GIB = 1024**3
MOST = 1 << 62

_cap: int | None = None


def set_memory_cap(size: int | None) -> None:
    """Count no more than so many bytes as this process's own, those that it has taken included.

    Parameters
    ----------
    size
        Whoever started this process ends it beyond these; None: nobody does.
    """
    global _cap
    _cap = size


def memory_budget(limit: float | str) -> int:
    """Return the bytes that a job may use above the baseline after imports.

    Parameters
    ----------
    limit
        GiB, or "auto": a quarter of the memory that is free now.
    """
    if isinstance(limit, str):
        return free_memory() // 4
    if not limit > 0:  # NaN too
        return 0
    return MOST if limit >= MOST / GIB else int(limit * GIB)


def free_memory() -> int:
    """Return the bytes that are free to this process: the machine's, or fewer in a container."""
    here = int(psutil.virtual_memory().available)
    left = memory_left()
    if _cap:
        here = min(here, max(_cap - int(psutil.Process().memory_info().rss), 0))
    return here if left is None else min(here, left)
