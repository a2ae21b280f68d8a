"""Checks of the options of segmentation without labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tdseg.errors import TdsegError

METHODS = ("clusters", "attention", "foreground")
MAX_CLUSTERS = 255


def check_options(
    images: Sequence[Any],
    method: str,
    clusters: int | str,
    min_size: int,
    cutoff_scale: float,
    initial: int,
) -> None:
    """Raise a `TdsegError` that names the first option that is not valid."""
    if not images:
        raise TdsegError("There is nothing to segment; give at least one image.")
    if method not in METHODS:
        raise TdsegError(f"Key 'method': '{method}' is not valid; use " + ", ".join(METHODS) + ".")
    if clusters != "auto":
        whole = isinstance(clusters, int | np.integer) and not isinstance(clusters, bool)
        if not whole or not 2 <= int(clusters) <= MAX_CLUSTERS:
            raise TdsegError(
                f"Key 'clusters': '{clusters}' is not valid; use a whole number from 2 to "
                f"{MAX_CLUSTERS}, or 'auto'."
            )
    if not 0 < cutoff_scale < np.inf:
        raise TdsegError(
            f"Key 'cutoff_scale': '{cutoff_scale}' is not valid; use a number above 0."
        )
    if not 2 <= initial <= 1000:
        raise TdsegError(f"Key 'initial': '{initial}' is not valid; use 2 to 1000.")
    if min_size < 0:
        raise TdsegError(f"Key 'min_size': '{min_size}' is not valid; use 0 or more pixels.")
