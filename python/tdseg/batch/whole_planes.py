"""Whether an image is segmented whole or by blocks, and how large these are."""

from __future__ import annotations

import math
from collections.abc import Iterable

from tdseg.errors import TdsegError
from tdseg.features.classical import ClassicalOptions
from tdseg.features.classical.families import FAMILIES
from tdseg.images.image import Image
from tdseg.options.settings import Settings
from tdseg.runtime.memory import GIB, memory_budget
from tdseg.upsampling.registry import UPSAMPLERS

EDGE = 2048
"""Of blocks where nothing else speaks against it: larger ones save few windows at their borders."""
_UNIT = 16


def needs_whole_planes(settings: Settings) -> list[str]:
    """Return what looks at all pixels of a plane at once, as a user knows it: keys and values."""
    found = []
    if settings.uses_classical:
        families = ClassicalOptions.of(settings).families
        found += [f"classical={name}" for name in families if FAMILIES.get(name).whole]
    if settings.uses_deep and not UPSAMPLERS.get(settings.upsampling).by_windows:
        found.append(f"upsampling={settings.upsampling}")
    if settings.refine == "crf":
        found.append("refine=crf")
    return found


def result_bytes(image: Image, kinds: Iterable[str], classes: int, planes: int) -> int:
    """Return what image and results take in memory where they are held whole."""
    height, width = image.size
    each = {"labels": 1, "probabilities": 4 * classes, "uncertainty": 4}
    held = 0 if image.by_region is not None else math.prod(image.shape) * image.dtype.itemsize
    return held + planes * height * width * sum(each[kind] for kind in {"labels", *kinds})


def fits_whole(
    image: Image, kinds: Iterable[str], classes: int, planes: int, settings: Settings
) -> bool:
    """Tell whether image and results may be held whole under ``memory_limit``."""
    needed = result_bytes(image, kinds, classes, planes)
    return needed <= memory_budget(settings.memory_limit) // 2


def block_edge(image: Image, kinds: Iterable[str], classes: int, settings: Settings) -> int:
    """Choose the edge of blocks, a multiple of 16; it never changes a result.

    A block is the whole plane where something needs all its pixels.

    Raises
    ------
    TdsegError
        If something does, and they do not fit under ``memory_limit``.
    """
    height, width = image.size
    longest = _rounded(max(height, width))
    budget = memory_budget(settings.memory_limit)
    whole = needs_whole_planes(settings)
    if whole:
        # Features of the families and upsamplers, or probabilities with those of the CRF.
        each = 96 * image.shape[2] + 24 * classes
        needed = height * width * each
        if needed > budget:
            raise TdsegError(
                f"Image '{image.name}' is too large for {' and '.join(whole)}, which looks at "
                f"whole planes of {width} x {height} pixels at once: about {needed / GIB:.1f} GiB, "
                f"and memory_limit is {budget / GIB:.1f}. Raise memory_limit, or apply a "
                "classifier without it."
            )
        return longest
    if settings.tile:
        return min(_rounded(settings.tile), longest)
    each = sum({"labels": 1, "probabilities": 4 * classes, "uncertainty": 4}[k] for k in kinds)
    most = math.isqrt(budget // 8 // max(each, 1)) // 256 * 256
    return min(max(min(EDGE, most), 256), longest)


def _rounded(edge: int) -> int:
    return -(-edge // _UNIT) * _UNIT
