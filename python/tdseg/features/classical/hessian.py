"""Sobel magnitude and the eight Hessian features of a blurred plane, in one sweep over its rows."""

from __future__ import annotations

import numpy as np

from tdseg.features.classical.compiled import compiled
from tdseg.features.classical.options import java_float
from tdseg.features.classical.tile import in_bands

HESSIAN_PARTS = (
    "",
    "_Trace",
    "_Determinant",
    "_Eigenvalue_1",
    "_Eigenvalue_2",
    "_Orientation",
    "_Square_Eigenvalue_Difference",
    "_Normalized_Eigenvalue_Difference",
)
MARGIN = 2


def sobel_name(sigma: float) -> str:
    """Return TWS's label of the Sobel magnitude."""
    return f"Sobel_filter_{java_float(sigma)}"


def hessian_names(sigma: float) -> list[str]:
    """Return TWS's labels of the eight Hessian features, in its order."""
    return [f"Hessian{part}_{java_float(sigma)}" for part in HESSIAN_PARTS]


@compiled
def _pad_row(src, y, to):  # type: ignore[no-untyped-def]
    """Copy the row nearest to `y` into to[1:-1] and repeat its ends."""
    n, width = src.shape
    y = min(max(y, 0), n - 1)
    to[1 : width + 1] = src[y]
    to[0] = src[y, 0]
    to[width + 1] = src[y, width - 1]


@compiled
def _vertical(top, bottom, to, length):  # type: ignore[no-untyped-def]
    """Correlate with [[1, 2, 1], [0, 0, 0], [-1, -2, -1]]: double sum, float32 result."""
    for x in range(length):
        s = np.float64(top[x]) + 2.0 * np.float64(top[x + 1])
        s = s + np.float64(top[x + 2])
        s = s - np.float64(bottom[x])
        s = s - 2.0 * np.float64(bottom[x + 1])
        to[x] = np.float32(s - np.float64(bottom[x + 2]))


@compiled
def _horizontal(top, mid, bottom, to, length):  # type: ignore[no-untyped-def]
    """Correlate with [[1, 0, -1], [2, 0, -2], [1, 0, -1]]: double sum, float32 result."""
    for x in range(length):
        s = np.float64(top[x]) - np.float64(top[x + 2])
        s = s + 2.0 * np.float64(mid[x])
        s = s - 2.0 * np.float64(mid[x + 2])
        s = s + np.float64(bottom[x])
        to[x] = np.float32(s - np.float64(bottom[x + 2]))


@compiled
def _hessian_row(a, b, d, ratio, out, y):  # type: ignore[no-untyped-def]
    """Write the eight features of one row; one output a loop, so that each is vectorised."""
    n = a.size
    four = np.float32(4)
    half = np.float32(0.5)
    to = out[0, y]
    for x in range(n):
        to[x] = np.sqrt(a[x] * a[x] + b[x] * b[x] + d[x] * d[x])
    trace = out[1, y]
    for x in range(n):
        trace[x] = a[x] + d[x]
    to = out[2, y]
    for x in range(n):
        to[x] = a[x] * d[x] - b[x] * b[x]
    gap = out[7, y]
    for x in range(n):
        diff = a[x] - d[x]
        gap[x] = four * b[x] * b[x] + diff * diff
    to = out[3, y]
    for x in range(n):
        to[x] = np.float32(np.float64(trace[x]) + np.sqrt(np.float64(gap[x]))) * half
    to = out[4, y]
    for x in range(n):
        to[x] = np.float32(np.float64(trace[x]) - np.sqrt(np.float64(gap[x]))) * half
    to = out[6, y]
    for x in range(n):
        t = np.float64(trace[x])
        to[x] = np.float32(t * t * gap[x])
    for x in range(n):
        diff = a[x] - d[x]
        wide = np.float64(b[x])
        ratio[x] = np.float64(diff) / np.sqrt(4.0 * wide * wide + np.float64(diff * diff))
    to = out[5, y]
    for x in range(n):
        v = ratio[x]
        if v >= -1.0 and v <= 1.0:
            angle = 0.5 * np.arccos(v)
            to[x] = np.float32(-angle if b[x] < 0 else angle)
        else:
            to[x] = np.float32(0)  # flat, or rounded to just outside the domain: NaN in TWS, then 0


@compiled
def _edges(src, top, left, width, sobel, hessian, y0, y1):  # type: ignore[no-untyped-def]
    """Write rows y0..y1 of the wanted outputs (an output of length 0 is not wanted)."""
    full = src.shape[1]
    rows = np.empty((3, full + 2), np.float32)
    gx = np.empty((3, full + 2), np.float32)
    gy = np.empty((3, full + 2), np.float32)
    a = np.empty(width, np.float32)
    b = np.empty(width, np.float32)
    d = np.empty(width, np.float32)
    ratio = np.empty(width, np.float64)
    last = src.shape[0] - 1
    for t in range(y0 - 1, y1 + 1):
        slot = (t + 3) % 3
        i = min(max(top + t, 0), last)
        for k in range(3):
            _pad_row(src, i + k - 1, rows[k])
        _vertical(rows[0], rows[2], gx[slot][1 : full + 1], full)
        _horizontal(rows[0], rows[1], rows[2], gy[slot][1 : full + 1], full)
        gx[slot, 0] = gx[slot, 1]
        gx[slot, full + 1] = gx[slot, full]
        gy[slot, 0] = gy[slot, 1]
        gy[slot, full + 1] = gy[slot, full]
        y = t - 1
        if y < y0:
            continue
        up, mid, down = (y + 2) % 3, (y + 3) % 3, (y + 4) % 3
        if sobel.shape[0] > 0:
            to = sobel[y]
            px = gx[mid, left + 1 : left + 1 + width]
            py = gy[mid, left + 1 : left + 1 + width]
            for x in range(width):
                to[x] = np.sqrt(px[x] * px[x] + py[x] * py[x])
        if hessian.shape[0] > 0:
            span = slice(left, left + width + 2)
            _vertical(gx[up, span], gx[down, span], a, width)
            _horizontal(gx[up, span], gx[mid, span], gx[down, span], b, width)
            _horizontal(gy[up, span], gy[mid, span], gy[down, span], d, width)
            _hessian_row(a, b, d, ratio, hessian, y)


def edges(
    blurred: np.ndarray,
    top: int,
    left: int,
    sobel: np.ndarray | None,
    hessian: np.ndarray | None,
) -> None:
    """Compute Sobel magnitude and Hessian features from a blurred plane.

    With A the vertical and B the horizontal 3x3 Sobel kernel (edge pixels repeated, double sums
    rounded to float32): gx = A*I, gy = B*I, magnitude sqrt(gx² + gy²); a = A*gx, b = B*gx, d = B*gy
    and then, with D = a - d, t = a + d, q = 4b² + D²:
    sqrt(a² + b² + d²), t, ad - b², (t + sqrt q)/2, (t - sqrt q)/2,
    acos(D / sqrt q)/2 with the sign of b, t²q, q.

    Parameters
    ----------
    blurred : ndarray of float32, shape (H, W)
        The core and `MARGIN` pixels around it, less where the plane ends.
    top, left : int
        The core's first row and column in `blurred`.
    sobel : ndarray of float32, shape (h, w), or None
        Receives the magnitude.
    hessian : ndarray of float32, shape (8, h, w), or None
        Receives the Hessian features.

    Notes
    -----
    Source: ``FeatureStack.addGradient`` and ``addHessian`` of Trainable Weka Segmentation; flat
    pixels have orientation 0.
    """
    wanted = sobel if sobel is not None else hessian
    if wanted is None:
        return
    height, width = wanted.shape[-2:]
    one = sobel if sobel is not None else np.empty((0, width), np.float32)
    eight = hessian if hessian is not None else np.empty((0, 0, width), np.float32)
    in_bands(lambda a, b: _edges(blurred, top, left, width, one, eight, a, b), 0, height)
