"""Which backbones there are, and how each is made; a network of one's own joins here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tdseg.backbones.catalogue import ENTRIES, OFFLINE, PREFERRED, find_entry
from tdseg.errors import TdsegError
from tdseg.runtime.progress import Progress, Silent
from tdseg.runtime.registry import Registry

if TYPE_CHECKING:
    from tdseg.backbones.base import Backbone


@dataclass(frozen=True)
class BackboneRequest:
    """What a backbone is to be made with.

    Attributes
    ----------
    name
        Of the network.
    weights
        None (its own), a local file, or ``random:SEED``.
    device, precision
        Resolved, see `tdseg.backbones.devices.resolve_device`.
    levels
        Names or numbers of the levels to read; None: the backbone's default.
    stride
        Patch stride of a vision transformer; None: its patch size.
    position_embedding
        How a vision transformer resamples its position embeddings.
    progress
        Told about downloads.
    """

    name: str
    weights: str | Path | None = None
    device: str = "cpu"
    precision: str = "float32"
    levels: tuple[str | int, ...] | None = None
    stride: int | None = None
    position_embedding: str = "native"
    progress: Progress = field(default_factory=Silent)

    def refuse_transformer_options(self) -> None:
        """Raise `TdsegError` if something is asked for that only vision transformers have."""
        if self.stride is not None:
            raise TdsegError(
                f"stride={self.stride} applies to vision transformers; {self.name} has fixed "
                "strides, choose among them with levels."
            )
        if self.position_embedding != "native":
            raise TdsegError(
                f"position_embedding={self.position_embedding} applies to vision transformers, "
                f"not to {self.name}."
            )


Maker = Callable[[BackboneRequest], "Backbone"]


@dataclass(frozen=True)
class BackboneKind:
    """How a backbone is made.

    Attributes
    ----------
    make
        Takes the request.
    is_transformer
        Whether it is a vision transformer: `stride` and `position_embedding` apply, and
        ``quality`` chooses shifts and flips for its coarse grid.
    """

    make: Maker
    is_transformer: bool = False


_TRANSFORMER = "tdseg.backbones.factory:TRANSFORMER"
_CONVNEXT = "tdseg.backbones.factory:CONVNEXT"


def _is_convnext(timm_name: str) -> bool:
    return timm_name.startswith("convnext")


BACKBONES: Registry[BackboneKind] = Registry(
    "backbone",
    {
        name: _CONVNEXT if _is_convnext(entry.timm_name) else _TRANSFORMER
        for name, entry in ENTRIES.items()
    }
    | {OFFLINE: "tdseg.backbones.offline_cnn:OFFLINE_CNN"},
)


def register_backbone(name: str, make: Maker, **facts: Any) -> None:
    """Make a network known under a name, which ``backbone=`` takes from then on.

    Parameters
    ----------
    name
        As written in macros.
    make
        Takes a `BackboneRequest` and returns a `tdseg.backbones.base.Backbone`.
    **facts
        See `BackboneKind`.

    Raises
    ------
    TdsegError
        If the name cannot be used.
    """
    BACKBONES.add(name, BackboneKind(make, **facts))


def backbone_name(name: str) -> str:
    """Return the name under which a network is stored: aliases and timm's names written out.

    Raises
    ------
    TdsegError
        If nothing has that name.
    """
    return name if name in BACKBONES else find_entry(name).name


def backbone_kind(name: str) -> BackboneKind:
    """Return how a network is made: a registered one, or any plain ViT or ConvNeXt of timm's.

    Raises
    ------
    TdsegError
        If nothing has that name.
    """
    name = backbone_name(name)
    if name not in BACKBONES:  # of timm's, made as those that have a short name are
        name = "dinov3_convnext_t" if _is_convnext(find_entry(name).timm_name) else PREFERRED
    return BACKBONES.get(name)
