"""Refine class probabilities with a fully connected conditional random field.

P. Kraehenbuehl and V. Koltun, Efficient Inference in Fully Connected CRFs with Gaussian Edge
Potentials, NIPS 2011: every pixel talks to every other one, through a Gaussian of their distance
(which smooths) and a Gaussian of distance and colour (which draws labels to the edges of the
image), and the mean-field posterior is found in a few parallel updates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from tdseg.options.groups import CrfOptions
from tdseg.refine.checks import check_class_weights, check_inputs, normalized
from tdseg.refine.guard import keep_phases
from tdseg.refine.kernels import (
    EXACT_PIXELS,
    ExactKernel,
    Kernel,
    LatticeKernel,
    bilateral_points,
    spatial_points,
)
from tdseg.refine.mean_field import MeanField
from tdseg.runtime.threads import map_threads, thread_count

Floats = npt.NDArray[np.float32]
Progress = Callable[[float], object]

LEAST_TILE = 256
"""Side of the smallest automatic tile, in pixels."""


DEFAULT_OPTIONS = CrfOptions()


def refine_plane(
    probabilities: npt.NDArray[np.floating],
    guide: npt.NDArray[np.number],
    options: CrfOptions = DEFAULT_OPTIONS,
    progress: Progress | None = None,
    class_weights: Sequence[float] | None = None,
) -> Floats:
    """Refine the class probabilities of one plane as a whole.

    Parameters
    ----------
    probabilities : (K, Y, X) float
        Class probabilities; they sum to 1 over K within 1e-3 and are normalised. One class is
        returned as ones.
    guide : (Y, X, C) or (Y, X) number
        The image whose edges the labels follow, from 0 to 255. A single channel counts as a grey
        image repeated in red, green and blue.
    options : CrfOptions
        Parameters of the field and of the guard (`tdseg.refine.guard`); `tdseg.Settings` will do.
    progress : callable, optional
        Called in this thread with the fraction done, after each iteration; it may raise to cancel.
    class_weights : sequence of float, optional
        One factor for each class on all its messages (a diagonal compatibility): above 1 favours
        the class, below 1 weakens it. None: all 1.

    Returns
    -------
    (K, Y, X) float32
        Refined probabilities, which sum to 1.

    Raises
    ------
    TdsegError
        If sizes differ, a value is not finite, probabilities are negative or do not sum to 1, the
        guide leaves 0 to 255, or an option is out of range.

    Notes
    -----
    Deterministic, whatever the number of threads. Planes of at most 64 x 64 pixels are computed
    with the exact kernels, larger ones in the permutohedral lattice. Takes `bytes_per_pixel` and
    a lattice that grows with the number of different colours; use `refine_tiled` for large planes.
    """
    side = max(1, *probabilities.shape[1:]) if probabilities.ndim == 3 else 1
    return refine_tiled(
        probabilities,
        guide,
        options,
        tile=side,
        halo=0,
        progress=progress,
        class_weights=class_weights,
    )


def refine_tiled(
    probabilities: npt.NDArray[np.floating],
    guide: npt.NDArray[np.number],
    options: CrfOptions = DEFAULT_OPTIONS,
    tile: int = 0,
    halo: int | None = None,
    progress: Progress | None = None,
    out: Floats | None = None,
    memory_limit: float = 1.0,
    class_weights: Sequence[float] | None = None,
    given_back: dict[int, int] | None = None,
) -> Floats:
    """Refine the class probabilities of a large plane tile by tile, in bounded memory.

    Parameters
    ----------
    probabilities, guide, options, progress, class_weights
        As for `refine_plane`; the arrays may be memory-mapped.
    tile : int
        Side of a tile without its halo, in pixels; 0 takes the whole plane if `memory_limit`
        allows, else the largest tile that it allows.
    halo : int, optional
        Pixels around each tile that are computed and thrown away. None takes `default_halo`.
    out : (K, Y, X) float32, optional
        Where to write the result, which must not be `probabilities`.
    memory_limit : float
        GiB for the tiles computed at a time. If `tile` is given, as many as there are threads
        are, as far as they fit. At least one is, of at least 256 pixels if the tile is automatic.
    given_back : dict, optional
        Receives, on top of what it holds, the number of pixels that the guard gave back per class.

    Returns
    -------
    (K, Y, X) float32
        Refined probabilities, which sum to 1; `out` if it was given.

    Raises
    ------
    TdsegError
        As for `refine_plane`.
    """
    check_class_weights(class_weights, len(probabilities))
    guide = check_inputs(probabilities, guide)
    classes, height, width = probabilities.shape
    if out is None:
        out = np.empty(probabilities.shape, np.float32)
    if classes == 1 or options.crf_iterations == 0:
        out[:] = normalized(probabilities)
        return out
    halo = default_halo(options) if halo is None else halo
    affordable = memory_limit * 2**30 / bytes_per_pixel(classes, guide.shape[2])
    if tile <= 0:
        side = max(LEAST_TILE, int(affordable**0.5) - 2 * halo)
        tile = max(height, width) if height * width <= affordable else side
    exact = height * width <= EXACT_PIXELS
    corners = [(y, x) for y in range(0, height, tile) for x in range(0, width, tile)]
    pixels = min(height, tile + 2 * halo) * min(width, tile + 2 * halo)
    at_once = max(1, min(thread_count(), int(affordable / pixels)))
    done = 0.0

    def report(fraction: float) -> None:
        if progress is not None:
            progress(fraction)

    for first in range(0, len(corners), at_once):
        report(done)
        windows = [_Window(y, x, tile, halo, height, width) for y, x in corners[first:][:at_once]]
        fields = map_threads(
            lambda w: _field(probabilities, guide, options, w, exact, class_weights), windows
        )
        share = len(windows) / len(corners)
        for iteration in range(options.crf_iterations):
            map_threads(MeanField.step, fields)
            report(done + share * (iteration + 1) / options.crf_iterations)
        for window, field in zip(windows, fields, strict=True):
            refined = field.posterior.reshape(classes, *window.shape)
            out[:, window.rows, window.columns] = refined[
                :, window.inner_rows, window.inner_columns
            ]
        done += share
    restored = keep_phases(probabilities, out, options.crf_min_fraction)
    if given_back is not None:
        for k, count in restored.items():
            given_back[k] = given_back.get(k, 0) + count
    return out


def default_halo(options: CrfOptions) -> int:
    """Return the halo of a tile in pixels: four standard deviations of the wider kernel.

    One message reaches about half as far, but iterations carry labels on. With this halo fewer
    than one label in a thousand depends on the tiles (`docs/refine.md`); half of it moves 1 %.
    """
    spatial = options.crf_spatial_sigma if options.crf_spatial_compat else 0.0
    bilateral = options.crf_bilateral_sigma if options.crf_bilateral_compat else 0.0
    return int(np.ceil(4.0 * max(spatial, bilateral)))


def bytes_per_pixel(classes: int, channels: int) -> int:
    """Return the working memory of a plane or tile for each of its pixels, without its lattice.

    The lattice's corners come on top: some 100 bytes each, of which grey micrographs need one for
    seven pixels and colour ones one for three, but noise in C channels up to 3 + C a pixel.
    """
    corners = 3 + 3 + (3 if channels == 1 else channels)  # of the two kernels' simplices
    return 8 * corners + 4 * (2 + (3 if channels == 1 else channels)) + 24 * classes


class _Window:
    """A tile with its halo, cut at the plane's borders."""

    def __init__(self, y: int, x: int, tile: int, halo: int, height: int, width: int) -> None:
        top, left = max(0, y - halo), max(0, x - halo)
        bottom, right = min(height, y + tile), min(width, x + tile)
        self.origin = (top, left)
        self.rows, self.columns = slice(y, bottom), slice(x, right)
        self.outer = (slice(top, min(height, bottom + halo)), slice(left, min(width, right + halo)))
        self.shape = tuple(part.stop - part.start for part in self.outer)
        self.inner_rows = slice(y - top, bottom - top)
        self.inner_columns = slice(x - left, right - left)


def _field(
    probabilities: npt.NDArray[np.floating],
    guide: npt.NDArray[np.number],
    options: CrfOptions,
    window: _Window,
    exact: bool,
    class_weights: Sequence[float] | None,
) -> MeanField:
    """Return the field of one window, before its first step."""
    make: type[ExactKernel] | type[LatticeKernel] = ExactKernel if exact else LatticeKernel
    kernels: list[tuple[Kernel, float]] = []
    part = guide[window.outer]
    if options.crf_spatial_compat > 0:
        points = spatial_points(part.shape[:2], options.crf_spatial_sigma, window.origin)
        kernels.append((make(points), options.crf_spatial_compat))
    if options.crf_bilateral_compat > 0:
        points = bilateral_points(
            part, options.crf_bilateral_sigma, options.crf_bilateral_range, window.origin
        )
        kernels.append((make(points), options.crf_bilateral_compat))
    classes = len(probabilities)
    unary = normalized(probabilities[(slice(None), *window.outer)]).reshape(classes, -1)
    weights = np.ones(classes) if class_weights is None else class_weights
    return MeanField(unary, kernels, np.asarray(weights, np.float32))
