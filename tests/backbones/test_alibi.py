"""ALiBi retrofits against attention written out token by token, with random weights."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from backbone_networks import INFO, shake, tiny_eva, tiny_vit
from timm.models.eva import Eva
from torch import nn

from tdseg.backbones.alibi import load_retrofit
from tdseg.backbones.loading import load_backbone
from tdseg.backbones.vit import IMAGENET_MEAN, IMAGENET_STD, VitBackbone
from tdseg.errors import TdsegError


def biased_eva(seed: int = 0) -> Eva:
    """DINOv3 in small with biases of queries and values, which fine-tuning changes."""
    network = Eva(
        img_size=64,
        patch_size=16,
        embed_dim=48,
        depth=2,
        num_heads=3,
        num_classes=0,
        qkv_bias=True,
        init_values=1.0,
        rope_type="dinov3",
        rope_rotate_half=True,
        use_rot_pos_emb=True,
        use_abs_pos_emb=False,
        num_reg_tokens=4,
        use_fc_norm=False,
        swiglu_mlp=True,
        dynamic_img_size=True,
    )
    return shake(network, seed)


def without_positions(network: nn.Module) -> nn.Module:
    if getattr(network, "pos_embed", None) is not None:
        with torch.no_grad():
            network.pos_embed.zero_()
    return network


def distance(a: int, b: int, grid: tuple[int, int]) -> float:
    """Between two patches on the torus, in patches."""
    steps = []
    for x, y, count in zip(divmod(a, grid[1]), divmod(b, grid[1]), grid, strict=True):
        steps.append(min(abs(x - y), count - abs(x - y)))
    return math.hypot(*steps)


def plain_forward(network: nn.Module, images: torch.Tensor, slopes: torch.Tensor) -> torch.Tensor:
    """Patch tokens after the final norm, (B, N, C): no function of attention, no table."""
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    x = network.patch_embed.proj((images - mean) / std)
    grid = (int(x.shape[2]), int(x.shape[3]))
    x = x.flatten(2).transpose(1, 2)
    count = len(images)
    first = [t.expand(count, -1, -1) for t in (network.cls_token, network.reg_token)]
    x = torch.cat([*first, x], 1)
    prefix, n = x.shape[1] - grid[0] * grid[1], x.shape[1]
    places = range(grid[0] * grid[1])
    largest = max(distance(0, k, grid) for k in places)
    for index, block in enumerate(network.blocks):
        attention, y = block.attn, block.norm1(x)
        joined = nn.functional.linear(y, attention.qkv.weight, attention.qkv.bias)
        if getattr(attention, "q_bias", None) is not None:
            zero = torch.zeros_like(attention.q_bias)
            joined = joined + torch.cat([attention.q_bias, zero, attention.v_bias])
        width = y.shape[-1] // attention.num_heads
        out = torch.zeros_like(y)
        for head in range(attention.num_heads):
            part = slice(head * width, (head + 1) * width)
            q, k, v = (piece[..., part] for piece in joined.chunk(3, dim=-1))
            scores = q @ k.transpose(1, 2) / math.sqrt(width)
            for a in places:
                for b in places:
                    scores[:, prefix + a, prefix + b] -= (
                        slopes[index, head] * distance(a, b, grid) / largest
                    )
            out[..., part] = scores.exp() @ v / scores.exp().sum(-1, keepdim=True)
        scale = block.gamma_1 if hasattr(block, "gamma_1") else block.ls1.gamma
        x = x + scale * attention.proj(out)
        scale = block.gamma_2 if hasattr(block, "gamma_2") else block.ls2.gamma
        x = x + scale * block.mlp(block.norm2(x))
        assert x.shape[1] == n
    return network.norm(x)[:, prefix:]


def images_of(rows: int, cols: int, patch: int) -> torch.Tensor:
    seed = torch.Generator().manual_seed(1)
    return torch.rand(2, 3, rows * patch, cols * patch, generator=seed)


@pytest.mark.parametrize("make", [tiny_vit, tiny_eva, biased_eva])
@pytest.mark.parametrize("grid", [(3, 3), (2, 5), (4, 1)])
@pytest.mark.parametrize("learned", [False, True])
def test_tokens_are_those_of_attention_written_out(make, grid, learned):
    network = without_positions(make())
    depth, heads = len(network.blocks), network.blocks[0].attn.num_heads
    slopes = torch.ones(depth, heads)
    if learned:
        slopes = torch.rand(depth, heads, generator=torch.Generator().manual_seed(2)) * 5
    backbone = VitBackbone(network, "tiny", INFO, slopes=slopes)
    images = images_of(*grid, backbone.patch)
    with torch.inference_mode():
        expected = plain_forward(network, images, slopes)
    found = backbone.tokens(images)[0].flatten(2).transpose(1, 2)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(
        VitBackbone(copy.deepcopy(network), "tiny", INFO).tokens(images)[0],
        backbone.tokens(images)[0],
        atol=1e-3,
    )


@pytest.mark.parametrize("make", [tiny_vit, biased_eva])
def test_no_place_differs_from_another(make):
    """On a torus without positions, an image moved by whole patches has its tokens moved."""
    network = without_positions(make())
    heads = network.blocks[0].attn.num_heads
    slopes = torch.full((len(network.blocks), heads), 3.0)
    backbone = VitBackbone(network, "tiny", INFO, slopes=slopes)
    images = images_of(4, 5, backbone.patch)
    step = backbone.patch
    moved = images.roll((step, 2 * step), (2, 3))
    found = backbone.tokens(moved)[0]
    expected = backbone.tokens(images)[0].roll((1, 2), (2, 3))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    if backbone.has_attention:
        found, expected = backbone.attention(moved), backbone.attention(images)
        torch.testing.assert_close(found, expected.roll((1, 2), (2, 3)), rtol=1e-4, atol=1e-5)


def saved_as_the_paper_does(network: nn.Module, slopes: torch.Tensor | None) -> dict:
    """Names of a wrapper around timm's DINOv2, or around facebookresearch's DINOv3."""
    out = {}
    for name, value in network.state_dict().items():
        if name.endswith(("q_bias", "v_bias", "k_bias")):
            continue
        name = name.replace("gamma_1", "ls1.gamma").replace("gamma_2", "ls2.gamma")
        if hasattr(network, "rope"):
            name = name.replace("reg_token", "storage_tokens")
            for own, theirs in (("fc1_g", "w1"), ("fc1_x", "w2"), ("fc2", "w3")):
                name = name.replace(f".mlp.{own}.", f".mlp.{theirs}.")
        out[f"model.{name}"] = value
    for index, block in enumerate(network.blocks):
        if slopes is not None:
            out[f"model.blocks.{index}.attn.m"] = slopes[index].view(-1, 1, 1)
        if getattr(block.attn, "q_bias", None) is not None:
            stray = torch.full_like(block.attn.q_bias, 0.5)  # masked: training never saw it
            bias = torch.cat([block.attn.q_bias, stray, block.attn.v_bias])
            mask = torch.cat([torch.ones_like(stray), torch.zeros_like(stray), stray * 2])
            out[f"model.blocks.{index}.attn.qkv.bias"] = bias.detach()
            out[f"model.blocks.{index}.attn.qkv.bias_mask"] = mask
    return out


@pytest.mark.parametrize("make", [tiny_vit, biased_eva])
@pytest.mark.parametrize("learned", [False, True])
def test_their_files_load(make, learned, tmp_path):
    trained = without_positions(make(seed=0))
    depth, heads = len(trained.blocks), trained.blocks[0].attn.num_heads
    slopes = torch.linspace(0.5, 4, depth * heads).view(depth, heads) if learned else None
    file = tmp_path / "retrofit.pth"
    torch.save(saved_as_the_paper_does(trained, slopes), file)
    network = make(seed=9)
    digest, found = load_retrofit(network, file, "tiny")
    assert torch.equal(found, torch.ones(depth, heads) if slopes is None else slopes)
    images = images_of(3, 2, network.patch_embed.patch_size[0])
    torch.testing.assert_close(
        VitBackbone(network, "tiny", INFO, slopes=found).tokens(images),
        VitBackbone(trained, "tiny", INFO, slopes=found).tokens(images),
    )
    # Slopes are weights too.
    torch.save(saved_as_the_paper_does(trained, 2 * found), file)
    assert load_retrofit(make(seed=9), file, "tiny")[0] != digest


def test_a_file_may_lack_positions_or_hold_some(tmp_path):
    network, notes = tiny_vit(), []
    state = saved_as_the_paper_does(network, None)
    torch.save(state, tmp_path / "some.pth")
    load_retrofit(tiny_vit(seed=3), tmp_path / "some.pth", "tiny", notes.append)
    assert "positions that are not zero" in notes[0]
    del state["model.pos_embed"]
    torch.save(state, tmp_path / "none.pth")
    other = tiny_vit(seed=3)
    load_retrofit(other, tmp_path / "none.pth", "tiny")
    assert not other.pos_embed.any()


def test_what_does_not_fit_is_a_sentence(tmp_path):
    state = saved_as_the_paper_does(tiny_vit(), torch.ones(3, 5))
    torch.save(state, tmp_path / "heads.pth")
    with pytest.raises(TdsegError, match=r"blocks\.0\.attn\.m is \(5, 1, 1\) for 3 blocks of 3"):
        load_retrofit(tiny_vit(), tmp_path / "heads.pth", "tiny")
    with pytest.raises(TdsegError, match="is not downloaded; give a file of the ALiBi retrofits"):
        load_backbone("dinov2_s_alibi")


@pytest.mark.parametrize(("name", "patch"), [("dinov2_s_alibi", 14), ("dinov3_splus_alibi", 16)])
def test_the_named_ones_have_no_places(name, patch):
    backbone = load_backbone(name, weights="random:0")
    assert (backbone.patch, backbone.window) == (patch, 518 if patch == 14 else 512)
    network = without_positions(backbone._network)
    backbone._split_positions(network)
    images = images_of(3, 4, patch)
    found = backbone.tokens(images.roll(patch, 3))[0]
    expected = backbone.tokens(images)[0].roll(1, 3)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
