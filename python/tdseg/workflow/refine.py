"""Refine probabilities with a dense CRF: the one function behind every route."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError
from tdseg.images.image import Image, as_image
from tdseg.images.intensity import Intensity
from tdseg.options.groups import CrfOptions
from tdseg.options.settings import Settings, one_of
from tdseg.runtime.feature_map import PlaneInput
from tdseg.runtime.memory import GIB, memory_budget
from tdseg.runtime.progress import Part, Progress, Silent


def refine_crf(
    probabilities: np.ndarray,
    image: Image | npt.NDArray[Any],
    settings: Settings | None = None,
    *,
    class_names: Sequence[str] = (),
    progress: Progress | None = None,
    options: Settings | None = None,
) -> np.ndarray:
    """Refine class probabilities with a fully connected CRF.

    Krähenbühl and Koltun, NIPS 2011, with the parameters of the paper behind this package
    (keys ``crf_...``) and a guard for small phases (``crf_min_fraction``).

    Parameters
    ----------
    probabilities
        (T, Z, C, Y, X) float, as in a result; or (C, Y, X) for a single plane. They sum to 1
        over C.
    image
        The image that was segmented, or an array that `Image.from_array` takes without axes; its
        edges guide the labels.
    settings
        Keys ``crf_...``, `memory_limit`, `tile`, `normalize`; default: the paper's.
    class_names
        For what the progress hears of the guard.
    progress
        Hears how far the work is; may cancel.
    options
        Another name of `settings`.

    Returns
    -------
    numpy.ndarray
        float32, same shape, sums to 1.

    Raises
    ------
    TdsegError
        If sizes differ, or values are NaN or do not sum to 1.
    """
    settings = one_of(settings, options) or Settings()
    progress = progress or Silent()
    image = as_image(image)
    given = np.asarray(probabilities)
    planes = given[np.newaxis, np.newaxis] if given.ndim == 3 else given
    expected = (*image.shape[:2], *image.size)
    if planes.ndim != 5 or (*planes.shape[:2], *planes.shape[3:]) != expected:
        raise TdsegError(
            f"Probabilities of shape {given.shape} do not fit image '{image.name}' with (T, Z, Y, "
            f"X) = {expected}; apply the classifier to this image first."
        )
    out = np.empty(planes.shape, np.float32)
    intensity = Intensity(image, range(len(image.channels)), settings.normalize, None)
    count = image.n_planes
    given_back: dict[int, int] = {}
    for index in range(count):
        t, z = divmod(index, image.shape[1])
        part = Part(progress, index / count, (index + 1) / count)
        found = planes[t, z]
        # Outside a region all probabilities are 0: nothing is known there, and nothing stays.
        empty = found.sum(axis=0) == 0
        if empty.any():
            found = np.where(empty, np.float32(1 / len(found)), found)
        out[t, z] = refine_plane(found, intensity.plane(index), settings, part, given_back)
        out[t, z][:, empty] = 0
    note_given_back(given_back, class_names, settings, progress)
    progress.update(1.0)
    return out[0, 0] if given.ndim == 3 else out


def note_given_back(
    given_back: Mapping[int, int],
    class_names: Sequence[str],
    settings: Settings,
    progress: Progress,
) -> None:
    """Say what the CRF's guard undid: how many pixels it gave back to which class."""
    for k, count in given_back.items():
        name = class_names[k] if k < len(class_names) else f"class {k + 1}"
        kept = f"{settings.crf_min_fraction:.0%}"
        progress.note(
            f"The CRF left '{name}' less than {kept} of its pixels; its guard gave {count} back "
            "(crf_min_fraction)."
        )


def refine_plane(
    probabilities: np.ndarray,
    plane: PlaneInput,
    settings: Settings,
    progress: Progress,
    given_back: dict[int, int],
) -> np.ndarray:
    """Refine the probabilities (K, Y, X) of one plane; returns float32 of the same shape.

    `given_back` receives the number of pixels that the guard gave back to each class. In noise the
    strengths are held back (`tdseg.refine.strengths.held_back`), unless ``crf_denoise`` is off.
    """
    guide = crf_guide(plane, settings)
    if _denoises(settings):
        from tdseg.refine.guide_noise import trust
        from tdseg.refine.strengths import held_back

        settings = held_back(settings, trust(scaled_plane(plane), settings.crf_bilateral_range))
    return refine_window(probabilities, guide, settings, progress, given_back)


def refine_window(
    probabilities: np.ndarray,
    guide: np.ndarray,
    settings: Settings,
    progress: Progress,
    given_back: dict[int, int],
) -> np.ndarray:
    """Refine the probabilities (K, Y, X) of a plane or a part of it by its guide (Y, X, C)."""
    from tdseg.refine.crf import refine_tiled  # compiled code, not always needed

    return refine_tiled(
        probabilities,
        guide,
        settings,
        tile=settings.tile,
        progress=_told(progress),
        memory_limit=memory_budget(settings.memory_limit) / GIB,
        given_back=given_back,
    )


def _told(progress: Progress) -> Callable[[float], None]:
    return lambda fraction: progress.update(fraction, "refining")


def crf_guide(plane: PlaneInput, options: CrfOptions) -> np.ndarray:
    """Return the plane as the CRF sees it: without noise, if so chosen, and from 0 to 255."""
    guide = scaled_plane(plane)
    if not _denoises(options):
        return guide
    from tdseg.refine.guide_noise import without_noise

    return without_noise(guide, options.crf_bilateral_range)


def _denoises(options: CrfOptions) -> bool:
    return options.crf_denoise and options.crf_bilateral_compat > 0


def scaled_plane(plane: PlaneInput) -> np.ndarray:
    """Return the plane from 0 to 255 within the grey range of the backbone."""
    if plane.pixels.dtype == np.uint8:
        return plane.array
    ranges = plane.ranges if plane.ranges is not None else np.array([[0.0, 255.0]])
    low, high = ranges[:, 0], ranges[:, 1]
    scaled = (plane.array - low) * (255.0 / (high - low))
    guide: npt.NDArray[np.float32] = np.clip(scaled, 0, 255).astype(np.float32)
    return guide
