"""Bilateral filter of the stretched 8-bit plane."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tdseg.features.classical.compiled import compiled
from tdseg.features.classical.options import ClassicalOptions
from tdseg.features.classical.tile import in_bands

SPATIAL = (5, 10)
RANGES = (50, 100)
CHUNK = 128


def bilateral_names(options: ClassicalOptions) -> list[str]:
    """Return TWS's labels, spatial radius and range of values."""
    return [f"Bilateral_{r}.0_{v}.0" for r in SPATIAL for v in RANGES]


def bilateral_reach(options: ClassicalOptions) -> int:
    """Return the margin in pixels."""
    return max(SPATIAL)


@lru_cache(maxsize=8)
def _bell(radius: int) -> np.ndarray:
    """Gaussian of 2 * radius + 1 float32 weights with sum 1; its deviation is 0.4 (radius + 1)."""
    r = radius + 1.0
    index = np.arange(2 * int(r) - 1)
    weights = np.exp(-0.5 * ((index + 1 - r) / (2 * r) / 0.2) ** 2).astype(np.float32)
    total = np.float32(0)
    for w in weights:
        total = np.float32(total + w)
    normalised: npt.NDArray[np.float32] = (weights / total).astype(np.float32)
    return normalised


@lru_cache(maxsize=8)
def _range_weights(radius: int) -> np.ndarray:
    """Weight of the difference d at index d + 255; 0 where |d| exceeds `radius`."""
    weights = np.zeros(511, np.float32)
    bell = _bell(radius)
    half = len(bell) // 2
    weights[255 - min(half, 255) : 256 + min(half, 255)] = bell[
        half - min(half, 255) : half + min(half, 255) + 1
    ]
    return weights


@compiled
def _bilateral(pad, margin, bell, near, far, out, y0, y1):  # type: ignore[no-untyped-def]
    """Write rows y0..y1 for one spatial radius and both ranges (float32 sums, row by row)."""
    width = out.shape[2]
    side = bell.size
    shift = margin - side // 2
    s1 = np.empty(CHUNK, np.float32)
    w1 = np.empty(CHUNK, np.float32)
    s2 = np.empty(CHUNK, np.float32)
    w2 = np.empty(CHUNK, np.float32)
    base = np.empty(CHUNK, np.int32)
    for y in range(y0, y1):
        for c0 in range(0, width, CHUNK):
            n = min(CHUNK, width - c0)
            centre = pad[margin + y, margin + c0 : margin + c0 + n]
            for x in range(n):
                base[x] = 255 - np.int32(centre[x])
            s1[:] = 0
            w1[:] = 0
            s2[:] = 0
            w2[:] = 0
            for k in range(side):
                for m in range(side):
                    space = bell[k] * bell[m]
                    row = pad[shift + y + k, shift + c0 + m : shift + c0 + m + n]
                    for x in range(n):
                        v = np.float32(row[x])
                        d = np.int64(np.uint32(base[x] + np.int32(row[x])))
                        a = space * near[d]
                        b = space * far[d]
                        w1[x] += a
                        s1[x] += a * v
                        w2[x] += b
                        s2[x] += b * v
            first, second = out[0, y, c0 : c0 + n], out[1, y, c0 : c0 + n]
            for x in range(n):
                first[x] = np.float32(np.int32(s1[x] / w1[x]))
                second[x] = np.float32(np.int32(s2[x] / w2[x]))


def bilateral(quantised: np.ndarray, margin: int, out: np.ndarray) -> None:
    """Compute the four bilateral filters (5 and 10 pixels, 50 and 100 grey levels).

    Gaussian weights in space times Gaussian weights in value, float32 sums, whole-number result in
    the stretched scale 0 .. 255. Pixels outside the plane count as 0.

    Parameters
    ----------
    quantised : ndarray of uint8, shape (h + 2 margin, w + 2 margin)
        `quantise` of the tile, zeros outside the plane.
    margin : int
        At least 10 pixels.
    out : ndarray of float32, shape (4, h, w)

    Notes
    -----
    Source: ``vib.BilateralFilter`` of VIB-lib 2.2.0, as called by TWS.
    """
    for index, radius in enumerate(SPATIAL):
        bell = _bell(radius)
        near, far = (_range_weights(v) for v in RANGES)
        _run(quantised, margin, bell, near, far, out[2 * index : 2 * index + 2])


def _run(
    pad: np.ndarray,
    margin: int,
    bell: np.ndarray,
    near: np.ndarray,
    far: np.ndarray,
    out: np.ndarray,
) -> None:
    in_bands(lambda a, b: _bilateral(pad, margin, bell, near, far, out, a, b), 0, out.shape[1], 8)
