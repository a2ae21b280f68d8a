"""What the features of a channel need to know about the whole plane."""

from __future__ import annotations

import threading
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from tdseg.features.classical.anisotropic import anisotropic_diffusion
from tdseg.features.classical.gabor_statistics import gabor_statistics
from tdseg.features.classical.lipschitz import lipschitz
from tdseg.features.classical.options import ClassicalOptions
from tdseg.features.classical.quantise import quantise
from tdseg.features.classical.tile import Tile
from tdseg.runtime.lazy_pixels import Channel, LazyChannel, extremes, mean


class ChannelPlane:
    """One channel of a plane and its statistics, each taken once, when it is first needed.

    Parameters
    ----------
    pixels : ndarray of real numbers, shape (Y, X)
        Kept as it is, or read on demand; tiles of it are converted to float32.
    options : ClassicalOptions
    diffusion : DiffusedPlanes
        The channels that are diffused together with this one.
    index : int
        Place of this channel among them.
    """

    def __init__(
        self, pixels: Channel, options: ClassicalOptions, diffusion: DiffusedPlanes, index: int
    ) -> None:
        self.pixels = pixels
        self.options = options
        self.shape: tuple[int, int] = (pixels.shape[0], pixels.shape[1])
        self.minimum, self.maximum = (float(np.float32(end)) for end in extremes(pixels))
        self._diffusion = diffusion
        self._index = index
        self._lock = threading.RLock()

    def tile(self, rows: tuple[int, int], columns: tuple[int, int], halo: int) -> Tile:
        """Return the tile with this core and at least `halo` pixels around it."""
        top, left = max(0, rows[0] - halo), max(0, columns[0] - halo)
        bottom = min(self.shape[0], rows[1] + halo)
        right = min(self.shape[1], columns[1] + halo)
        return Tile(
            np.ascontiguousarray(self.pixels[top:bottom, left:right], dtype=np.float32),
            rows[0] - top,
            columns[0] - left,
            rows[1] - rows[0],
            columns[1] - columns[0],
            self.shape,
            (top, left),
        )

    @cached_property
    def level(self) -> float:
        """Mean of the plane."""
        with self._lock:
            return mean(self.pixels)

    @cached_property
    def gabor(self) -> np.ndarray:
        """What normalises the Gabor responses; see `gabor_statistics`."""
        with self._lock:
            if "gabor" in self.__dict__:
                done: npt.NDArray[np.float64] = self.__dict__["gabor"]
                return done
            if isinstance(self.pixels, LazyChannel):
                return self.pixels.known(
                    "gabor", partial(gabor_statistics, self.pixels, self.level)
                )
            return gabor_statistics(self.pixels, self.level)

    @cached_property
    def lipschitz(self) -> np.ndarray:
        """The five Lipschitz planes, uint8, shape (5, Y, X)."""
        with self._lock:
            if "lipschitz" in self.__dict__:
                done: npt.NDArray[np.uint8] = self.__dict__["lipschitz"]
                return done
            return lipschitz(quantise(np.asarray(self.pixels), self.minimum, self.maximum))

    @property
    def diffused(self) -> np.ndarray:
        """The anisotropic-diffusion planes of this channel, shape (slices, Y, X)."""
        return self._diffusion.planes[:, self._index]


class DiffusedPlanes:
    """Anisotropic diffusion of channels that belong together, computed when first needed."""

    def __init__(self, channels: list[Channel], options: ClassicalOptions) -> None:
        self._channels = channels
        self._options = options
        self._lock = threading.RLock()

    @cached_property
    def planes(self) -> np.ndarray:
        """Diffused planes, shape (slices, channels, Y, X), whole numbers."""
        with self._lock:
            if "planes" in self.__dict__:
                done: npt.NDArray[np.float32] = self.__dict__["planes"]
                return done
            return anisotropic_diffusion(
                np.stack([np.asarray(c) for c in self._channels]), self._options
            )
