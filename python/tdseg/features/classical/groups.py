"""Families that share work, and how each group fills its planes from a window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tdseg.features.classical import bilateral as bilateral_filter
from tdseg.features.classical import derivatives as gaussian_derivatives
from tdseg.features.classical import hessian as edge_filters
from tdseg.features.classical import kuwahara as kuwahara_filter
from tdseg.features.classical import structure as structure_tensor
from tdseg.features.classical.anisotropic import anisotropic_names
from tdseg.features.classical.convolve import blur_reach, imagej_blur
from tdseg.features.classical.disc import disc_reach
from tdseg.features.classical.entropy import entropy, entropy_names
from tdseg.features.classical.gabor import gabor
from tdseg.features.classical.gabor_bank import gabor_names, gabor_reach
from tdseg.features.classical.lipschitz import lipschitz_names
from tdseg.features.classical.median import median, rank_image
from tdseg.features.classical.membrane import membrane, membrane_names, membrane_reach
from tdseg.features.classical.names import blur_name, difference_name, rank_name
from tdseg.features.classical.neighbors import neighbor_names, neighbors
from tdseg.features.classical.options import ClassicalOptions
from tdseg.features.classical.quantise import quantise
from tdseg.features.classical.rank import mean_variance, minimum_maximum
from tdseg.features.classical.statistics import ChannelPlane
from tdseg.features.classical.window import Window, in_bands


class Planes:
    """Named result planes, of which a group fills those that are wanted.

    Parameters
    ----------
    names : list of str
    array : ndarray of float32, shape (len(names), h, w)
    """

    def __init__(self, names: list[str], array: np.ndarray) -> None:
        self.array = array
        self._index = {name: i for i, name in enumerate(names)}

    def get(self, name: str) -> np.ndarray | None:
        """Return the plane of this name, or None if it is not wanted."""
        index = self._index.get(name)
        return None if index is None else self.array[index]

    def stack(self, names: list[str]) -> np.ndarray | None:
        """Return planes that follow one another, or None if they are not wanted."""
        index = self._index.get(names[0])
        return None if index is None else self.array[index : index + len(names)]

    def views(self) -> dict[str, np.ndarray]:
        """Return every plane by name."""
        return {name: self.array[i] for name, i in self._index.items()}


@dataclass(frozen=True)
class FamilyGroup:
    """Families that are computed together.

    Parameters
    ----------
    families : tuple of str
        Keys of `FAMILIES`.
    reach : callable
        Margin in pixels that the window needs, from the options.
    compute : callable
        Fills the wanted planes from a window.
    """

    families: tuple[str, ...]
    reach: Callable[[ClassicalOptions], int]
    compute: Callable[[Window, ChannelPlane, Planes], None]


def _edges_reach(options: ClassicalOptions) -> int:
    return blur_reach(options.sigmas[-1]) + edge_filters.MARGIN


def _in_rows(function: Callable[..., object], *planes: np.ndarray) -> None:
    """Call a function of whole planes on bands of their rows, on all threads."""

    def band(first: int, last: int) -> None:
        function(*(plane[first:last] for plane in planes))

    in_bands(band, 0, len(planes[0]))


def _subtract(target: np.ndarray, minuend: np.ndarray, subtrahend: np.ndarray) -> None:
    with np.errstate(invalid="ignore"):  # infinite where very large pixel values overflow
        np.subtract(minuend, subtrahend, out=target)


def _edges(window: Window, channel: ChannelPlane, planes: Planes) -> None:
    """Blur once a scale; blur, Sobel, Hessian and differences all come from that."""
    options = channel.options
    families = options.families
    blurred: dict[float, np.ndarray] = {}
    for sigma in options.edge_sigmas:
        sobel = planes.get(edge_filters.sobel_name(sigma))
        hessian = planes.stack(edge_filters.hessian_names(sigma))
        if sigma == 0 and sobel is None and hessian is None:
            continue
        margin = edge_filters.MARGIN if sobel is not None or hessian is not None else 0
        part = window.grown(margin)
        smooth = imagej_blur(window.pixels, sigma, part, window.plane)
        top, left = window.top - part[0], window.left - part[2]
        edge_filters.edges(smooth, top, left, sobel, hessian)
        core = smooth[top : top + window.height, left : left + window.width]
        plane = planes.get(blur_name(sigma))
        if plane is not None:
            _in_rows(np.copyto, plane, core)
        if "difference_of_gaussians" in families and sigma > 0:
            for narrow, other in blurred.items():
                target = planes.get(difference_name(sigma, narrow))
                if target is not None:
                    _in_rows(_subtract, target, other, core)
            blurred[sigma] = core


def _membrane(window: Window, channel: ChannelPlane, planes: Planes) -> None:
    target = planes.stack(membrane_names(channel.options))
    if target is not None:
        membrane(window, channel.options, target)


def _disc_reach(options: ClassicalOptions) -> int:
    return max(disc_reach(sigma) for sigma in options.sigmas)


def _sums(window: Window, channel: ChannelPlane, planes: Planes) -> None:
    for sigma in channel.options.sigmas:
        mean_variance(
            window,
            sigma,
            planes.get(rank_name("mean", sigma)),
            planes.get(rank_name("variance", sigma)),
        )


def _extremes(window: Window, channel: ChannelPlane, planes: Planes) -> None:
    for sigma in channel.options.sigmas:
        minimum_maximum(
            window,
            sigma,
            planes.get(rank_name("minimum", sigma)),
            planes.get(rank_name("maximum", sigma)),
        )


def _median(window: Window, channel: ChannelPlane, planes: Planes) -> None:
    ranked = rank_image(window.pixels)
    for sigma in channel.options.sigmas:
        target = planes.get(rank_name("median", sigma))
        if target is not None:
            median(window, sigma, ranked, target)


def _bilateral(window: Window, channel: ChannelPlane, planes: Planes) -> None:
    target = planes.stack(bilateral_filter.bilateral_names(channel.options))
    if target is None:
        return
    margin = bilateral_filter.bilateral_reach(channel.options)
    y0, y1, x0, x1 = window.grown(margin)
    missing = (
        (margin - (window.top - y0), margin - (y1 - window.top - window.height)),
        (margin - (window.left - x0), margin - (x1 - window.left - window.width)),
    )
    stretched = quantise(window.pixels[y0:y1, x0:x1], channel.minimum, channel.maximum)
    bilateral_filter.bilateral(np.pad(stretched, missing), margin, target)


def _copy_whole(whole: np.ndarray, window: Window, target: np.ndarray | None) -> None:
    if target is not None:
        y, x = window.origin[0] + window.top, window.origin[1] + window.left
        target[...] = whole[:, y : y + window.height, x : x + window.width]


def _lipschitz(window: Window, channel: ChannelPlane, planes: Planes) -> None:
    _copy_whole(channel.lipschitz, window, planes.stack(lipschitz_names(channel.options)))


def _anisotropic(window: Window, channel: ChannelPlane, planes: Planes) -> None:
    _copy_whole(channel.diffused, window, planes.stack(anisotropic_names(channel.options)))


def _kuwahara(window: Window, channel: ChannelPlane, planes: Planes) -> None:
    target = planes.stack(kuwahara_filter.kuwahara_names(channel.options))
    if target is not None:
        kuwahara_filter.kuwahara(window, channel.minimum, channel.options, target)


def _gabor(window: Window, channel: ChannelPlane, planes: Planes) -> None:
    wanted = {name: planes.views()[name] for name in gabor_names(channel.options)}
    gabor(window, channel.level, channel.gabor, wanted)


def _derivatives_reach(options: ClassicalOptions) -> int:
    return gaussian_derivatives.derivatives_reach(options.sigmas[-1])


def _derivatives(window: Window, channel: ChannelPlane, planes: Planes) -> None:
    for sigma in channel.options.sigmas:
        gaussian_derivatives.derivatives(
            window,
            sigma,
            planes.stack(gaussian_derivatives.derivative_names(sigma)),
            planes.get(gaussian_derivatives.laplacian_name(sigma)),
        )


def _structure_reach(options: ClassicalOptions) -> int:
    return structure_tensor.structure_reach(options.sigmas[-1])


def _structure(window: Window, channel: ChannelPlane, planes: Planes) -> None:
    for sigma in channel.options.sigmas:
        target = planes.stack(structure_tensor.structure_names(sigma))
        if target is not None:
            structure_tensor.structure(window, sigma, target)


def _entropy_reach(options: ClassicalOptions) -> int:
    return options.radii[-1]


def _entropy(window: Window, channel: ChannelPlane, planes: Planes) -> None:
    stretched = quantise(window.pixels, channel.minimum, channel.maximum)
    for radius in channel.options.radii:
        target = planes.stack(entropy_names(radius))
        if target is not None:
            entropy(stretched, window.top, window.left, radius, target)


def _neighbors_reach(options: ClassicalOptions) -> int:
    return max(options.distances, default=0)


def _neighbors(window: Window, channel: ChannelPlane, planes: Planes) -> None:
    for distance in channel.options.distances:
        target = planes.stack(neighbor_names(distance))
        if target is not None:
            neighbors(window, distance, target)


def _none(options: ClassicalOptions) -> int:
    return 0


GROUPS: tuple[FamilyGroup, ...] = (
    FamilyGroup(("gaussian", "sobel", "hessian", "difference_of_gaussians"), _edges_reach, _edges),
    FamilyGroup(("membrane",), membrane_reach, _membrane),
    FamilyGroup(("variance", "mean"), _disc_reach, _sums),
    FamilyGroup(("minimum", "maximum"), _disc_reach, _extremes),
    FamilyGroup(("median",), _disc_reach, _median),
    FamilyGroup(("anisotropic_diffusion",), _none, _anisotropic),
    FamilyGroup(("bilateral",), bilateral_filter.bilateral_reach, _bilateral),
    FamilyGroup(("lipschitz",), _none, _lipschitz),
    FamilyGroup(("kuwahara",), kuwahara_filter.kuwahara_reach, _kuwahara),
    FamilyGroup(("gabor",), gabor_reach, _gabor),
    FamilyGroup(("derivatives", "laplacian"), _derivatives_reach, _derivatives),
    FamilyGroup(("structure",), _structure_reach, _structure),
    FamilyGroup(("entropy",), _entropy_reach, _entropy),
    FamilyGroup(("neighbors",), _neighbors_reach, _neighbors),
)


def groups_of(options: ClassicalOptions) -> list[FamilyGroup]:
    """Return the groups of which at least one family is chosen."""
    return [g for g in GROUPS if any(family in options.families for family in g.families)]
