from __future__ import annotations

import numpy as np
import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from tdseg.backbones.base import WeightsInfo
from tdseg.backbones.vit import VitBackbone
from tdseg.features.token_cache import TokenCache
from tdseg.runtime.feature_map import PlaneInput
from tdseg.unsupervised.attention import AttentionTokens, saliency
from tdseg.unsupervised.embedding import FeatureRun

HEADS = 3


@pytest.fixture(scope="module")
def backbone() -> VitBackbone:
    """DINOv2 in small, with random weights large enough to attend to something."""
    network: nn.Module = VisionTransformer(
        img_size=56,
        patch_size=14,
        embed_dim=24,
        depth=2,
        num_heads=HEADS,
        num_classes=0,
        reg_tokens=4,
        no_embed_class=True,
        dynamic_img_size=True,
    )
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return VitBackbone(network, "tiny", WeightsInfo("tiny", "0" * 64, "unknown", "random"))


def _plane(channels: int = 1, size: tuple[int, int] = (63, 50)) -> PlaneInput:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, channels), dtype=np.uint8)
    names = ("",) if channels == 1 else tuple(f"c{k + 1}" for k in range(channels))
    return PlaneInput(pixels, names, False, np.tile([0.0, 255.0], (channels, 1)))


def _never() -> None:
    raise AssertionError("features are not needed where there is attention")


def test_softmax_attention_is_a_multiple_of_uniform(backbone: VitBackbone) -> None:
    tokens = AttentionTokens(backbone, "attention")
    assert tokens.levels[0].channels == HEADS
    assert tokens.levels[0].stride == 14
    images = torch.rand(2, 3, 56, 42, generator=torch.Generator().manual_seed(1))
    (found,) = tokens.tokens(images)
    assert found.shape == (2, HEADS, 4, 3)
    # Class and registers take their share, so the patches' mean is below 1.
    mean = found.mean(dim=(2, 3))
    assert ((mean > 0) & (mean <= 1)).all()
    torch.testing.assert_close(found, backbone.attention(images) * 12)


def test_maps_follow_the_backbone(backbone: VitBackbone) -> None:
    plane = _plane(size=(56, 56))
    found = saliency(plane, _never, [], backbone, facet="attention")
    assert found.method == "attention"
    assert found.names == ("mean", "head 1", "head 2", "head 3")
    block = found.maps.block(slice(0, 56), slice(0, 56))
    assert block.shape == (HEADS + 1, 56, 56)
    np.testing.assert_allclose(block[0], block[1:].mean(axis=0), rtol=1e-4, atol=1e-5)
    rows, cols = np.array([3, 40]), np.array([9, 55])
    np.testing.assert_allclose(found.mean.at(rows, cols)[:, 0], block[0][rows, cols], rtol=1e-5)
    # The unshifted copy's share: at the centre of a patch its own token has the most weight.
    image = torch.from_numpy(np.repeat(plane.pixels, 3, axis=2)).permute(2, 0, 1)[None] / 255
    tokens = backbone.attention(image)[0].mean(dim=0).numpy() * 16
    centres = np.ix_(np.arange(4) * 14 + 6, np.arange(4) * 14 + 6)
    assert np.corrcoef(tokens.ravel(), block[0][centres].ravel())[0, 1] > 0.5


def test_heads_are_averaged_over_channels(backbone: VitBackbone) -> None:
    two = _plane(channels=2)
    found = saliency(two, _never, [], backbone).maps.block(slice(0, 63), slice(0, 50))
    each = [
        saliency(
            PlaneInput(two.pixels[:, :, k : k + 1], ("",), False, two.ranges[:1]),
            _never,
            [],
            backbone,
        ).maps.block(slice(0, 63), slice(0, 50))
        for k in range(2)
    ]
    np.testing.assert_allclose(found, (each[0] + each[1]) / 2, rtol=1e-4, atol=1e-5)


def test_value_attention_is_passed_on(backbone: VitBackbone) -> None:
    images = torch.rand(1, 3, 28, 42, generator=torch.Generator().manual_seed(2))
    tokens = AttentionTokens(backbone, "value_attention")
    torch.testing.assert_close(tokens.tokens(images)[0], backbone.value_attention(images))
    # Facets do not take each other's place in a cache, and the default is HR-Dv2's.
    cache = TokenCache(2**24)
    plane = _plane(size=(56, 56))
    maps = [
        saliency(plane, _never, [], backbone, cache=cache, **facet).maps.block(
            slice(0, 56), slice(0, 56)
        )
        for facet in ({"facet": "attention"}, {"facet": "value_attention"}, {})
    ]
    assert np.array_equal(maps[1], maps[2])
    assert not np.allclose(maps[0], maps[1])
    with pytest.raises(ValueError, match="facet"):
        AttentionTokens(backbone, "keys")


def test_without_attention_a_cut_takes_its_place() -> None:
    from tdseg.features.extractors import ClassicalFeatures, ClassicalOptions

    pixels = np.full((60, 60, 1), 40, np.uint8)
    pixels[20:40, 25:50] = 200
    plane = PlaneInput(pixels, ("",), False, np.array([[0.0, 255.0]]))
    options = ClassicalOptions(classical="gaussian", sigma_max=4)
    features = ClassicalFeatures(options).extract(plane)
    found = saliency(plane, lambda: features, [FeatureRun(len(features.names), False)], None)
    assert found.method == "ncut"
    front = found.mean.block(slice(0, 60), slice(0, 60))[0] > 0.5
    truth = pixels[:, :, 0] > 100
    assert (front & truth).sum() / (front | truth).sum() > 0.8
