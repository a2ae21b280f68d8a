"""What ``quality`` stands for: shifts and flips of each kind of backbone, from measurements.

The table behind the numbers is in ``docs/upsampling.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .deep import DeepOptions

if TYPE_CHECKING:
    from ..backbones.base import Backbone
    from ..settings import Settings


@dataclass(frozen=True)
class Preset:
    """Shifts along each axis, and whether mirrored copies are averaged."""

    shifts: int
    flips: bool


# A convolutional network has fine levels of its own, a transformer only its patches.
CONVOLUTIONAL = {
    "fast": Preset(1, False),
    "balanced": Preset(2, True),
    "best": Preset(4, True),
}
TRANSFORMER = {
    "fast": Preset(2, False),
    "balanced": Preset(4, False),
    "best": Preset(4, True),
}
HRDV2_STRIDE, HRDV2_DISTANCE = 4, 2


def resolve_upsampling(settings: Settings, transformer: bool) -> Settings:
    """Write out `shifts`, `flips` and `stride` where they are ``auto``.

    Parameters
    ----------
    settings
        With ``quality`` and ``upsampling``.
    transformer
        Whether the backbone is a vision transformer, whose patch stride can be changed.
    """
    preset = (TRANSFORMER if transformer else CONVOLUTIONAL)[settings.quality]
    if settings.upsampling == "bilinear":
        preset = Preset(1, False)
    elif settings.upsampling == "hrdv2":
        preset = Preset(HRDV2_DISTANCE, False)
        if settings.stride == "auto":
            settings = replace(settings, stride=HRDV2_STRIDE)
    if settings.shifts == "auto":
        settings = replace(settings, shifts=preset.shifts)
    if settings.flips == "auto":
        settings = replace(settings, flips="true" if preset.flips else "false")
    return settings


def deep_options(settings: Settings, backbone: Backbone, memory: int) -> DeepOptions:
    """Return how tokens become features under resolved settings.

    Parameters
    ----------
    settings
        From `resolve_upsampling`.
    backbone
        With the levels that the settings ask for.
    memory
        Bytes that copies may take at a time.
    """
    return DeepOptions(
        upsampling=settings.upsampling,
        shifts=int(settings.shifts),
        flips=settings.flips == "true",
        levels=tuple(level.name for level in backbone.levels),
        memory_limit_bytes=memory,
    )
