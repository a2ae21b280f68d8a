"""What ``quality`` stands for: shifts and flips of each kind of backbone, from measurements.

The table behind the numbers is in ``docs/upsampling.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tdseg.errors import TdsegError
from tdseg.features.deep import ONE_PASS, DeepOptions

if TYPE_CHECKING:
    from tdseg.backbones.base import Backbone
    from tdseg.options.settings import Settings


@dataclass(frozen=True)
class Preset:
    """Shifts along each axis, and which mirrored copies are averaged (the key ``flips``)."""

    shifts: int
    flips: str


# A convolutional network has fine levels of its own and gains from mirrored copies; a transformer
# has only its patches and gains from shifts. The half turn keeps a transformer's position embedding
# out of linear classifiers (docs/positional-bias.md).
CONVOLUTIONAL = {
    "fast": Preset(1, "turn"),
    "balanced": Preset(1, "true"),
    "best": Preset(2, "true"),
}
TRANSFORMER = {
    "fast": Preset(1, "turn"),
    "balanced": Preset(2, "turn"),
    "best": Preset(4, "true"),
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
    if settings.upsampling in ONE_PASS:
        preset = Preset(1, "false")
    elif settings.upsampling == "hrdv2":
        if not transformer:
            raise TdsegError(
                f"Key 'upsampling': hrdv2 needs a vision transformer, and '{settings.backbone}' is "
                "none; choose another backbone, or upsampling=shifts."
            )
        preset = Preset(HRDV2_DISTANCE, "false")
        if settings.stride == "auto":
            settings = replace(settings, stride=HRDV2_STRIDE)
    if settings.shifts == "auto":
        settings = replace(settings, shifts=preset.shifts)
    if settings.flips == "auto":
        settings = replace(settings, flips=preset.flips)
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
        flips="turn" if settings.flips == "turn" else settings.flips == "true",
        levels=tuple(level.name for level in backbone.levels),
        memory_limit_bytes=memory,
        upsampler_weights=settings.upsampler_weights,
    )
