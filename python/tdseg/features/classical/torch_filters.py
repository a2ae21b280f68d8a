"""The classical filters as torch operations on one window, for graphics processors.

Sums are taken tap by tap in the order of the compiled filters and rounded where they round, so that
results are the same numbers wherever the device has double precision and exact division and root.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from tdseg.features.classical.disc import disc_half_widths, disc_reach
from tdseg.features.classical.kernels import gaussian_derivative, imagej_gaussian
from tdseg.features.classical.membrane import membrane_offsets, membrane_reach
from tdseg.features.classical.options import ClassicalOptions
from tdseg.features.classical.structure import INTEGRATION


def take(values: Tensor, dim: int, index: np.ndarray) -> Tensor:
    """Gather along one axis by a numpy index."""
    return values.index_select(dim, torch.from_numpy(index).to(values.device))


def repeat_edges(values: Tensor, margin: int) -> Tensor:
    """Pad both axes with `margin` repeated edge pixels."""
    for dim in (0, 1):
        size = values.shape[dim]
        values = take(values, dim, np.clip(np.arange(-margin, size + margin), 0, size - 1))
    return values


def _blur_axis(values: Tensor, sigma: float, line: int, dim: int) -> Tensor:
    taps, edge = imagej_gaussian(sigma, line)
    size, reach = values.shape[dim], len(taps) - 1
    shape = [1, 1]
    out = values * float(taps[0])
    place = np.arange(size)
    near = np.where(place <= reach, np.append(edge, 0)[np.minimum(place, reach)], 0)
    back = size - 1 - place
    right = (back <= reach) & ((place > reach) | (place + reach + 1 > size))
    far = np.where(right, edge[np.minimum(back, reach)], 0)
    shape[dim] = size
    for weights, position in ((near, 0), (far, size - 1)):
        weight = torch.from_numpy(weights.astype(np.float32)).to(values.device).reshape(shape)
        out = out + weight * values.narrow(dim, position, 1)
    blank = [*values.shape]
    blank[dim] = reach
    padded = torch.cat([values.new_zeros(blank), values, values.new_zeros(blank)], dim)
    for j in range(1, reach + 1):
        pair = padded.narrow(dim, reach - j, size) + padded.narrow(dim, reach + j, size)
        out = out + float(taps[j]) * pair
    return out


def blur(values: Tensor, scale: float, plane: tuple[int, int]) -> Tensor:
    """Blur like `imagej_blur`, over the whole window."""
    if scale == 0:
        return values
    return _blur_axis(_blur_axis(values, 0.4 * scale, plane[1], 1), 0.4 * scale, plane[0], 0)


def _gradients(values: Tensor, wide: torch.dtype) -> tuple[Tensor, Tensor]:
    """Correlate with the vertical and the horizontal Sobel kernel."""
    p = repeat_edges(values, 1).to(wide)
    rows, columns = values.shape
    at = {(i, j): p[i : i + rows, j : j + columns] for i in range(3) for j in range(3)}
    vertical = at[0, 0] + 2.0 * at[0, 1] + at[0, 2] - at[2, 0] - 2.0 * at[2, 1] - at[2, 2]
    horizontal = at[0, 0] - at[0, 2] + 2.0 * at[1, 0] - 2.0 * at[1, 2] + at[2, 0] - at[2, 2]
    return vertical.float(), horizontal.float()


def edges(blurred: Tensor, wide: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return Sobel magnitude and the eight Hessian features; see `hessian.edges`."""
    gx, gy = _gradients(blurred, wide)
    a, b = _gradients(gx, wide)
    d = _gradients(gy, wide)[1]
    trace, gap = a + d, a - d
    q = 4.0 * b * b + gap * gap
    root, t = torch.sqrt(q.to(wide)), trace.to(wide)
    cosine = gap.to(wide) / torch.sqrt(4.0 * b.to(wide) * b.to(wide) + (gap * gap).to(wide))
    angle = torch.nan_to_num(0.5 * torch.acos(cosine), nan=0.0).float()
    parts = [
        torch.sqrt(a * a + b * b + d * d),
        trace,
        a * d - b * b,
        (t + root).float() * 0.5,
        (t - root).float() * 0.5,
        torch.where(b < 0, -angle, angle),
        (t * t * q.to(wide)).float(),
        q,
    ]
    return torch.sqrt(gx * gx + gy * gy), torch.stack(parts)


def membrane(values: Tensor, options: ClassicalOptions, wide: torch.dtype) -> Tensor:
    """Return the six membrane projections of a window, of its own size."""
    pad = repeat_edges(values, membrane_reach(options)).to(wide)
    rows, columns, starts = membrane_offsets(options)
    height, width = values.shape
    lines = []
    for first, last in pairwise(starts):
        total = torch.zeros(height, width, dtype=wide, device=values.device)
        for r, c in zip(rows[first:last], columns[first:last], strict=True):
            total = total + pad[r : r + height, c : c + width]
        lines.append((total * (1.0 / (last - first))).float())
    one = torch.zeros_like(total)
    two, tally = torch.zeros_like(total), torch.zeros_like(values)
    for line in lines:
        one, two, tally = one + line, two + line.to(wide) * line.to(wide), tally + line
    ordered = torch.stack(lines).sort(dim=0).values
    spread = torch.sqrt(torch.clamp(((10.0 * two - one * one) / 10.0) / 9.0, min=0.0))
    middle = (ordered[4] + ordered[5]) / 2
    return torch.stack(
        [(one / 10.0).float(), ordered[9], ordered[0], tally, spread.float(), middle]
    )


def _doubling(
    pad: Tensor, halves: set[int], reach: int, width: int, join: Callable[[Tensor, Tensor], Tensor]
) -> dict[int, Tensor]:
    """Combine runs of 2 * half + 1 pixels along rows with minimum or maximum."""
    tables = [pad]
    while 2 ** len(tables) <= 2 * max(halves) + 1:
        step = 2 ** (len(tables) - 1)
        short = tables[-1]
        tables.append(join(short[:, : short.shape[1] - step], short[:, step:]))
    runs = {}
    for half in halves:
        level = int(np.log2(2 * half + 1))
        start, end = reach - half, reach + half + 1 - 2**level
        table = tables[level]
        runs[half] = join(table[:, start : start + width], table[:, end : end + width])
    return runs


def extremum(values: Tensor, radius: float, join: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Return minimum or maximum over ImageJ's disc."""
    widths, reach = disc_half_widths(radius), disc_reach(radius)
    height, width = values.shape
    runs = _doubling(repeat_edges(values, reach), {int(w) for w in widths}, reach, width, join)
    out = runs[int(widths[0])][:height]
    for k, half in enumerate(widths[1:], start=1):
        out = join(out, runs[int(half)][k : k + height])
    return out


def mean_variance(values: Tensor, radius: float, wide: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return mean and population variance over ImageJ's disc."""
    widths, reach = disc_half_widths(radius), disc_reach(radius)
    height, width = values.shape
    pad = repeat_edges(values, reach).to(wide)
    count = int((2 * widths + 1).sum())
    sums = []
    for source in (pad, pad * pad):
        running = torch.nn.functional.pad(source.cumsum(1), (1, 0))
        total = torch.zeros(height, width, dtype=wide, device=values.device)
        for k, half in enumerate(widths):
            first, last = reach - int(half), reach + int(half) + 1
            row = running[k : k + height]
            total = total + (row[:, last : last + width] - row[:, first : first + width])
        sums.append(total)
    variance = (sums[1] - sums[0] * sums[0] / count) / count
    return (sums[0] / count).float(), torch.clamp(variance, min=0.0).float()


def derive(values: Tensor, sigma: float, order: int, line: int, dim: int) -> Tensor:
    """Apply ImageScience's Gaussian derivative along one axis: double sums, float32 result."""
    taps = gaussian_derivative(sigma, order, line)
    size, reach = values.shape[dim], len(taps) - 1
    index = np.abs(np.arange(-reach, size + reach))
    index = np.clip(np.where(index >= size, 2 * size - 2 - index, index), 0, size - 1)
    pad = take(values, dim, index).double()
    sign = -1.0 if order % 2 else 1.0
    out = pad.narrow(dim, reach, size) * taps[0]
    for k in range(1, reach + 1):
        pair = pad.narrow(dim, reach - k, size) + sign * pad.narrow(dim, reach + k, size)
        out = out + taps[k] * pair
    return out.float()


def structure(values: Tensor, sigma: float, plane: tuple[int, int]) -> Tensor:
    """Return the eigenvalues of the smoothed structure tensor, shape (4, H, W)."""
    height, width = plane
    gx = derive(derive(values, sigma, 1, width, 1), sigma, 0, height, 0)
    gy = derive(derive(values, sigma, 0, width, 1), sigma, 1, height, 0)
    planes = []
    for scale in INTEGRATION:
        a, b, d = (
            derive(derive(p, scale, 0, width, 1), scale, 0, height, 0).double()
            for p in (gx * gx, gx * gy, gy * gy)
        )
        linear = -(a + d)
        product = a * d - b * b
        root = torch.sqrt(torch.clamp(linear * linear - 4.0 * product, min=0.0))
        first = -0.5 * (linear + torch.where(linear < 0, -root, root))
        second = torch.where(first == 0, torch.zeros_like(first), product / first).abs()
        first = first.abs()
        planes += [torch.maximum(first, second).float(), torch.minimum(first, second).float()]
    return torch.stack(planes)
