"""Features of labelled pixels that were computed once and need not be again."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Features = npt.NDArray[np.float32]


class PixelCache:
    """A bounded store of features at pixels of planes, the least recently used leaving first.

    A stroke on one of several images is trained on together with all others: what those
    contribute is as it was.

    Parameters
    ----------
    limit_bytes
        Bound of what is held. Features that alone exceed it are not kept.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._held: OrderedDict[bytes, Features] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        with self._lock:
            return sum(found.nbytes for found in self._held.values())

    @property
    def count(self) -> int:
        """Number of sets of pixels held."""
        with self._lock:
            return len(self._held)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._held.clear()

    def get_or_make(
        self,
        plane: str,
        rows: npt.NDArray[np.int64],
        cols: npt.NDArray[np.int64],
        make: Callable[[], Features],
    ) -> Features:
        """Return the features of n pixels of a plane, computed if need be.

        Parameters
        ----------
        plane
            What its features are filed under: its content, and all settings that change them.
        rows, cols
            (n,) the pixels. Only the same, in the same order, are found again.
        make
            Computes them.

        Returns
        -------
        numpy.ndarray
            (n, F) float32, not to be written into.
        """
        digest = hashlib.blake2b(plane.encode(), digest_size=20)
        for array in (rows, cols):
            digest.update(np.ascontiguousarray(array, np.int64).data)
        key = digest.digest()
        with self._lock:
            found = self._held.get(key)
            if found is not None:
                self._held.move_to_end(key)
                return found
        made = make()
        made.flags.writeable = False
        self._keep(key, made)
        return made

    def _keep(self, key: bytes, made: Features) -> None:
        with self._lock:
            if made.nbytes > self._limit:
                return
            self._held[key] = made
            total = sum(found.nbytes for found in self._held.values())
            while total > self._limit:
                total -= self._held.popitem(last=False)[1].nbytes
