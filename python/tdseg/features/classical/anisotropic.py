"""Anisotropic diffusion of a whole plane (Tschumperle and Deriche, as in Fiji)."""

from __future__ import annotations

import math
import threading

import numpy as np

from tdseg.features.classical.compiled import compiled
from tdseg.features.classical.diffusion_tensor import tensor_row
from tdseg.features.classical.options import ClassicalOptions, java_float
from tdseg.runtime import threads
from tdseg.runtime.cancelling import check

ITERATIONS = 20
FIRST_EXPONENTS = (np.float32(0.1), np.float32(0.1) + np.float32(0.25))
SECOND_EXPONENT = np.float32(0.9)
WORKING_BYTES = 1 << 28  # for slices that are diffused at the same time


def anisotropic_parameters(options: ClassicalOptions) -> list[tuple[int, np.float32]]:
    """Return (number of smoothings, first exponent) of every slice, in TWS's order."""
    return [(radius, a1) for radius in options.radii for a1 in FIRST_EXPONENTS]


def anisotropic_names(options: ClassicalOptions) -> list[str]:
    """Return TWS's labels."""
    edge = java_float(options.membrane_thickness)
    return [
        f"Anisotropic_diffusion_{ITERATIONS}_{radius}_{java_float(a1)}_0.9_{edge}"
        for radius, a1 in anisotropic_parameters(options)
    ]


@compiled
def _deviation(planes):  # type: ignore[no-untyped-def]
    """Return the population standard deviation; TWS's order of summation decides its last bit."""
    channels, height, width = planes.shape
    total = 0.0
    for x in range(width - 1, -1, -1):
        for y in range(height - 1, -1, -1):
            for c in range(channels - 1, -1, -1):
                total += planes[c, y, x]
    mean = total / (channels * height * width)
    square = 0.0
    for x in range(width - 1, -1, -1):
        for y in range(height - 1, -1, -1):
            for c in range(channels - 1, -1, -1):
                gap = planes[c, y, x] - mean
                square += gap * gap
    return math.sqrt(square / (channels * height * width))


@compiled
def _close_border(planes):  # type: ignore[no-untyped-def]
    """Repeat the edge pixels in the one-pixel frame around every channel."""
    channels, height, width = planes.shape
    for c in range(channels):
        for y in range(1, height - 1):
            planes[c, y, 0] = planes[c, y, 1]
            planes[c, y, width - 1] = planes[c, y, width - 2]
        planes[c, 0] = planes[c, 1]
        planes[c, height - 1] = planes[c, height - 2]


@compiled
def _velocity_row(up, mid, down, t0, t1, t2, to):  # type: ignore[no-untyped-def]
    """T0 Ixx + T1 Ixy + T2 Iyy for one row; the image rows have a frame of one pixel."""
    two, half = np.float32(2), np.float32(0.5)
    for x in range(to.size):
        centre = two * mid[x + 1]
        xx = mid[x + 2] + mid[x] - centre
        yy = down[x + 1] + up[x + 1] - centre
        xy = half * (up[x] + down[x + 2] - down[x] - up[x + 2])
        to[x] = t0[x] * xx + t1[x] * xy + t2[x] * yy


@compiled
def _tensors(planes, a1, a2, dr2, tensor):  # type: ignore[no-untyped-def]
    """Write the diffusion tensor of every pixel of framed channels, shape (3, height, width)."""
    width = planes.shape[2] - 2
    scratch = np.empty((8, width), np.float32)
    doubles = np.empty((3, width), np.float64)
    bits = np.empty(width, np.int32)
    for y in range(planes.shape[1] - 2):
        tensor_row(planes, y, a1, a2, dr2, scratch, doubles, bits, tensor)


@compiled
def _step(planes, tensor, velocity, dr0, low, high):  # type: ignore[no-untyped-def]
    """Make one explicit step, in place; `velocity` (channels, height, width) is scratch."""
    channels, height, width = velocity.shape
    largest = np.full(width, -np.inf, np.float32)
    smallest = np.full(width, np.inf, np.float32)
    for c in range(channels):
        for y in range(height):
            v = velocity[c, y]
            _velocity_row(
                planes[c, y],
                planes[c, y + 1],
                planes[c, y + 2],
                tensor[0, y],
                tensor[1, y],
                tensor[2, y],
                v,
            )
            for x in range(width):
                largest[x] = v[x] if v[x] > largest[x] else largest[x]
            for x in range(width):
                smallest[x] = v[x] if v[x] < smallest[x] else smallest[x]
    top = max(abs(np.float64(largest.max())), abs(np.float64(smallest.min())))
    step = 20.0 / top * dr0
    for c in range(channels):
        for y in range(height):
            v = velocity[c, y]
            row = planes[c, y + 1, 1 : width + 1]
            for x in range(width):
                value = np.float32(row[x] + v[x] * step)
                value = low if value < low else value
                row[x] = high if value > high else value
    _close_border(planes)


def _diffuse(
    planes: np.ndarray,
    smoothings: int,
    a1: float,
    deviation: float,
    edge: float,
    low: np.float32,
    high: np.float32,
) -> None:
    """Diffuse framed channels in place; between two steps the work may be cancelled."""
    inner = (planes.shape[1] - 2, planes.shape[2] - 2)
    tensor = np.empty((3, *inner), np.float32)
    velocity = np.empty((len(planes), *inner), np.float32)
    dr2 = (edge * deviation / 256.0) ** 2
    dr0 = 6.0 * deviation / 256.0
    for _ in range(ITERATIONS):
        check()
        _tensors(planes, a1, float(SECOND_EXPONENT), dr2, tensor)
        for _ in range(smoothings):
            check()
            _step(planes, tensor, velocity, dr0, low, high)


def anisotropic_diffusion(planes: np.ndarray, options: ClassicalOptions) -> np.ndarray:
    """Diffuse a whole plane for every scale and both first exponents.

    Twenty times: gradient (rotation-invariant 3x3), structure tensor without smoothing, summed over
    the channels; diffusivities (1 + (l1 + l2)/dr²)^-a1 along and ^-0.9 across the structure; then
    int(sigma) explicit steps with that tensor, each scaled by the largest change anywhere in the
    plane, clipped to the plane's range. Input and output are cut to whole numbers, as in Fiji.
    The steps are long and the scheme amplifies rounding, so that single precision and the order of
    operations are TWS's own.

    Parameters
    ----------
    planes : ndarray, shape (channels, Y, X)
        Channels are diffused together.
    options : ClassicalOptions

    Returns
    -------
    ndarray of int, shape (slices, channels, Y, X)
        In the smallest integer type that holds the range; all 0 for a constant plane.

    Notes
    -----
    Source: ``Anisotropic_Diffusion_2D`` 2.0.1 (V. Pilny, J. Janacek); D. Tschumperle, R. Deriche,
    "Vector-valued image regularization with PDE's", IEEE PAMI 27 (2005) 506-517.
    """
    cut = np.trunc(planes).astype(np.float32)
    low, high = np.float32(cut.min()), np.float32(cut.max())
    kind = np.promote_types(np.min_scalar_type(min(int(low), 0)), np.min_scalar_type(int(high)))
    parameters = anisotropic_parameters(options)
    out = np.zeros((len(parameters), *cut.shape), kind)
    if low == high:
        return out
    deviation = _deviation(cut)
    frame = ((0, 0), (1, 1), (1, 1))

    at_once = threading.Semaphore(max(1, WORKING_BYTES // (20 * cut.size)))

    def one(index: int) -> None:
        with at_once:
            diffuse(index)

    def diffuse(index: int) -> None:
        smoothings, a1 = parameters[index]
        work = np.pad(cut, frame, mode="edge")
        _diffuse(
            work,
            smoothings,
            float(a1),
            deviation,
            float(options.membrane_thickness),
            low,
            high,
        )
        inner = work[:, 1:-1, 1:-1]
        out[index] = np.nan_to_num(inner, nan=0.0)  # the assignment cuts towards zero

    order = sorted(range(len(parameters)), key=lambda i: -parameters[i][0])  # longest first
    threads.map_threads(one, order)
    return out
