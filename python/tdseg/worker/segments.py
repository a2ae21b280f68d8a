"""Shared memory between Fiji and the worker; every segment is made, and removed, by the worker.

So there is one owner that counts them. Python's resource tracker, a process of its own, removes
those of a worker that was killed.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import sys
import threading
from collections.abc import Sequence
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from appose import NDArray, SharedMemory

from tdseg.errors import TdsegError

_FOLDER = Path("/dev/shm")  # where Linux shows them


class Segments:
    """The segments that are in use."""

    def __init__(self) -> None:
        self._arrays: dict[str, NDArray] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    @property
    def names(self) -> list[str]:
        """The names of all that are in use."""
        with self._lock:
            return list(self._arrays)

    def make(self, shape: Sequence[int], dtype: npt.DTypeLike) -> NDArray:
        """Make a segment for an array.

        Parameters
        ----------
        shape, dtype
            Of the array.

        Returns
        -------
        NDArray
            In use until `remove` is called.

        Raises
        ------
        TdsegError
            If there is no room for it.
        """
        kind = np.dtype(dtype)
        size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
        name = f"tdseg_{os.getpid()}_{next(self._numbers)}"
        memory = None
        try:
            memory = SharedMemory(name=name, create=True, rsize=max(size, 1))
            if os.name == "posix":  # Appose has taken it from the tracker
                resource_tracker.register(f"/{name}", "shared_memory")
            _reserve(name, size)
        except OSError as error:
            if memory is not None:
                memory.close()
                memory.unlink()
            raise _no_room(size, error) from None
        array = NDArray(kind.name, list(shape), memory)
        with self._lock:
            self._arrays[name] = array
        return array

    def remove(self, name: str) -> None:
        """Remove a segment; one that is gone already is no error."""
        with self._lock:
            array = self._arrays.pop(name, None)
        if array is None:
            return
        # A view that somebody still holds keeps the mapping, not the name.
        with contextlib.suppress(BufferError):
            array.shm.close()
        with contextlib.suppress(FileNotFoundError):
            array.shm.unlink()

    def remove_all(self) -> None:
        """Remove every segment."""
        for name in self.names:
            self.remove(name)


def name_of(array: NDArray) -> str:
    """Return the name by which `Segments` knows an array."""
    return str(array.shm.name)


def described(array: NDArray) -> dict[str, Any]:
    """Return where an array is, in plain data: ``name``, ``rsize``, ``dtype`` and ``shape``.

    As an NDArray of Appose it would be attached by Appose's Java side at once, which leaves an open
    file behind each time (0.9.0, Linux): Fiji would run out of them.
    """
    shape = [int(n) for n in array.shape]
    return {"name": name_of(array), "rsize": array.shm.rsize, "dtype": array.dtype, "shape": shape}


def _reserve(name: str, size: int) -> None:
    """Take the memory now: who writes where there is none is killed, and that would be Fiji."""
    if sys.platform == "linux" and os.path.exists(_FOLDER / name):
        with (_FOLDER / name).open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, max(size, 1))


def _no_room(size: int, error: OSError) -> TdsegError:
    if error.errno in (errno.ENOSPC, errno.ENOMEM, errno.EFBIG):
        return TdsegError(
            f"There is no room for {size / 2**20:.0f} MB of shared memory (on Linux /dev/shm, in "
            "a container its option --shm-size); make it larger, or close programs that use it."
        )
    return TdsegError(f"Shared memory cannot be had ({error.strerror}); start Fiji anew.")
