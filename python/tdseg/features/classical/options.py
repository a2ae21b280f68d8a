"""What follows from the keys of the classical features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tdseg.features.classical.families import resolve_families
from tdseg.options import groups


@dataclass(frozen=True, kw_only=True)
class ClassicalOptions(groups.ClassicalOptions):
    """The keys of the classical features, and what follows from them: families, scales, kernels."""

    @cached_property
    def families(self) -> tuple[str, ...]:
        """Names of the families, in the order of `FAMILIES`."""
        return resolve_families(self.classical)

    def check_together(self) -> None:
        """Check that the families are known."""
        super().check_together()
        resolve_families(self.classical)

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
