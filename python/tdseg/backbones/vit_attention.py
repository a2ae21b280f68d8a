"""Attention of a class token, computed explicitly (timm's fused attention never forms it)."""

from __future__ import annotations

import torch
from timm.layers.pos_embed_sincos import apply_rot_embed_cat
from torch.nn import functional

from tdseg.backbones.base import TimmNetwork


def project(
    attention: TimmNetwork, x: torch.Tensor, rope: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, float]:
    """Return a block's queries, keys and values.

    Parameters
    ----------
    attention
        timm's ``Attention``, ``AttentionRope`` or ``EvaAttention``.
    x
        (B, N, C), what the attention is given.
    rope
        Rotary angles of the patches, if the network has them.

    Returns
    -------
    tuple
        q, k, v, each (B, heads, N, D) float32, and the scale of q.k.
    """
    heads = attention.num_heads
    if attention.qkv is not None:
        bias = attention.qkv.bias
        if getattr(attention, "q_bias", None) is not None:
            bias = torch.cat((attention.q_bias, attention.k_bias, attention.v_bias))
        joined = functional.linear(x, attention.qkv.weight, bias)
        q, k, v = joined.unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
    else:
        q, k, v = (
            layer(x).unflatten(-1, (heads, -1)).transpose(1, 2)
            for layer in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
    q, k = attention.q_norm(q), attention.k_norm(k)
    if rope is not None:
        prefix, half = attention.num_prefix_tokens, getattr(attention, "rotate_half", False)
        q, k = (
            torch.cat(
                [y[:, :, :prefix], apply_rot_embed_cat(y[:, :, prefix:], rope, half=half)], dim=2
            )
            for y in (q, k)
        )
    return q.float(), k.float(), v.float(), float(attention.scale)


def class_attention(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float, prefix: int
) -> torch.Tensor:
    """Return softmax(q_class k^T) at the patches, (B, heads, patches) float32.

    The softmax runs over all tokens, class and registers included.
    """
    return _class_row(q, k, scale)[..., prefix:]


def value_attention(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, scale: float, prefix: int
) -> torch.Tensor:
    """Return, per head, the class token's attention output times every patch's value vector.

    (B, heads, patches) float32. This is what HR-Dv2 calls the attention "o" (Docherty et al.,
    2024): no softmax over the result, so it may be negative.
    """
    output = torch.einsum("bhn,bhnd->bhd", _class_row(q, k, scale), v)
    return torch.einsum("bhd,bhnd->bhn", output, v[:, :, prefix:])


def _class_row(q: torch.Tensor, k: torch.Tensor, scale: float) -> torch.Tensor:
    scores = torch.einsum("bhd,bhnd->bhn", q[:, :, 0], k) * scale
    return scores.softmax(dim=-1)
