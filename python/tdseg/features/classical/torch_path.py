"""Classical features of a block on a torch device, with the rest on the processor."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from tdseg.features.classical import torch_filters as filters
from tdseg.features.classical.derivatives import ORDERS, derivative_names, laplacian_name
from tdseg.features.classical.gabor_bank import BANKS, bank_label
from tdseg.features.classical.gabor_statistics import MirroredPlane, full_kernels
from tdseg.features.classical.groups import FamilyGroup, Planes, groups_of
from tdseg.features.classical.hessian import hessian_names, sobel_name
from tdseg.features.classical.kernels import ANGLES
from tdseg.features.classical.membrane import membrane_names
from tdseg.features.classical.names import ORIGINAL, blur_name, difference_name, rank_name
from tdseg.features.classical.neighbors import neighbor_gather, neighbor_names
from tdseg.features.classical.plane import ClassicalPlane
from tdseg.features.classical.statistics import ChannelPlane
from tdseg.features.classical.structure import structure_names
from tdseg.features.classical.window import Window

Store = Callable[[str, Tensor], None]


def _edges(pixels: Tensor, window: Window, channel: ChannelPlane, store: Store) -> None:
    wide = _wide(pixels.device)
    narrower: dict[float, Tensor] = {}
    for sigma in channel.options.edge_sigmas:
        blurred = filters.blur(pixels, sigma, window.plane)
        sobel, hessian = filters.edges(blurred, wide)
        store(sobel_name(sigma), sobel)
        for name, plane in zip(hessian_names(sigma), hessian, strict=True):
            store(name, plane)
        if sigma > 0:
            store(blur_name(sigma), blurred)
            for narrow, other in narrower.items():
                store(difference_name(sigma, narrow), other - blurred)
            narrower[sigma] = blurred


def _membrane(pixels: Tensor, window: Window, channel: ChannelPlane, store: Store) -> None:
    planes = filters.membrane(pixels, channel.options, _wide(pixels.device))
    for name, plane in zip(membrane_names(channel.options), planes, strict=True):
        store(name, plane)


def _sums(pixels: Tensor, window: Window, channel: ChannelPlane, store: Store) -> None:
    for sigma in channel.options.sigmas:
        mean, variance = filters.mean_variance(pixels, sigma, _wide(pixels.device))
        store(rank_name("mean", sigma), mean)
        store(rank_name("variance", sigma), variance)


def _extremes(pixels: Tensor, window: Window, channel: ChannelPlane, store: Store) -> None:
    for sigma in channel.options.sigmas:
        store(rank_name("minimum", sigma), filters.extremum(pixels, sigma, torch.minimum))
        store(rank_name("maximum", sigma), filters.extremum(pixels, sigma, torch.maximum))


def _derivatives(pixels: Tensor, window: Window, channel: ChannelPlane, store: Store) -> None:
    height, width = window.plane
    for sigma in channel.options.sigmas:
        for name, order in zip(derivative_names(sigma), ORDERS, strict=True):
            half = filters.derive(pixels, sigma, order, width, 1)
            store(name, filters.derive(half, sigma, order, height, 0))
        xx = filters.derive(filters.derive(pixels, sigma, 2, width, 1), sigma, 0, height, 0)
        yy = filters.derive(filters.derive(pixels, sigma, 0, width, 1), sigma, 2, height, 0)
        store(laplacian_name(sigma), xx + yy)


def _structure(pixels: Tensor, window: Window, channel: ChannelPlane, store: Store) -> None:
    for sigma in channel.options.sigmas:
        planes = filters.structure(pixels, sigma, window.plane)
        for name, plane in zip(structure_names(sigma), planes, strict=True):
            store(name, plane)


def _neighbors(pixels: Tensor, window: Window, channel: ChannelPlane, store: Store) -> None:
    for distance in channel.options.distances:
        planes = neighbor_gather(window, distance)
        for name, (rows, columns) in zip(neighbor_names(distance), planes, strict=True):
            picked = filters.take(pixels, 0, np.maximum(rows, 0))
            picked = filters.take(picked, 1, np.maximum(columns, 0))
            inside = (rows >= 0)[:, np.newaxis] & (columns >= 0)
            store(name, picked * torch.from_numpy(inside).to(pixels.device))


def _gabor(pixels: Tensor, window: Window, channel: ChannelPlane, store: Store) -> None:
    y, x = window.origin[0] + window.top, window.origin[1] + window.left
    mirrored = MirroredPlane(channel.pixels, channel.level)
    for index, bank in enumerate(BANKS):
        reach = bank.reach
        rows, columns = (
            (y - reach, y + window.height + reach),
            (x - reach, x + window.width + reach),
        )
        part = mirrored.part(rows, columns, reach).astype(np.float64)
        pad = torch.from_numpy(part).to(pixels.device)[None, None]
        kernels = np.stack([full_kernels(bank, a) for a in range(ANGLES)], axis=1)[:, :, ::-1, ::-1]
        for part_index, phase in enumerate((0, 2)):
            weights = torch.from_numpy(kernels[part_index].copy()).to(pixels.device)[:, None]
            responses = torch.nn.functional.conv2d(pad, weights)[0]
            constants = torch.from_numpy(channel.gabor[index, :, part_index].copy())
            mean, scale = constants.to(pixels.device)[:, :, None, None].unbind(1)
            responses = (responses - mean) * scale
            store(f"Gabor_1_{bank_label(bank, phase)}", responses.amax(0))
            store(f"Gabor_2_{bank_label(bank, phase)}", responses.amin(0))


_ON_DEVICE: dict[str, Callable[[Tensor, Window, ChannelPlane, Store], None]] = {
    "gaussian": _edges,
    "membrane": _membrane,
    "variance": _sums,
    "minimum": _extremes,
    "gabor": _gabor,
    "derivatives": _derivatives,
    "structure": _structure,
    "neighbors": _neighbors,
}
_NEEDS_DOUBLE = frozenset({"variance", "gabor", "derivatives", "structure"})


def _wide(device: torch.device) -> torch.dtype:
    """Return the type of sums: double where the device has it (MPS does not)."""
    return torch.float32 if device.type == "mps" else torch.float64


def _runs_on(group: FamilyGroup, device: torch.device) -> bool:
    key = group.families[0]
    return key in _ON_DEVICE and not (device.type == "mps" and key in _NEEDS_DOUBLE)


def block_on_device(
    plane: ClassicalPlane, rows: slice, cols: slice, device: str
) -> tuple[np.ndarray, str]:
    """Return what ``plane.block(rows, cols)`` does, filtered on a torch device where possible.

    Blurs, edges, membrane, disc sums and extremes, derivatives, structure, Gabor and neighbours run
    on the device; median, anisotropic diffusion, bilateral, Lipschitz, Kuwahara and entropy are
    sequential or histogram filters and stay on the processor. So does all of TWS's averaged colour.

    Parameters
    ----------
    plane : ClassicalPlane
    rows, cols : slice
        Part of the plane.
    device : str
        A torch device: ``"cuda"``, ``"mps"`` or ``"cpu"``.

    Returns
    -------
    features : ndarray of float32, shape (F, h, w)
        Equal to `ClassicalPlane.block` but for rounding of roots, angles and Gabor sums (within
        1e-5 of each plane's largest value); on MPS, which lacks double precision, within 1e-4.
    note : str
        Which families ran on the processor, for the user; empty if none did.
    """
    target = torch.device(device)
    if plane.averaged:
        return plane.block(rows, cols), "rgb=tws: all classical features ran on the processor."
    groups = groups_of(plane.options)
    left_out = [
        family
        for group in groups
        if not _runs_on(group, target)
        for family in group.families
        if family in plane.options.families
    ]
    y0, y1 = plane.span(rows, 0)
    x0, x1 = plane.span(cols, 1)
    out = np.empty((len(plane.names), y1 - y0, x1 - x0), np.float32)
    per_channel = len(plane.names) // len(plane.channel_planes)
    names = [ORIGINAL, *plane.channel_names]
    for c, channel in enumerate(plane.channel_planes):
        planes = Planes(names, out[c * per_channel : (c + 1) * per_channel])
        planes.array[0] = channel.pixels[y0:y1, x0:x1]
        for group in groups:
            window = channel.window((y0, y1), (x0, x1), group.reach(plane.options))
            if _runs_on(group, target):
                _run(group, window, channel, planes, target)
            else:
                group.compute(window, channel, planes)
    note = f"These ran on the processor: {', '.join(left_out)}." if left_out else ""
    return plane.defined(out), note


def _run(
    group: FamilyGroup, window: Window, channel: ChannelPlane, planes: Planes, device: torch.device
) -> None:
    """Filter a window on the device and copy the wanted planes back."""
    core = (
        slice(window.top, window.top + window.height),
        slice(window.left, window.left + window.width),
    )
    size = (window.height, window.width)

    def store(name: str, values: Tensor) -> None:
        wanted = planes.get(name)
        if wanted is not None:
            inner = values if tuple(values.shape) == size else values[core]
            wanted[...] = inner.float().cpu().numpy()

    with torch.inference_mode():
        pixels = torch.from_numpy(window.pixels).to(device)
        _ON_DEVICE[group.families[0]](pixels, window, channel, store)
