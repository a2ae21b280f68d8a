from __future__ import annotations

import pytest
import torch
from backbone_networks import INFO, tiny_eva, tiny_vit

from tdseg.backbones.vit import IMAGENET_MEAN, IMAGENET_STD, VitBackbone
from tdseg.errors import TdsegError


def _images(height: int, width: int, seed: int = 3) -> torch.Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(seed))


def _normalised(images: torch.Tensor) -> torch.Tensor:
    mean = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
    return (images - mean) / torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)


@pytest.mark.parametrize(
    ("network", "size"),
    [
        (tiny_vit(registers=4), (56, 56)),
        (tiny_vit(registers=4), (70, 28)),
        (tiny_vit(registers=0), (42, 98)),
        (tiny_eva(), (64, 96)),
    ],
    ids=["registers", "registers, other grid", "no registers, other grid", "rotary"],
)
def test_tokens_are_those_of_timms_own_forward_pass(network, size):
    images = _images(*size)
    with torch.inference_mode():
        expected = network.forward_features(_normalised(images))[:, network.num_prefix_tokens :]
    backbone = VitBackbone(network, "tiny", INFO)
    found = backbone.tokens(images)[0]
    assert found.shape[-2:] == (size[0] // backbone.patch, size[1] // backbone.patch)
    torch.testing.assert_close(found.flatten(2).transpose(1, 2), expected, rtol=1e-4, atol=1e-4)


def test_levels_with_and_without_norm():
    network = tiny_vit()
    images = _images(56, 56)
    with torch.inference_mode():
        raw = network.forward_intermediates(
            _normalised(images), indices=[0, 1, 2], intermediates_only=True
        )
        normed = network.forward_intermediates(
            _normalised(images), indices=[0, 1, 2], intermediates_only=True, norm=True
        )
    backbone = VitBackbone(network, "tiny", INFO, levels=("block1_raw", 0, "last"))
    assert [level.name for level in backbone.levels] == ["block1_raw", "block0", "last"]
    for found, wanted in zip(backbone.tokens(images), (raw[1], normed[0], normed[2]), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("stride", [14, 7, 5, 4, 1])
@pytest.mark.parametrize("flavour", ["native", "offset"])
def test_stride_sets_the_grid(stride, flavour):
    backbone = VitBackbone(tiny_vit(), "tiny", INFO, stride=stride, position_embedding=flavour)
    tokens = backbone.tokens(_images(42, 28))[0]
    assert tokens.shape == (2, 24, 1 + (42 - 14) // stride, 1 + (28 - 14) // stride)
    assert (backbone.levels[0].stride, backbone.levels[0].offset) == (stride, 6.5)


def test_a_patch_is_embedded_where_the_geometry_says():
    network = tiny_vit(registers=0)
    with torch.no_grad():
        network.pos_embed.zero_()
    images = _images(42, 42)
    dense = VitBackbone(network, "tiny", INFO, stride=7, levels=("block0_raw",))
    x, _, grid = dense._embed(images)
    level = dense.levels[0]
    for row, column in ((0, 0), (2, 3), (4, 1)):
        top = int(level.offset + level.stride * row - 6.5)
        left = int(level.offset + level.stride * column - 6.5)
        patch = _normalised(images)[..., top : top + 14, left : left + 14]
        projection = network.patch_embed.proj
        wanted = torch.einsum("bchw,dchw->bd", patch, projection.weight) + projection.bias
        torch.testing.assert_close(x[:, 1 + row * grid[1] + column], wanted, rtol=1e-4, atol=1e-4)


def test_an_early_level_stops_early():
    network = tiny_vit()
    backbone = VitBackbone(network, "tiny", INFO, levels=("block0",))
    before = backbone.tokens(_images(56, 56))[0]
    with torch.no_grad():
        network.blocks[1].attn.qkv.weight.fill_(float("nan"))
    assert torch.equal(backbone.tokens(_images(56, 56))[0], before)


def test_bfloat16_is_close_and_rotary_angles_stay_exact():
    images = _images(64, 160)
    exact = VitBackbone(tiny_eva(), "tiny", INFO).tokens(images)[0]
    half = VitBackbone(tiny_eva(), "tiny", INFO, precision="bfloat16")
    assert half.tokens(images)[0].dtype == torch.bfloat16
    assert (half.tokens(images)[0].float() - exact).abs().mean() < 0.05 * exact.abs().mean()
    rope = VitBackbone(tiny_eva(), "tiny", INFO)._positions((4, 10))[1]
    assert torch.equal(half._positions((4, 10))[1], rope)


def test_window_is_what_the_positions_were_trained_for():
    assert VitBackbone(tiny_vit(), "tiny", INFO).window == 56
    assert VitBackbone(tiny_eva(), "tiny", INFO, window=100).window == 96


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": ("block3",)}, "has no level block3; use last, or block0 to block2"),
        ({"levels": ("cls",)}, "has no level cls"),
        ({"stride": 15}, "patches are 14 pixels wide"),
        ({"stride": 0}, "use 1 to 14"),
        ({"position_embedding": "x"}, "position_embedding=x is unknown"),
    ],
)
def test_errors_are_sentences(options, message):
    with pytest.raises(TdsegError, match=message):
        VitBackbone(tiny_vit(), "tiny", INFO, **options)


def test_other_networks_are_refused():
    import timm

    with pytest.raises(TdsegError, match="is a ResNet"):
        VitBackbone(timm.create_model("resnet10t"), "resnet10t", INFO)


def test_sizes_must_be_multiples():
    with pytest.raises(ValueError, match="multiples of 14"):
        VitBackbone(tiny_vit(), "tiny", INFO).tokens(torch.zeros(1, 3, 28, 30))
