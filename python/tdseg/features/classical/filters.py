"""The filters behind TWS's families: how each fills its planes of a tile."""

from __future__ import annotations

from collections.abc import Callable

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
from tdseg.features.classical.families import Filter
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
from tdseg.features.classical.tile import Tile, in_bands
from tdseg.runtime.cancelling import check


class Planes:
    """Named result planes, of which a filter fills those that are wanted.

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


def _edges(tile: Tile, channel: ChannelPlane, planes: Planes) -> None:
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
        part = tile.grown(margin)
        smooth = imagej_blur(tile.pixels, sigma, part, tile.plane)
        top, left = tile.top - part[0], tile.left - part[2]
        edge_filters.edges(smooth, top, left, sobel, hessian)
        core = smooth[top : top + tile.height, left : left + tile.width]
        plane = planes.get(blur_name(sigma))
        if plane is not None:
            _in_rows(np.copyto, plane, core)
        if "difference_of_gaussians" in families and sigma > 0:
            for narrow, other in blurred.items():
                target = planes.get(difference_name(sigma, narrow))
                if target is not None:
                    _in_rows(_subtract, target, other, core)
            blurred[sigma] = core


def _membrane(tile: Tile, channel: ChannelPlane, planes: Planes) -> None:
    target = planes.stack(membrane_names(channel.options))
    if target is not None:
        membrane(tile, channel.options, target)


def _disc_reach(options: ClassicalOptions) -> int:
    return max(disc_reach(sigma) for sigma in options.sigmas)


def _sums(tile: Tile, channel: ChannelPlane, planes: Planes) -> None:
    for sigma in channel.options.sigmas:
        mean_variance(
            tile,
            sigma,
            planes.get(rank_name("mean", sigma)),
            planes.get(rank_name("variance", sigma)),
        )


def _extremes(tile: Tile, channel: ChannelPlane, planes: Planes) -> None:
    for sigma in channel.options.sigmas:
        minimum_maximum(
            tile,
            sigma,
            planes.get(rank_name("minimum", sigma)),
            planes.get(rank_name("maximum", sigma)),
        )


def _median(tile: Tile, channel: ChannelPlane, planes: Planes) -> None:
    ranked = rank_image(tile.pixels)
    for sigma in channel.options.sigmas:
        target = planes.get(rank_name("median", sigma))
        if target is not None:
            median(tile, sigma, ranked, target)


def _bilateral(tile: Tile, channel: ChannelPlane, planes: Planes) -> None:
    target = planes.stack(bilateral_filter.bilateral_names(channel.options))
    if target is None:
        return
    margin = bilateral_filter.bilateral_reach(channel.options)
    y0, y1, x0, x1 = tile.grown(margin)
    missing = (
        (margin - (tile.top - y0), margin - (y1 - tile.top - tile.height)),
        (margin - (tile.left - x0), margin - (x1 - tile.left - tile.width)),
    )
    stretched = quantise(tile.pixels[y0:y1, x0:x1], channel.minimum, channel.maximum)
    bilateral_filter.bilateral(np.pad(stretched, missing), margin, target)


def _copy_whole(whole: np.ndarray, tile: Tile, target: np.ndarray | None) -> None:
    if target is not None:
        y, x = tile.origin[0] + tile.top, tile.origin[1] + tile.left
        target[...] = whole[:, y : y + tile.height, x : x + tile.width]


def _lipschitz(tile: Tile, channel: ChannelPlane, planes: Planes) -> None:
    _copy_whole(channel.lipschitz, tile, planes.stack(lipschitz_names(channel.options)))


def _anisotropic(tile: Tile, channel: ChannelPlane, planes: Planes) -> None:
    _copy_whole(channel.diffused, tile, planes.stack(anisotropic_names(channel.options)))


def _kuwahara(tile: Tile, channel: ChannelPlane, planes: Planes) -> None:
    target = planes.stack(kuwahara_filter.kuwahara_names(channel.options))
    if target is not None:
        kuwahara_filter.kuwahara(tile, channel.minimum, channel.options, target)


def _gabor(tile: Tile, channel: ChannelPlane, planes: Planes) -> None:
    wanted = {name: planes.views()[name] for name in gabor_names(channel.options)}
    gabor(tile, channel.level, channel.gabor, wanted)


def _derivatives_reach(options: ClassicalOptions) -> int:
    return gaussian_derivatives.derivatives_reach(options.sigmas[-1])


def _derivatives(tile: Tile, channel: ChannelPlane, planes: Planes) -> None:
    for sigma in channel.options.sigmas:
        gaussian_derivatives.derivatives(
            tile,
            sigma,
            planes.stack(gaussian_derivatives.derivative_names(sigma)),
            planes.get(gaussian_derivatives.laplacian_name(sigma)),
        )


def _structure_reach(options: ClassicalOptions) -> int:
    return structure_tensor.structure_reach(options.sigmas[-1])


def _structure(tile: Tile, channel: ChannelPlane, planes: Planes) -> None:
    for sigma in channel.options.sigmas:
        target = planes.stack(structure_tensor.structure_names(sigma))
        if target is not None:
            structure_tensor.structure(tile, sigma, target)


def _entropy_reach(options: ClassicalOptions) -> int:
    return options.radii[-1]


def _entropy(tile: Tile, channel: ChannelPlane, planes: Planes) -> None:
    stretched = quantise(tile.pixels, channel.minimum, channel.maximum)
    for radius in channel.options.radii:
        target = planes.stack(entropy_names(radius))
        if target is not None:
            entropy(stretched, tile.top, tile.left, radius, target)


def _neighbors_reach(options: ClassicalOptions) -> int:
    return max(options.distances, default=0)


def _neighbors(tile: Tile, channel: ChannelPlane, planes: Planes) -> None:
    for distance in channel.options.distances:
        check()
        target = planes.stack(neighbor_names(distance))
        if target is not None:
            neighbors(tile, distance, target)


def _none(options: ClassicalOptions) -> int:
    return 0


EDGES = Filter(("gaussian", "sobel", "hessian", "difference_of_gaussians"), _edges_reach, _edges)
MEMBRANE = Filter(("membrane",), membrane_reach, _membrane)
SUMS = Filter(("variance", "mean"), _disc_reach, _sums)
EXTREMES = Filter(("minimum", "maximum"), _disc_reach, _extremes)
MEDIAN = Filter(("median",), _disc_reach, _median)
ANISOTROPIC = Filter(("anisotropic_diffusion",), _none, _anisotropic, whole=True)
BILATERAL = Filter(("bilateral",), bilateral_filter.bilateral_reach, _bilateral)
LIPSCHITZ = Filter(("lipschitz",), _none, _lipschitz, whole=True)
KUWAHARA = Filter(("kuwahara",), kuwahara_filter.kuwahara_reach, _kuwahara)
GABOR = Filter(("gabor",), gabor_reach, _gabor)
DERIVATIVES = Filter(("derivatives", "laplacian"), _derivatives_reach, _derivatives)
STRUCTURE = Filter(("structure",), _structure_reach, _structure)
ENTROPY = Filter(("entropy",), _entropy_reach, _entropy)
NEIGHBORS = Filter(("neighbors",), _neighbors_reach, _neighbors)
