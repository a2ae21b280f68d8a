"""Checks of what a file holds of a classifier, before any code relies on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from tdseg.errors import TdsegError

MAX_COUNT = 10**9
MAX_FACTOR = 1e30


def stored_array(
    arrays: Mapping[str, npt.NDArray[Any]], name: str, kinds: str, shape: tuple[int | None, ...]
) -> npt.NDArray[Any]:
    """Return ``arrays[name]`` if its dtype kind and shape are right (None: any length).

    Raises
    ------
    TdsegError
        Without the name of the file, which the caller may add.
    """
    found = arrays.get(name)
    if found is None:
        raise TdsegError(f"The classifier lacks the array '{name}'; save it again.")
    fits = len(found.shape) == len(shape) and all(
        b is None or a == b for a, b in zip(found.shape, shape, strict=True)
    )
    if found.dtype.kind not in kinds or not fits:
        raise TdsegError(
            f"The classifier's array '{name}' is {found.dtype} of shape {found.shape}, which does "
            "not fit its header; save the classifier again."
        )
    return found


def stored_count(header: Mapping[str, Any], key: str) -> int:
    """Return a positive integer of the header, or raise a `TdsegError`."""
    value = header.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_COUNT:
        raise TdsegError(
            f"The classifier's header has no valid '{key}' (found {shown(value)}); save it again."
        )
    return value


def stored_factor(header: Mapping[str, Any], key: str) -> float:
    """Return a positive finite number of the header, or raise a `TdsegError`."""
    value = header.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAX_FACTOR:
        raise TdsegError(
            f"The classifier's header has no valid '{key}' (found {shown(value)}); save it again."
        )
    return float(value)


def shown(value: object) -> str:
    """Return a value as a message quotes it, cut short."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
