"""Three ways of naming a vision transformer's weights, brought to timm's."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch

# Hugging Face's and the authors' names, each beside timm's; applied in this order to every name.
# timm's own names pass unchanged.
_RULES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # Authors' files of large models keep blocks in chunks: blocks.CHUNK.BLOCK.
        (r"^blocks\.\d+\.(\d+\.)", r"blocks.\1"),
        (r"^(?:encoder\.|model\.)?layer\.(\d+)\.", r"blocks.\1."),
        (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
        (r"^embeddings\.patch_embeddings\.", "patch_embed.proj."),
        (r"^embeddings\.position_embeddings$", "pos_embed"),
        (r"^embeddings\.", ""),
        (r"^(?:register_tokens|storage_tokens)$", "reg_token"),
        (r"^layernorm\.", "norm."),
        (r"\.layernorm_before\.", ".norm1."),
        (r"\.layernorm_after\.", ".norm2."),
        (r"\.attention\.attention\.(query|key|value)\.", r".attn.\1."),
        (r"\.attention\.output\.dense\.", ".attn.proj."),
        (r"\.attention\.q_proj\.", ".attn.query."),
        (r"\.attention\.k_proj\.", ".attn.key."),
        (r"\.attention\.v_proj\.", ".attn.value."),
        (r"\.attention\.o_proj\.", ".attn.proj."),
        (r"\.intermediate\.dense\.", ".mlp.fc1."),
        (r"(blocks\.\d+)\.output\.dense\.", r"\1.mlp.fc2."),
        (r"\.mlp\.(?:w12|weights_in)\.", ".mlp.fc1."),
        (r"\.mlp\.(?:w3|weights_out)\.", ".mlp.fc2."),
        (r"\.mlp\.(?:w1|gate_proj)\.", ".mlp.fc1_g."),
        (r"\.mlp\.w2\.", ".mlp.fc1_x."),
        (r"\.layer_scale([12])\.lambda1$", r".ls\1.gamma"),
    )
]

# Used while training only, or belonging to a head that gives no features.
_UNUSED = re.compile(
    r"^(?:mask_token|head\.|head_drop\.|fc_norm\.|classifier\.|pooler\.|local_cls_norm\.|"
    r"rope_embeddings?\.|rope_embed\.|rope\.periods)|\.bias_mask$"
)
_ANCHOR = re.compile(r"^(.*?)(?:embeddings\.)?cls_token$")
_PARTS = ("query", "key", "value")


def to_timm(
    found: Mapping[str, torch.Tensor], target: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Rename tensors from timm's, Hugging Face's or the authors' naming to timm's.

    Everything outside the backbone (another prefix, classification heads, mask tokens) is left
    out; anything else unknown keeps its name, for the caller to refuse.

    Parameters
    ----------
    found
        As the file names them: ``encoder.layer.0.attention.attention.query.weight`` (Dinov2Model,
        Dinov2WithRegisters, DINOv3ViT, ViTModel), ``blocks.0.attn.qkv.weight`` with
        ``register_tokens`` or ``storage_tokens`` (facebookresearch), or timm's.
    target
        The network's own state, by timm's names; tells which of timm's variants is wanted.

    Returns
    -------
    dict
        Tensors by timm's names. Position embeddings keep their own grid.
    """
    prefix = _backbone_prefix(found)
    own = {
        name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)
    }
    gated = any(".mlp.gate_proj." in name for name in own)
    renamed: dict[str, torch.Tensor] = {}
    for name, value in own.items():
        for pattern, replacement in _RULES:
            name = pattern.sub(replacement, name)
        if gated:
            name = name.replace(".mlp.up_proj.", ".mlp.fc1_x.")
        name = name.replace(".mlp.up_proj.", ".mlp.fc1.").replace(".mlp.down_proj.", ".mlp.fc2.")
        if not _UNUSED.search(name):
            renamed[name] = value
    _join_projections(renamed)
    _match_variant(renamed, target)
    _fold_class_position(renamed, target)
    return renamed


def _backbone_prefix(names: Mapping[str, torch.Tensor]) -> str:
    """Return what stands before the backbone's names, such as ``backbone.`` or ``module.``."""
    found = [match[1] for name in names if (match := _ANCHOR.match(name))]
    return min(found, key=len) if found else ""


def _join_projections(tensors: dict[str, torch.Tensor]) -> None:
    """Stack query, key and value into timm's ``qkv``; DINOv3's key has no bias, which is zero."""
    for kind in ("weight", "bias"):
        suffix = f".attn.query.{kind}"
        for stem in [name.removesuffix(suffix) for name in tensors if name.endswith(suffix)]:
            parts = [tensors.pop(f"{stem}.attn.{part}.{kind}", None) for part in _PARTS]
            if kind == "bias" and parts[1] is None and parts[0] is not None:
                parts[1] = torch.zeros_like(parts[0])
            present = [part for part in parts if part is not None]
            if len(present) == len(_PARTS):
                tensors[f"{stem}.attn.qkv.{kind}"] = torch.cat(present)
            else:
                for part, value in zip(_PARTS, parts, strict=True):
                    if value is not None:
                        tensors[f"{stem}.attn.{part}.{kind}"] = value


def _match_variant(tensors: dict[str, torch.Tensor], target: Mapping[str, torch.Tensor]) -> None:
    """Follow timm's Eva, which calls layer scale ``gamma_1`` and keeps biases of q and v apart."""
    for name in list(tensors):
        scale = re.sub(r"\.ls([12])\.gamma$", r".gamma_\1", name)
        if scale != name and name not in target and scale in target:
            tensors[scale] = tensors.pop(name)
        if not name.endswith(".attn.qkv.bias") or name in target:
            continue
        stem = name.removesuffix("qkv.bias")
        query, key, value = tensors[name].nan_to_num().chunk(3)
        if f"{stem}q_bias" in target and not key.any():
            tensors[f"{stem}q_bias"], tensors[f"{stem}v_bias"] = query, value
            del tensors[name]
        elif not (query.any() or key.any() or value.any()):
            del tensors[name]


def _fold_class_position(
    tensors: dict[str, torch.Tensor], target: Mapping[str, torch.Tensor]
) -> None:
    """Add the class token's position to the class token where timm keeps patches only.

    The authors store 1 + m * m positions; timm's register models store m * m and a class token that
    already contains its own. The network's own table tells which of the two is wanted.
    """
    stored, own = tensors.get("pos_embed"), target.get("pos_embed")
    if stored is None or own is None or "cls_token" not in tensors or stored.ndim != 3:
        return
    if _is_square(own.shape[1]) and _is_square(stored.shape[1] - 1) and stored.shape[1] > 1:
        tensors["cls_token"] = tensors["cls_token"] + stored[:, :1]
        tensors["pos_embed"] = stored[:, 1:]


def _is_square(count: int) -> bool:
    return bool(round(count**0.5) ** 2 == count)
