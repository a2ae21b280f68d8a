"""The Gabor kernels of Trainable Weka Segmentation: banks, names and taps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tdseg.features.classical.kernels import ANGLES
from tdseg.features.classical.options import ClassicalOptions, java_float

NEGLIGIBLE = 1e-9


@dataclass(frozen=True)
class Bank:
    """One Gabor envelope and frequency: ten directions, an even and an odd kernel each."""

    sigma: float
    gamma: float
    frequency: float

    @property
    def reach(self) -> int:
        """Half the side of the kernel (pixels)."""
        return 3 * max(1, int(max(self.sigma, self.sigma / self.gamma)))


FIRST_SET = tuple(Bank(1.0, gamma, 2.0) for gamma in (1.0, 0.5, 0.25))
SECOND_SET = tuple(Bank(s, g, f) for s in (2.0, 4.0) for g in (1.0, 2.0) for f in (2.0, 3.0))
BANKS = FIRST_SET + SECOND_SET


def gabor_names(options: ClassicalOptions) -> list[str]:
    """Return TWS's labels in its order: phase outermost within each of the two sets."""
    return [
        f"Gabor_{which}_{bank_label(bank, phase)}"
        for banks in (FIRST_SET, SECOND_SET)
        for phase in (0, 2)
        for bank in banks
        for which in (1, 2)
    ]


def bank_label(bank: Bank, phase: int) -> str:
    """Return the parameters as TWS prints them; phase 0 is even, 2 (quarter turns / 2) is odd."""
    sigma, gamma, frequency = (java_float(v) for v in (bank.sigma, bank.gamma, bank.frequency))
    return f"{sigma}_{gamma}_{phase}_{frequency}"


def gabor_reach(options: ClassicalOptions) -> int:
    """Return the margin in pixels."""
    return max(bank.reach for bank in BANKS)


def _turned(bank: Bank, angle: int) -> tuple[float, float, float, float]:
    """Return sine and cosine of the direction and the two standard deviations."""
    theta = math.pi / ANGLES * angle
    return math.sin(theta), math.cos(theta), bank.sigma, bank.sigma / bank.gamma


@lru_cache(maxsize=256)
def half_kernels(bank: Bank, angle: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the taps of an even and an odd Gabor kernel, one of each symmetric pair.

    exp(-(x'²/sx² + y'²/sy²)/2) cos(2 pi f x'/n + psi) / (2 pi sx sy) with sx = sigma, sy =
    sigma/gamma, side n, (x', y') turned by ``angle`` * 18 degrees, psi = 0 and pi/2.

    Returns
    -------
    rows, columns : ndarray of int64, shape (N,)
        Offsets; N is a multiple of four, the first is the centre with half its weight.
    weights : ndarray of float32, shape (2, N)
        Even and odd. Taps under a billionth of the centre are left out.
    """
    reach, side = bank.reach, 2 * bank.reach + 1
    sine, cosine, wide, tall = _turned(bank, angle)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float64)
    along, across = x * cosine + y * sine, y * cosine - x * sine
    bell = np.exp(-0.5 * (along**2 / wide**2 + across**2 / tall**2))
    carrier = 2 * math.pi * bank.frequency * along / side
    scaled = bell / (2 * math.pi * wide * tall)
    kept = (bell > NEGLIGIBLE) & ((y > 0) | ((y == 0) & (x >= 0)))
    rows, columns = (v[kept].astype(np.int64) for v in (y, x))
    weights = np.stack([(scaled * np.cos(carrier))[kept], -(scaled * np.sin(carrier))[kept]])
    weights[0, (rows == 0) & (columns == 0)] *= 0.5  # the centre meets itself in the pair
    spare = -len(rows) % 4
    rows, columns = (np.pad(v, (0, spare)) for v in (rows, columns))
    return rows, columns, np.pad(weights, ((0, 0), (0, spare))).astype(np.float32)


@lru_cache(maxsize=256)
def separable_kernels(bank: Bank, angle: int) -> np.ndarray | None:
    """Return one-dimensional factors of the two kernels where the envelope has them.

    A round envelope, or one along an axis, is a product, and the wave is that of a sum of two
    angles: even = Cx Cy - Sx Sy, odd = -(Sx Cy + Cx Sy), a fraction of the work of the full kernel.

    Returns
    -------
    ndarray of float64, shape (4, reach + 1), or None
        Taps at 0, 1, ... of Cx, Sx, Cy, Sy; the S are odd.
    """
    sine, cosine, wide, tall = _turned(bank, angle)
    upright = angle * 2 == ANGLES
    if bank.gamma != 1.0 and angle != 0 and not upright:
        return None
    if upright:
        sine, cosine, wide, tall = 1.0, 0.0, tall, wide
    k = np.arange(bank.reach + 1, dtype=np.float64)
    wave = 2 * math.pi * bank.frequency / (2 * bank.reach + 1) * k
    factors = []
    for part, deviation in ((cosine, wide), (sine, tall)):
        bell = np.exp(-0.5 * (k / deviation) ** 2) / (math.sqrt(2 * math.pi) * deviation)
        factors += [bell * np.cos(wave * part), bell * np.sin(wave * part)]
    return np.array(factors)
