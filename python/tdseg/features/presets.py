"""What ``quality`` stands for: shifts and flips of each kind of backbone, from measurements.

The table behind the numbers is in ``docs/upsampling.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tdseg.errors import TdsegError
from tdseg.upsampling.options import UpsamplingOptions
from tdseg.upsampling.registry import UPSAMPLERS
from tdseg.upsampling.transforms import orientations

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


def resolve_upsampling(settings: Settings, transformer: bool) -> Settings:
    """Write out `shifts`, `flips` and `stride` where they are ``auto``.

    Parameters
    ----------
    settings
        With ``quality`` and ``upsampling``.
    transformer
        Whether the backbone is a vision transformer, whose patch stride can be changed.

    Returns
    -------
    Settings
        The same settings, with nothing left to ``auto``.

    Raises
    ------
    TdsegError
        If the upsampler needs a vision transformer and the backbone is none.
    """
    kind = UPSAMPLERS.get(settings.upsampling)
    if kind.needs_transformer and not transformer:
        raise TdsegError(
            f"Key 'upsampling': {settings.upsampling} needs a vision transformer, and "
            f"'{settings.backbone}' is none; choose another backbone, or upsampling=shifts."
        )
    preset = (TRANSFORMER if transformer else CONVOLUTIONAL)[settings.quality]
    meant: dict[str, Any] = {
        "shifts": kind.shifts or preset.shifts,
        "flips": kind.flips or preset.flips,
        "stride": kind.stride or "auto",
    }
    return replace(
        settings, **{key: value for key, value in meant.items() if getattr(settings, key) == "auto"}
    )


def upsampling_options(
    settings: Settings, backbone: Backbone, memory: int, keep: int
) -> UpsamplingOptions:
    """Return how tokens become features under resolved settings.

    Parameters
    ----------
    settings
        Of one backbone, from `resolve_upsampling`.
    backbone
        With the levels that the settings ask for.
    memory
        Bytes that copies may take at a time.
    keep
        Bytes for the tokens of windows that may be needed again.
    """
    return UpsamplingOptions(
        upsampling=settings.upsampling,
        shifts=int(settings.shifts),
        orientations=orientations(str(settings.flips)),
        levels=tuple(level.name for level in backbone.levels),
        # A CPU gains nothing from batches, and one copy at a time bounds memory.
        batch_bytes=0 if backbone.device.type == "cpu" else memory,
        keep_bytes=keep,
        weights=settings.upsampler_weights,
    )
