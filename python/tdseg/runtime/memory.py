"""How much memory a job may use."""

from __future__ import annotations

import psutil

GIB = 1024**3


def memory_budget(limit: float | str) -> int:
    """Return the bytes that a job may use above the baseline after imports.

    Parameters
    ----------
    limit
        GiB, or "auto": a quarter of the memory that is free now.
    """
    if isinstance(limit, str):
        return int(psutil.virtual_memory().available // 4)
    return int(limit * GIB)
