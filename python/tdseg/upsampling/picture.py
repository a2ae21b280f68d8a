"""What a backbone sees of a plane: three channels between 0 and 1, cut out where needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tdseg.runtime.lazy_pixels import Pixels


@dataclass(frozen=True)
class Picture:
    """One grey or colour image, scaled when it is cut.

    Attributes
    ----------
    pixels
        (H, W, 1) or (H, W, 3); a single channel is repeated threefold.
    ranges
        (1 or 3, 2): the values that become 0 and 1; values beyond are clipped.
    """

    pixels: Pixels
    ranges: npt.NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def crop(
        self, rows: npt.NDArray[np.int64], cols: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return the pixels at ``rows`` x ``cols``, (3, h, w) float32 in 0 to 1.

        Rows and columns are numbers of pixels in any order, so reflection costs no copy.
        """
        part = self.scaled(self.pixels[rows[:, None], cols[None, :]])
        planes = part.transpose(2, 0, 1)
        if planes.shape[0] == 1:
            planes = np.broadcast_to(planes, (3, *planes.shape[1:]))
        return np.ascontiguousarray(planes)

    def scaled(self, pixels: npt.NDArray[np.number]) -> npt.NDArray[np.float32]:
        """Return ``clip((value - low) / (high - low), 0, 1)``, float32; not a number becomes 0."""
        low = self.ranges[:, 0].astype(np.float64)
        span = self.ranges[:, 1].astype(np.float64) - low
        span = np.where(span > 0, span, 1.0)
        shape = (1,) * (pixels.ndim - 1) + (-1,)
        scaled = (pixels - low.astype(np.float32).reshape(shape)) / span.astype(np.float32).reshape(
            shape
        )
        np.clip(scaled, 0, 1, out=scaled)
        finite: npt.NDArray[np.float32] = np.nan_to_num(scaled, copy=False).astype(
            np.float32, copy=False
        )
        return finite
