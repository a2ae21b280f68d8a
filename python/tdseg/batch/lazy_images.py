"""Images of files that are read when a plane is asked for; few are in memory at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError
from tdseg.images.image import Image, PlaneSource

Read = Callable[[Path], Image]


class LazyImages:
    """Keeps the pixels of the images read last.

    Parameters
    ----------
    read
        Reads an image file.
    keep
        How many images.
    """

    def __init__(self, read: Read, keep: int = 1) -> None:
        self._read, self._keep = read, keep
        self._held: OrderedDict[Path, PlaneSource] = OrderedDict()

    def open(self, path: Path) -> Image:
        """Return an image that knows its facts and reads its pixels when they are asked for."""
        image = self._read(path)
        if image.by_region is not None:  # it holds no pixels
            return image
        self._hold(path, image.source)
        return replace(image, source=_Pixels(self, path, image.shape, image.dtype))

    def source(self, path: Path) -> PlaneSource:
        """Return the pixels of an image, from memory or from its file."""
        if path not in self._held:
            self._held.clear()  # before the next takes memory
            self._hold(path, self._read(path).source)
        self._held.move_to_end(path)
        return self._held[path]

    def _hold(self, path: Path, source: PlaneSource) -> None:
        while len(self._held) >= self._keep:
            self._held.popitem(last=False)
        self._held[path] = source


@dataclass(frozen=True)
class _Pixels:
    """Planes of a file that was read before; it must not have changed its size since."""

    images: LazyImages
    path: Path
    shape: tuple[int, int, int, int, int]
    dtype: np.dtype[Any]

    def read(self, t: int, z: int, c: int) -> npt.NDArray[np.number]:
        """Return one (Y, X) plane."""
        source = self.images.source(self.path)
        if source.shape != self.shape or source.dtype != self.dtype:
            raise TdsegError(f"File '{self.path}' was changed while it was used; start again.")
        return source.read(t, z, c)
