from __future__ import annotations

import pytest
import torch
from backbone_networks import INFO, tiny_eva, tiny_vit
from timm.layers import apply_rot_embed_cat

from tdseg.backbones.vit import VitBackbone
from tdseg.errors import TdsegError


def _last_attention_input(network: torch.nn.Module, images: torch.Tensor) -> torch.Tensor:
    caught = []
    handle = network.blocks[-1].attn.register_forward_pre_hook(
        lambda module, arguments: caught.append(arguments[0])
    )
    backbone = VitBackbone(network, "tiny", INFO)
    backbone.tokens(images)
    handle.remove()
    return caught[0]


def _by_hand(network: torch.nn.Module, x: torch.Tensor, rope: torch.Tensor | None):
    """Return softmax rows of the class token and values, one head and token after the other."""
    heads, width = network.blocks[-1].attn.num_heads, network.embed_dim
    attention = network.blocks[-1].attn
    joined = x @ attention.qkv.weight.T
    if attention.qkv.bias is not None:
        joined = joined + attention.qkv.bias
    q, k, v = (part.reshape(*x.shape[:2], heads, -1) for part in joined.split(width, dim=-1))
    rows, outputs = [], []
    for head in range(heads):
        qh, kh, vh = q[:, :, head], k[:, :, head], v[:, :, head]
        if rope is not None:
            n = network.num_prefix_tokens
            qh = torch.cat([qh[:, :n], apply_rot_embed_cat(qh[:, n:], rope, half=True)], dim=1)
            kh = torch.cat([kh[:, :n], apply_rot_embed_cat(kh[:, n:], rope, half=True)], dim=1)
        row = ((qh[:, :1] @ kh.transpose(1, 2)) / (width / heads) ** 0.5).softmax(-1)
        rows.append(row)
        outputs.append(((row @ vh) * vh).sum(-1))
    return torch.cat(rows, dim=1), torch.stack(outputs, dim=1)


@pytest.mark.parametrize("kind", ["registers", "plain", "rotary"])
def test_attention_and_facet_follow_their_formulas(kind):
    network = {
        "registers": lambda: tiny_vit(registers=4),
        "plain": lambda: tiny_vit(registers=0),
        "rotary": tiny_eva,
    }[kind]()
    patch = network.patch_embed.patch_size[0]
    images = torch.rand(2, 3, 3 * patch, 5 * patch, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        x = _last_attention_input(network, images)
        rope = network.rope.get_embed(shape=(3, 5)) if kind == "rotary" else None
        rows, facet = _by_hand(network, x, rope)
    prefix = network.num_prefix_tokens
    backbone = VitBackbone(network, "tiny", INFO)
    attention = backbone.attention(images)
    assert attention.shape == (2, 3, 3, 5)
    assert attention.dtype == torch.float32
    torch.testing.assert_close(attention.flatten(2), rows[..., prefix:], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        backbone.value_attention(images).flatten(2), facet[..., prefix:], rtol=1e-4, atol=1e-4
    )
    # What the patches do not get goes to the class token and the registers.
    whole = attention.flatten(2).sum(-1) + rows[..., :prefix].sum(-1)
    torch.testing.assert_close(whole, torch.ones_like(whole), rtol=1e-4, atol=1e-4)


def test_rows_reproduce_timms_attention_output():
    network = tiny_vit(registers=0)
    images = torch.rand(1, 3, 56, 56, generator=torch.Generator().manual_seed(1))
    x = _last_attention_input(network, images)
    attention = network.blocks[-1].attn
    with torch.inference_mode():
        rows, _ = _by_hand(network, x, None)
        v = (x @ attention.qkv.weight.T + attention.qkv.bias).split(24, dim=-1)[2]
        heads = [rows[:, h : h + 1] @ v[..., 8 * h : 8 * h + 8] for h in range(3)]
        mine = attention.proj(torch.cat(heads, dim=-1))
        torch.testing.assert_close(mine, attention(x)[:, :1], rtol=1e-4, atol=1e-4)


def test_one_pass_gives_tokens_and_both_facets():
    backbone = VitBackbone(tiny_vit(), "tiny", INFO, levels=("block0",), stride=7)
    images = torch.rand(1, 3, 56, 42, generator=torch.Generator().manual_seed(1))
    tokens, planes = backbone.tokens_with_facets(images, ("attention", "value_attention"))
    assert torch.equal(tokens[0], backbone.tokens(images)[0])
    assert torch.equal(planes["attention"], backbone.attention(images))
    assert torch.equal(planes["value_attention"], backbone.value_attention(images))
    assert planes["attention"].shape[-2:] == tokens[0].shape[-2:]


def test_a_network_without_class_token_has_no_attention():
    from backbone_networks import shake
    from timm.models.vision_transformer import VisionTransformer

    network = VisionTransformer(
        img_size=56, patch_size=14, embed_dim=24, depth=1, num_heads=3, num_classes=0,
        class_token=False, global_pool="avg",
    )  # fmt: skip
    backbone = VitBackbone(shake(network, 0), "tiny", INFO)
    assert not backbone.has_attention
    with pytest.raises(TdsegError, match="no class token"):
        backbone.attention(torch.zeros(1, 3, 56, 56))
