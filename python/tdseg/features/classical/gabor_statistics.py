"""Mean and deviation of every Gabor response over a whole plane, without computing the responses.

Each response is normalised by its mean and standard deviation over the plane, so that a tiled
computation would have to filter everything twice. The sum of a response's squares follows from
the autocorrelations of image and kernel, which cost one Fourier transform for all kernels; only
what the kernel sees beyond the plane has to be filtered and subtracted.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import fft, signal

from tdseg.features.classical.gabor import respond_rows
from tdseg.features.classical.gabor_bank import BANKS, Bank, half_kernels, separable_kernels
from tdseg.features.classical.kernels import ANGLES
from tdseg.runtime import threads
from tdseg.runtime.lazy_pixels import Channel

STRIP = 256  # rows transformed at once; fixed, so that results do not depend on threads


class MirroredPlane:
    """A plane less its mean, mirrored about its edge pixels, and 0 beyond the mirrored margin.

    Parameters
    ----------
    pixels : ndarray of real numbers, shape (Y, X)
    level : float
        Subtracted; it cancels in the normalisation.
    """

    def __init__(self, pixels: Channel, level: float) -> None:
        self._pixels = pixels
        self._level = np.float32(level)
        self.shape: tuple[int, int] = (pixels.shape[0], pixels.shape[1])

    def part(self, rows: tuple[int, int], columns: tuple[int, int], margin: int) -> np.ndarray:
        """Return float32 values of a rectangle, of which rows and columns may lie outside."""
        picked = []
        missing = []
        for (start, stop), length in zip((rows, columns), self.shape, strict=True):
            first, last = max(start, -margin), min(stop, length + margin)
            index = np.abs(np.arange(first, max(first, last)))
            period = max(1, 2 * (length - 1))
            index %= period
            picked.append(np.minimum(index, period - index) if length > 1 else 0 * index)
            missing.append((first - start, stop - max(first, last)))
        values = self._pixels[np.ix_(*picked)].astype(np.float32) - self._level
        return np.pad(values, missing)


@lru_cache(maxsize=256)
def full_kernels(bank: Bank, angle: int) -> np.ndarray:
    """Return the even and the odd kernel as they are applied, shape (2, n, n), double."""
    reach = bank.reach
    factors = separable_kernels(bank, angle)
    if factors is not None:
        cx, sx, cy, sy = (
            np.concatenate([sign * f[:0:-1], f])
            for f, sign in zip(factors, (1, -1, 1, -1), strict=True)
        )
        even = np.outer(cy, cx) - np.outer(sy, sx)
        return np.stack([even, -(np.outer(cy, sx) + np.outer(sy, cx))])
    rows, columns, weights = half_kernels(bank, angle)
    full = np.zeros((2, 2 * reach + 1, 2 * reach + 1))
    for part, sign in enumerate((1.0, -1.0)):
        np.add.at(full[part], (reach + rows, reach + columns), weights[part])
        np.add.at(full[part], (reach - rows, reach - columns), sign * weights[part])
    return full


@lru_cache(maxsize=256)
def _kernel_autocorrelations(bank: Bank, angle: int) -> np.ndarray:
    """Return the autocorrelations of the even and the odd kernel, shape (2, 4R + 1, 4R + 1)."""
    return np.stack([signal.correlate(k, k, method="fft") for k in full_kernels(bank, angle)])


def _autocorrelation(plane: MirroredPlane, reach: int) -> tuple[float, np.ndarray]:
    """Return the sum and the autocorrelation (lags up to 2R) of the plane with a margin of R."""
    height, width = plane.shape
    lag = 2 * reach
    columns = (-reach, width + reach)
    size = (fft.next_fast_len(STRIP + 2 * lag, True), fft.next_fast_len(width + 3 * lag, True))

    def one(start: int) -> tuple[float, np.ndarray]:
        stop = min(start + STRIP, height + reach)
        ahead = plane.part((start, stop + lag), columns, reach).astype(np.float64)
        here = ahead[: stop - start]
        product = np.conj(fft.rfft2(here, size)) * fft.rfft2(ahead, size)
        lags = fft.irfft2(product, size)[: lag + 1]
        return float(here.sum()), np.concatenate([lags[:, -lag:], lags[:, : lag + 1]], axis=1)

    strips = threads.map_threads(one, range(-reach, height + reach, STRIP))
    half = np.sum([lags for _, lags in strips], axis=0)
    full = np.concatenate([half[:0:-1, ::-1], half])  # A(-d) = A(d)
    return float(np.sum([total for total, _ in strips])), full


def _sums(responses: np.ndarray) -> np.ndarray:
    """Return sum and sum of squares of the even and the odd response, shape (2, 2)."""
    values = responses.astype(np.float64)
    with np.errstate(invalid="ignore"):  # infinite where very large pixel values overflow
        return np.stack([values.sum(axis=(1, 2)), (values * values).sum(axis=(1, 2))], axis=1)


def _outside(plane: MirroredPlane, bank: Bank, angle: int) -> np.ndarray:
    """Return the sums of the responses around the plane, where the kernel still meets the margin.

    Left and right of the plane image and kernel are transposed, to filter long rows: the transpose
    of a kernel is that at 90 degrees minus its angle.
    """
    height, width = plane.shape
    reach = bank.reach
    lag = 2 * reach
    total = np.zeros((2, 2))
    for start in (-lag, height):
        rows = (start - reach, start + lag + reach)
        pad = plane.part(rows, (-lag - reach, width + lag + reach), reach)
        responses = np.empty((2, lag, width + 2 * lag), np.float32)
        respond_rows(pad, bank, angle, responses, 0, lag)
        total += _sums(responses)
    turned = ANGLES // 2 - angle
    for start in (-lag, width):
        columns = (start - reach, start + lag + reach)
        pad = np.ascontiguousarray(plane.part((-reach, height + reach), columns, reach).T)
        responses = np.empty((2, lag, height), np.float32)
        respond_rows(pad, bank, turned % ANGLES, responses, 0, lag)
        if turned < 0:
            responses[1] *= -1
        total += _sums(responses)
    return total


def gabor_statistics(pixels: Channel, level: float) -> np.ndarray:
    """Return mean and reciprocal standard deviation of every response over the plane.

    Parameters
    ----------
    pixels : ndarray of real numbers, shape (Y, X)
        The whole plane.
    level : float
        Its mean, subtracted first.

    Returns
    -------
    ndarray of float64, shape (banks, angles, 2, 2)
        For the even and the odd kernel: mean, and 1 / (sample standard deviation), which is 0
        where the response does not vary.
    """
    plane = MirroredPlane(pixels, level)
    count = pixels.shape[0] * pixels.shape[1]
    known = {
        reach: _autocorrelation(plane, reach) for reach in sorted({bank.reach for bank in BANKS})
    }

    def one(case: tuple[int, int]) -> np.ndarray:
        bank, angle = BANKS[case[0]], case[1]
        total, correlation = known[bank.reach]
        kernels = full_kernels(bank, angle)
        squares = (_kernel_autocorrelations(bank, angle) * correlation).sum(axis=(1, 2))
        sums = np.stack([kernels.sum(axis=(1, 2)) * total, squares], axis=1)
        sums -= _outside(plane, bank, angle)
        mean = sums[:, 0] / count
        variance = (sums[:, 1] - sums[:, 0] * mean) / max(count - 1, 1)
        middle = 2 * bank.reach
        power = (kernels * kernels).sum(axis=(1, 2)) * correlation[middle, middle] / count
        flat = variance <= 1e-12 * power + 1e-60
        scale = np.where(flat, 0.0, 1.0 / np.sqrt(np.where(flat, 1.0, variance)))
        return np.stack([mean, scale], axis=1)

    cases = [(bank, angle) for bank in range(len(BANKS)) for angle in range(ANGLES)]
    return np.array(threads.map_threads(one, cases)).reshape(len(BANKS), ANGLES, 2, 2)
