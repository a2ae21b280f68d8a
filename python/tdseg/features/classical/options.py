"""What the user chooses about the classical features, checked once."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tdseg.errors import TdsegError
from tdseg.features.classical.families import DEFAULT_FAMILIES, FAMILIES

RGB_MODES = ("channels", "tws")
LARGEST_SIGMA = 512.0


@dataclass(frozen=True)
class ClassicalOptions:
    """Parameters of the classical features, named and defaulted as in Trainable Weka Segmentation.

    Parameters
    ----------
    families : tuple of str
        Names in `tdseg.features.classical.FAMILIES`; `resolve_families` makes them from text.
    sigma_min, sigma_max : float
        Smallest and largest scale in pixels; the scales are ``sigma_min * 2**k``.
    membrane_thickness, membrane_patch : int
        Width of the line and side of the square kernel (pixels) of the membrane projections; the
        patch is also the side of the Kuwahara kernel. An even patch is raised to the next odd one.
    rgb : str
        ``"channels"``: every colour channel separately, unclamped; ``"tws"``: TWS's 24-bit rule.

    Raises
    ------
    TdsegError
        If a value is out of its range; the message names the key.
    """

    families: tuple[str, ...] = DEFAULT_FAMILIES
    sigma_min: float = 1.0
    sigma_max: float = 16.0
    membrane_thickness: int = 1
    membrane_patch: int = 19
    rgb: str = "channels"

    def __post_init__(self) -> None:
        """Check the values."""
        for key in self.families:
            if key not in FAMILIES:
                raise TdsegError(
                    f"classical={key} is not a family of features; use some of"
                    f" {', '.join(FAMILIES)}."
                )
        low, high = float(self.sigma_min), float(self.sigma_max)
        if not (math.isfinite(low) and low > 0):
            raise TdsegError(
                f"sigma_min={self.sigma_min} must be above 0 pixels; use 1 as TWS does."
            )
        if not (math.isfinite(high) and high >= low):
            raise TdsegError(
                f"sigma_max={self.sigma_max} must be at least sigma_min={self.sigma_min}."
            )
        if high > LARGEST_SIGMA:
            raise TdsegError(
                f"sigma_max={self.sigma_max} is too large; use at most {LARGEST_SIGMA:g} pixels."
            )
        if low < high / 2**16:
            raise TdsegError(f"sigma_min={self.sigma_min} is too small; use 0.1 pixels or more.")
        if int(self.membrane_patch) != self.membrane_patch or self.membrane_patch < 3:
            raise TdsegError(
                f"membrane_patch={self.membrane_patch} must be a whole number of at least 3 pixels."
            )
        if self.patch > 255:
            raise TdsegError(f"membrane_patch={self.membrane_patch} must be at most 255 pixels.")
        thickness = self.membrane_thickness
        if int(thickness) != thickness or not 1 <= thickness < self.patch:
            raise TdsegError(
                f"membrane_thickness={thickness} must be a whole number from 1 to"
                f" {self.patch - 1}, below membrane_patch={self.membrane_patch}."
            )
        if self.rgb not in RGB_MODES:
            raise TdsegError(f"rgb={self.rgb} is unknown; use one of {', '.join(RGB_MODES)}.")

    @property
    def patch(self) -> int:
        """Odd side of the membrane and Kuwahara kernels (pixels)."""
        return int(self.membrane_patch) | 1

    @property
    def sigmas(self) -> tuple[float, ...]:
        """Scales in pixels, doubling from `sigma_min` to at most `sigma_max`, single precision."""
        scales = []
        scale = np.float32(self.sigma_min)
        while scale <= np.float32(self.sigma_max):
            scales.append(float(scale))
            scale = np.float32(scale * np.float32(2))
        return tuple(scales)

    @property
    def edge_sigmas(self) -> tuple[float, ...]:
        """Scales of Sobel and Hessian: `sigmas`, and the unblurred image if `sigma_min` < 2."""
        return ((0.0,) if self.sigma_min < 2 else ()) + self.sigmas

    @property
    def radii(self) -> tuple[int, ...]:
        """Distinct whole parts of the scales (pixels), for families that take whole numbers."""
        return tuple(dict.fromkeys(int(scale) for scale in self.sigmas))

    @property
    def distances(self) -> tuple[int, ...]:
        """Distances of the neighbour features (pixels), doubling from int(`sigma_min`)."""
        found = []
        distance = max(1, int(self.sigma_min))  # TWS never ends at 0
        while distance <= int(self.sigma_max):
            found.append(distance)
            distance *= 2
        return tuple(found)


def java_float(value: float | np.floating) -> str:
    """Print `value` as Java prints a float: ``1.0``, ``0.35``, ``1.0E-4``."""
    number = np.float32(value)
    if number == 0:
        return "0.0"
    if 1e-3 <= abs(number) < 1e7:
        return np.format_float_positional(number, unique=True, trim="0")
    mantissa, exponent = np.format_float_scientific(number, unique=True, trim="0").split("e")
    return f"{mantissa}E{int(exponent)}"
