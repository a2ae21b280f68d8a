from __future__ import annotations

import pytest
import torch
from backbone_networks import INFO, shake
from timm.models.convnext import ConvNeXt

from tdseg.backbones.convnext import ConvNextBackbone
from tdseg.errors import TdsegError


def _network(seed: int = 0, **options) -> torch.nn.Module:
    options = {"depths": (1, 1, 1, 1), "dims": (8, 12, 16, 20), "num_classes": 0} | options
    return shake(ConvNeXt(**options), seed)


def _images(size: int) -> torch.Tensor:
    return torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))


def test_levels_are_timms_stages():
    network = _network()
    backbone = ConvNextBackbone(network, "tiny", INFO)
    images = _images(96)
    with torch.inference_mode():
        given = (images - backbone._mean) / backbone._std
        expected = network.forward_intermediates(given, intermediates_only=True)
    for level, found, wanted in zip(
        backbone.levels, backbone.tokens(images), expected, strict=True
    ):
        assert found.shape[1] == level.channels
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("stride", [4, 8])
def test_a_pixel_changes_the_tokens_within_reach_of_it_and_no_others(stride):
    backbone = ConvNextBackbone(_network(), "tiny", INFO, levels=(stride,))
    level = backbone.levels[0]
    images = _images(160)
    before = backbone.tokens(images)[0]
    for pixel in (70, 77):
        changed = images.clone()
        changed[..., pixel] += 5
        difference = (backbone.tokens(changed)[0] - before).abs().amax(dim=(0, 1, 2))
        centres = level.offset + level.stride * torch.arange(len(difference))
        assert (difference > 1e-6).tolist() == ((centres - pixel).abs() <= level.reach).tolist()


def test_global_response_normalisation_makes_the_context_global():
    assert not ConvNextBackbone(_network(), "tiny", INFO).has_global_context
    backbone = ConvNextBackbone(_network(use_grn=True, ls_init_value=None), "tiny", INFO)
    assert backbone.has_global_context
    assert all(level.reach is None for level in backbone.levels)


def test_errors_are_sentences():
    with pytest.raises(TdsegError, match="has no level 2; it has stride4, stride8"):
        ConvNextBackbone(_network(), "tiny", INFO, levels=(2,))
    with pytest.raises(TdsegError, match="token positions tdseg does not know"):
        ConvNextBackbone(_network(stem_type="overlap"), "tiny", INFO)
