"""Tiny networks for the tests: real classes of timm's, random weights large enough to matter."""

from __future__ import annotations

from functools import partial

import torch
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from tdseg.backbones.base import WeightsInfo

INFO = WeightsInfo("test", "0" * 64, "unknown", "random")


def shake(network: nn.Module, seed: int) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return network.eval()


def tiny_vit(seed: int = 0, registers: int = 4, patch: int = 14, grid: int = 4) -> nn.Module:
    """DINOv2 in small; without registers the positions include the class token's."""
    network = VisionTransformer(
        img_size=patch * grid,
        patch_size=patch,
        embed_dim=24,
        depth=3,
        num_heads=3,
        num_classes=0,
        init_values=1.0,
        reg_tokens=registers,
        no_embed_class=registers > 0,
        dynamic_img_size=True,
    )
    return shake(network, seed)


def tiny_eva(seed: int = 0) -> nn.Module:
    """DINOv3 in small."""
    network = Eva(
        img_size=64,
        patch_size=16,
        embed_dim=48,
        depth=2,
        num_heads=3,
        num_classes=0,
        qkv_bias=False,
        init_values=1.0,
        rope_type="dinov3",
        rope_temperature=100,
        rope_rotate_half=True,
        use_rot_pos_emb=True,
        use_abs_pos_emb=False,
        num_reg_tokens=4,
        use_fc_norm=False,
        dynamic_img_size=True,
        norm_layer=partial(nn.LayerNorm, eps=1e-5),
    )
    return shake(network, seed)


def to_hugging_face(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Rename timm's DINOv2 names to Dinov2Model's or Dinov2WithRegistersModel's, word for word."""
    fixed = {
        "cls_token": "embeddings.cls_token",
        "reg_token": "embeddings.register_tokens",
        "pos_embed": "embeddings.position_embeddings",
        "patch_embed.proj.weight": "embeddings.patch_embeddings.projection.weight",
        "patch_embed.proj.bias": "embeddings.patch_embeddings.projection.bias",
        "norm.weight": "layernorm.weight",
        "norm.bias": "layernorm.bias",
    }
    out = {"embeddings.mask_token": torch.zeros(1, state["cls_token"].shape[-1])}
    for name, value in state.items():
        if name in fixed:
            out[fixed[name]] = value
            continue
        _, number, rest = name.split(".", 2)
        stem = f"encoder.layer.{number}."
        if rest.startswith("attn.qkv."):
            kind = rest.rsplit(".", 1)[1]
            for part, piece in zip(("query", "key", "value"), value.chunk(3), strict=True):
                out[f"{stem}attention.attention.{part}.{kind}"] = piece
            continue
        rest = rest.replace("attn.proj.", "attention.output.dense.")
        rest = rest.replace("ls1.gamma", "layer_scale1.lambda1")
        rest = rest.replace("ls2.gamma", "layer_scale2.lambda1")
        out[stem + rest] = value
    return with_class_position(out, "embeddings.cls_token", "embeddings.position_embeddings")


def to_original(state: dict[str, torch.Tensor], chunked: bool = False) -> dict[str, torch.Tensor]:
    """Rename timm's DINOv2 names to facebookresearch's."""
    out = {"mask_token": torch.zeros(1, state["cls_token"].shape[-1])}
    for name, value in state.items():
        name = name.replace("reg_token", "register_tokens")
        if chunked and name.startswith("blocks."):
            chunk = "1" if name.startswith("blocks.2.") else "0"
            name = name.replace("blocks.", f"blocks.{chunk}.")
        out[name] = value
    return with_class_position(out, "cls_token", "pos_embed")


def with_class_position(
    tensors: dict[str, torch.Tensor], token: str, positions: str
) -> dict[str, torch.Tensor]:
    """Take some of the class token away again as its own position, where there is none yet."""
    side = round(tensors[positions].shape[1] ** 0.5)
    if side * side == tensors[positions].shape[1]:
        own = torch.full_like(tensors[token], 0.125)
        tensors[token] = tensors[token] - own
        tensors[positions] = torch.cat([own, tensors[positions]], dim=1)
    return tensors
