"""Images that commands made, until Fiji has fetched them."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError
from tdseg.worker.segments import Segments, described

_LEFT_BEHIND = 64
"""Results that nobody fetched, beyond which the oldest go."""


class Results:
    """Arrays by number.

    Parameters
    ----------
    segments
        Where planes are handed over.
    """

    def __init__(self, segments: Segments) -> None:
        self._segments = segments
        self._arrays: dict[int, npt.NDArray[Any]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._arrays)

    def keep(self, array: npt.NDArray[Any]) -> int:
        """Keep the array (T, Z, C, Y, X) of a result and return its number."""
        with self._lock:
            number = next(self._numbers)
            self._arrays[number] = array
            while len(self._arrays) > _LEFT_BEHIND:
                del self._arrays[next(iter(self._arrays))]
        return number

    def fetch(self, number: int, first: int, count: int) -> dict[str, Any]:
        """Copy planes into shared memory.

        Parameters
        ----------
        number
            Of the result.
        first, count
            Which planes, in ImageJ's order: channel fastest, then slice, then frame.

        Returns
        -------
        dict
            Where the array (count, Y, X) is, for Fiji to read and release: see `described`.

        Raises
        ------
        TdsegError
            If there is no such result, no such plane, or no room.
        """
        array = self._arrays.get(number)
        if array is None:
            raise TdsegError("The result is not there any more; run the command again.")
        flat = array.reshape(-1, *array.shape[3:])
        if not 0 <= first < first + count <= len(flat):
            raise TdsegError(f"The result has {len(flat)} planes, not {first} to {first + count}.")
        shared = self._segments.make((count, *array.shape[3:]), array.dtype)
        np.copyto(shared.ndarray(), flat[first : first + count])
        return described(shared)

    def release(self, number: int) -> None:
        """Forget a result."""
        with self._lock:
            self._arrays.pop(number, None)
