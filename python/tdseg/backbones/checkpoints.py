"""Weights from a local file, whatever its format and naming, put strictly into a network."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tdseg.backbones.base import TimmNetwork
from tdseg.backbones.hashing import tensors_sha256
from tdseg.backbones.naming import to_timm
from tdseg.backbones.onnx_weights import read_onnx
from tdseg.errors import TdsegError
from tdseg.runtime.files import check_source, is_file, is_folder, user_path

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".bin", ".onnx")
# Which of several sets of weights in one file is the one to use: what training averaged (its
# evaluation copy) before what it stepped.
_NESTED = (
    *("teacher", "model_ema", "state_dict_ema", "ema_state_dict", "ema", "ema_model"),
    *("state_dict", "model_state_dict", "model", "module", "backbone", "net", "network"),
    *("weights", "params", "student"),
)
# Prefixes of the two networks where a flat state dict holds both.
_OWN_PREFIXES = (("teacher.", "student."), ("teacher_", "student_"), ("ema.", "model."))
_MOST_LEVELS = 8


def read_tensors(
    file: str | Path, key: str = "weights", note: Callable[[str], object] = lambda line: None
) -> dict[str, torch.Tensor]:
    """Read the tensors of a weights file under their own names; no code of the file is run.

    Parameters
    ----------
    file
        ``.safetensors``; ``.pth``, ``.pt``, ``.ckpt`` or ``.bin`` (PyTorch); ``.onnx``
        (initialisers).
    key
        Which key names the file, for messages.
    note
        Hears which set of weights was taken, where a file holds several.

    Returns
    -------
    dict[str, torch.Tensor]
        The tensors by name.

    Raises
    ------
    TdsegError
        If the file is missing, of another kind, damaged, or would have to run code to load.
    """
    file = user_path(file)
    if is_folder(file):
        raise TdsegError(f"{file} is a folder; name a weights file with {key}=[path].")
    if not is_file(file):
        raise TdsegError(f"The weights file {file} does not exist; correct {key}=[path].")
    check_source(file, "weights file")
    with file.open("rb") as stream:
        start = stream.read(512).lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"version https://git-lfs")):
        raise TdsegError(
            f"{file.name} is not a weights file but a page or a pointer that was saved in its "
            "place; download the file itself (on the hub: the button 'download', not the page)."
        )
    suffix = file.suffix.lower()
    if suffix == ".onnx":
        return read_onnx(file)
    if suffix == ".safetensors":
        from safetensors.torch import load_file

        try:
            return dict(load_file(file))
        except Exception as error:
            raise TdsegError(
                f"{file.name} is damaged ({error}); give another file with {key}=[path]."
            ) from error
    if suffix not in SUFFIXES:
        raise TdsegError(
            f"{file.name} is no weights file; give one of {', '.join(SUFFIXES)} with {key}=[path]."
        )
    damaged = (
        f"{file.name} is damaged or holds no PyTorch weights; give another file with {key}=[path]."
    )
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "Unsupported" not in str(error):
            raise TdsegError(damaged) from error
        raise TdsegError(
            f"{file.name} holds more than tensors and would run code when loaded, which tdseg "
            "never does; save its state_dict with torch.save, or use a .safetensors file."
        ) from error
    except Exception as error:
        raise TdsegError(damaged) from error
    return _flatten(content, file.name, note)


def load_checkpoint(
    network: nn.Module,
    file: str | Path,
    name: str,
    note: Callable[[str], object] = lambda line: None,
) -> str:
    """Put a file's weights into a vision transformer of timm's.

    All tensors of the network must be there with the right shapes, and nothing that the network
    does not know. Learned positions of another grid are taken over with their grid, which the
    backbone resamples to every input anyway.

    Parameters
    ----------
    network
        `VisionTransformer` or `Eva`; changed.
    file
        See `read_tensors`; naming as in `tdseg.backbones.naming.to_timm`.
    name
        The backbone's, for messages.
    note
        See `read_tensors`.

    Returns
    -------
    str
        SHA-256 of the tensors by timm's names, see `tdseg.backbones.hashing.tensors_sha256`.

    Raises
    ------
    TdsegError
        Naming the file, the backbone and the first tensors that do not fit.
    """
    own = {key: value for key, value in network.state_dict().items() if not _is_head(key)}
    found = to_timm(read_tensors(file, note=note), own)
    return put_tensors(network, found, Path(file).name, name)


def put_tensors(
    network: nn.Module, found: Mapping[str, torch.Tensor], file_name: str, name: str
) -> str:
    """Put tensors that have timm's names into a network, strictly; see `load_checkpoint`."""
    own = {key: value for key, value in network.state_dict().items() if not _is_head(key)}
    found = {key: value for key, value in found.items() if not _is_head(key)}
    missing = [key for key in own if key not in found]
    unknown = [key for key in found if key not in own]
    if missing or unknown:
        faults = [
            f"{len(keys)} {what} ({', '.join(keys[:3])}{', ...' if len(keys) > 3 else ''})"
            for keys, what in ((missing, "missing"), (unknown, "that it does not have"))
            if keys
        ]
        raise TdsegError(
            f"{file_name} does not hold the weights of {name}: {' and '.join(faults)}; choose the "
            "backbone that the file belongs to."
        )
    _take_over_grid(network, found.get("pos_embed"), file_name, name)
    own = network.state_dict()
    for key, value in found.items():
        if value.shape != own[key].shape:
            raise TdsegError(
                f"{file_name} does not hold the weights of {name}: {key} is "
                f"{tuple(value.shape)} instead of {tuple(own[key].shape)}; choose the backbone "
                "that the file belongs to."
            )
    network.load_state_dict({k: v.to(own[k].dtype) for k, v in found.items()}, strict=False)
    return tensors_sha256(found)


def _take_over_grid(
    network: TimmNetwork, positions: torch.Tensor | None, file_name: str, name: str
) -> None:
    """Give the network a position table of the file's size."""
    own = getattr(network, "pos_embed", None)
    if positions is None or own is None or positions.shape == own.shape:
        return
    prefix = 0 if network.no_embed_class else network.num_prefix_tokens
    patches = positions.shape[1] - prefix if positions.ndim == 3 else 0
    side = round(max(patches, 0) ** 0.5)
    if patches < 1 or side * side != patches or positions.shape[2] != own.shape[2]:
        raise TdsegError(
            f"{file_name} does not hold the weights of {name}: its position embeddings are "
            f"{tuple(positions.shape)}, not a square grid for {tuple(own.shape)}."
        )
    network.pos_embed = nn.Parameter(torch.zeros_like(positions, dtype=own.dtype))
    network.patch_embed.grid_size = (side, side)


def _is_head(key: str) -> bool:
    return key.startswith(("head.", "fc_norm.", "head_drop."))


def _flatten(
    content: Any, file_name: str, note: Callable[[str], object]
) -> dict[str, torch.Tensor]:
    """Find the tensors in what a PyTorch file holds: a state dict, or one inside dicts."""
    path: list[str] = []
    for _ in range(_MOST_LEVELS):
        if not isinstance(content, Mapping):
            break
        sets = [key for key in _NESTED if isinstance(content.get(key), Mapping)]
        if not sets:
            break
        path.append(sets[0])
        if len(sets) > 1:
            note(
                f"{file_name} holds several sets of weights ({', '.join(sets)}); "
                f"'{sets[0]}' is used."
            )
        content = content[sets[0]]
    tensors = (
        {str(key): value for key, value in content.items() if isinstance(value, torch.Tensor)}
        if isinstance(content, Mapping)
        else {}
    )
    if not tensors:
        there = (
            f"it has {_listed(content)}"
            if isinstance(content, Mapping)
            else f"it is a {type(content).__name__}"
        )
        where = f" under '{' > '.join(path)}'" if path else ""
        raise TdsegError(
            f"{file_name} holds no named tensors{where} ({there}); save the network's state_dict "
            "with torch.save."
        )
    for own, other in _OWN_PREFIXES:
        chosen = {k.removeprefix(own): v for k, v in tensors.items() if k.startswith(own)}
        if chosen and any(key.startswith(other) for key in tensors):
            note(f"{file_name} holds weights named {own}... and {other}...; {own}... are used.")
            return chosen
    return tensors


def _listed(content: Mapping[Any, Any]) -> str:
    keys = [str(key)[:40] for key in list(content)[:8]]
    if not keys:
        return "nothing in it"
    return f"the keys {', '.join(keys)}{', ...' if len(content) > len(keys) else ''}"
