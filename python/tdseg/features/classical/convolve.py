"""Compiled separable filters: ImageJ's Gaussian and ImageScience's Gaussian derivatives."""

from __future__ import annotations

import numpy as np

from tdseg.features.classical.compiled import compiled
from tdseg.features.classical.kernels import gaussian_derivative, imagej_gaussian
from tdseg.features.classical.tile import in_bands

CHUNK = 512


@compiled
def _blur_rows(src, taps, edge, x0, x1, out, y0, y1):  # type: ignore[no-untyped-def]
    """Blur rows y0..y1 of `src` along x at columns x0..x1 (float32 sums in ImageJ's order)."""
    n = src.shape[1]
    reach = taps.size - 1
    side = (reach + 3) // 4 * 4
    w = np.zeros(side + 1, np.float32)
    w[: reach + 1] = taps
    pad = np.zeros(n + 2 * side, np.float32)
    length = x1 - x0
    base = side + x0
    for y in range(y0, y1):
        row = src[y]
        pad[side : side + n] = row
        acc = out[y]
        centre = row[x0:x1]
        for x in range(length):
            acc[x] = centre[x] * w[0]
        for x in range(x0, min(x1, reach + 1)):
            acc[x - x0] += edge[x] * row[0]
        for x in range(max(x0, n - reach - 1), x1):
            if x > reach or x + reach + 1 > n:
                acc[x - x0] += edge[n - 1 - x] * row[n - 1]
        for j in range(1, side, 4):
            w1, w2, w3, w4 = w[j], w[j + 1], w[j + 2], w[j + 3]
            left = pad[base - j - 3 : base - j - 3 + length + 3]
            right = pad[base + j : base + j + length + 3]
            for x in range(length):
                v = acc[x] + w1 * (left[x + 3] + right[x])
                v = v + w2 * (left[x + 2] + right[x + 1])
                v = v + w3 * (left[x + 1] + right[x + 2])
                acc[x] = v + w4 * (left[x] + right[x + 3])


@compiled
def _blur_columns(src, taps, edge, first, out, y0, y1):  # type: ignore[no-untyped-def]
    """Blur columns of `src` at rows first+y0..first+y1 into rows y0..y1 of `out`."""
    n, width = src.shape
    reach = taps.size - 1
    side = (reach + 3) // 4 * 4
    w = np.zeros(side + 1, np.float32)
    w[: reach + 1] = taps
    nothing = np.zeros(CHUNK, np.float32)
    for c0 in range(0, width, CHUNK):
        c1 = min(width, c0 + CHUNK)
        length = c1 - c0
        top = src[0, c0:c1]
        bottom = src[n - 1, c0:c1]
        for y in range(y0, y1):
            i = first + y
            acc = out[y, c0:c1]
            centre = src[i, c0:c1]
            for x in range(length):
                acc[x] = centre[x] * w[0]
            if i <= reach:
                weight = edge[i]
                for x in range(length):
                    acc[x] += weight * top[x]
            if (i > reach and i + reach + 1 >= n) or (i <= reach and i + reach + 1 > n):
                weight = edge[n - 1 - i]
                for x in range(length):
                    acc[x] += weight * bottom[x]
            for j in range(1, side, 4):
                w1, w2, w3, w4 = w[j], w[j + 1], w[j + 2], w[j + 3]
                a1 = src[i - j, c0:c1] if i - j >= 0 else nothing
                a2 = src[i - j - 1, c0:c1] if i - j - 1 >= 0 else nothing
                a3 = src[i - j - 2, c0:c1] if i - j - 2 >= 0 else nothing
                a4 = src[i - j - 3, c0:c1] if i - j - 3 >= 0 else nothing
                b1 = src[i + j, c0:c1] if i + j < n else nothing
                b2 = src[i + j + 1, c0:c1] if i + j + 1 < n else nothing
                b3 = src[i + j + 2, c0:c1] if i + j + 2 < n else nothing
                b4 = src[i + j + 3, c0:c1] if i + j + 3 < n else nothing
                for x in range(length):
                    v = acc[x] + w1 * (a1[x] + b1[x])
                    v = v + w2 * (a2[x] + b2[x])
                    v = v + w3 * (a3[x] + b3[x])
                    acc[x] = v + w4 * (a4[x] + b4[x])


def blur_reach(scale: float) -> int:
    """Return the margin (pixels) that `imagej_blur` needs at TWS's `scale`."""
    if scale == 0:
        return 0
    return len(imagej_gaussian(0.4 * scale, 1 << 30)[0])


def imagej_blur(
    pixels: np.ndarray, scale: float, part: tuple[int, int, int, int], plane: tuple[int, int]
) -> np.ndarray:
    """Gaussian blur as TWS calls ImageJ's: standard deviation 0.4 times `scale`.

    Along x, then along y; both sums and both results are float32; pixels outside take the value of
    the nearest edge pixel. Scale 0 copies.

    Parameters
    ----------
    pixels : ndarray of float32, shape (H, W)
    scale : float
        TWS's sigma in pixels.
    part : tuple of int
        Row start, row stop, column start, column stop of the wanted result inside `pixels`.
    plane : tuple of int
        Height and width of the whole plane (they limit the kernel's length).

    Returns
    -------
    ndarray of float32, shape (row stop - row start, column stop - column start)
    """
    y0, y1, x0, x1 = part
    if scale == 0:
        return np.ascontiguousarray(pixels[y0:y1, x0:x1])
    across = imagej_gaussian(0.4 * scale, plane[1])
    down = imagej_gaussian(0.4 * scale, plane[0])
    reach = len(down[0])
    top, bottom = max(0, y0 - reach), min(pixels.shape[0], y1 + reach)
    source = pixels[top:bottom]
    half = np.empty((bottom - top, x1 - x0), np.float32)
    in_bands(lambda a, b: _blur_rows(source, *across, x0, x1, half, a, b), 0, bottom - top)
    blurred = np.empty((y1 - y0, x1 - x0), np.float32)
    in_bands(lambda a, b: _blur_columns(half, *down, y0 - top, blurred, a, b), 0, y1 - y0)
    return blurred


@compiled
def _derive_rows(src, taps, odd, x0, x1, out, y0, y1):  # type: ignore[no-untyped-def]
    """Filter rows y0..y1 of `src` along x at columns x0..x1; double sums, mirrored borders."""
    n = src.shape[1]
    reach = taps.size - 1
    side = (reach + 3) // 4 * 4
    w = np.zeros(side + 1, np.float64)
    w[: reach + 1] = taps
    pad = np.zeros(n + 2 * side, np.float64)
    length = x1 - x0
    acc = np.empty(length, np.float64)
    base = side + x0
    sign = -1.0 if odd else 1.0
    for y in range(y0, y1):
        row = src[y]
        for x in range(n):
            pad[side + x] = row[x]
        for k in range(1, min(reach, n - 1) + 1):
            pad[side - k] = row[k]
            pad[side + n - 1 + k] = row[n - 1 - k]
        centre = pad[base : base + length]
        for x in range(length):
            acc[x] = centre[x] * w[0]
        for j in range(1, side, 4):
            w1, w2, w3, w4 = w[j], w[j + 1], w[j + 2], w[j + 3]
            left = pad[base - j - 3 : base - j - 3 + length + 3]
            right = pad[base + j : base + j + length + 3]
            for x in range(length):
                v = acc[x] + w1 * (left[x + 3] + sign * right[x])
                v = v + w2 * (left[x + 2] + sign * right[x + 1])
                v = v + w3 * (left[x + 1] + sign * right[x + 2])
                acc[x] = v + w4 * (left[x] + sign * right[x + 3])
        to = out[y]
        for x in range(length):
            to[x] = np.float32(acc[x])


@compiled
def _mirror(i, n):  # type: ignore[no-untyped-def]
    """Mirror an index without repeating the edge; clamp what is still outside (zero weight)."""
    if i < 0:
        i = -i
    if i >= n:
        i = 2 * n - 2 - i
    return min(max(i, 0), n - 1)


@compiled
def _derive_columns(src, taps, odd, first, out, y0, y1):  # type: ignore[no-untyped-def]
    """Filter columns of `src` at rows first+y0..first+y1 into rows y0..y1 of `out`."""
    n, width = src.shape
    reach = taps.size - 1
    side = (reach + 3) // 4 * 4
    w = np.zeros(side + 1, np.float64)
    w[: reach + 1] = taps
    sign = -1.0 if odd else 1.0
    acc = np.empty(CHUNK, np.float64)
    for c0 in range(0, width, CHUNK):
        c1 = min(width, c0 + CHUNK)
        length = c1 - c0
        for y in range(y0, y1):
            i = first + y
            centre = src[i, c0:c1]
            for x in range(length):
                acc[x] = centre[x] * w[0]
            for j in range(1, side, 4):
                w1, w2, w3, w4 = w[j], w[j + 1], w[j + 2], w[j + 3]
                a1, b1 = src[_mirror(i - j, n), c0:c1], src[_mirror(i + j, n), c0:c1]
                a2, b2 = src[_mirror(i - j - 1, n), c0:c1], src[_mirror(i + j + 1, n), c0:c1]
                a3, b3 = src[_mirror(i - j - 2, n), c0:c1], src[_mirror(i + j + 2, n), c0:c1]
                a4, b4 = src[_mirror(i - j - 3, n), c0:c1], src[_mirror(i + j + 3, n), c0:c1]
                for x in range(length):
                    v = acc[x] + w1 * (np.float64(a1[x]) + sign * b1[x])
                    v = v + w2 * (np.float64(a2[x]) + sign * b2[x])
                    v = v + w3 * (np.float64(a3[x]) + sign * b3[x])
                    acc[x] = v + w4 * (np.float64(a4[x]) + sign * b4[x])
            to = out[y, c0:c1]
            for x in range(length):
                to[x] = np.float32(acc[x])


def derive_x(
    pixels: np.ndarray, sigma: float, order: int, columns: tuple[int, int], line: int
) -> np.ndarray:
    """Gaussian derivative along x (ImageScience): double sums, float32 result, mirrored borders.

    Parameters
    ----------
    pixels : ndarray of float32, shape (H, W)
    sigma : float
        Standard deviation in pixels.
    order : int
        0 (smoothing) to 5.
    columns : tuple of int
        Wanted columns, start and stop.
    line : int
        Width of the whole plane (it limits the kernel).

    Returns
    -------
    ndarray of float32, shape (H, stop - start)
    """
    taps = gaussian_derivative(sigma, order, line)
    x0, x1 = columns
    out = np.empty((pixels.shape[0], x1 - x0), np.float32)
    in_bands(
        lambda a, b: _derive_rows(pixels, taps, order % 2 == 1, x0, x1, out, a, b), 0, len(pixels)
    )
    return out


def derive_y(
    half: np.ndarray,
    sigma: float,
    order: int,
    rows: tuple[int, int],
    line: int,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Gaussian derivative along y of what `derive_x` gave; the parameters are like its own.

    `out` (float32, shape (stop - start, W)) receives the result if it is given.
    """
    taps = gaussian_derivative(sigma, order, line)
    y0, y1 = rows
    result = np.empty((y1 - y0, half.shape[1]), np.float32) if out is None else out
    in_bands(lambda a, b: _derive_columns(half, taps, order % 2 == 1, y0, result, a, b), 0, y1 - y0)
    return result
