from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import skimage.data
import skimage.transform
import timm
import torch
from safetensors.torch import save_file

from tdseg.backbones.offline_cnn import create_offline_cnn, load_tensors, packaged_weights
from tdseg.errors import TdsegError

ALL = (2, 4, 8, 16, 32)


@cache
def _classifier() -> torch.nn.Module:
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    load_tensors(network, packaged_weights())
    return network.eval()


def _cat(size: int) -> torch.Tensor:
    photo = skimage.data.chelsea()[:, 75:375] / 255.0
    photo = skimage.transform.resize(photo, (size, size), anti_aliasing=True)
    return torch.from_numpy(np.moveaxis(photo, -1, 0)[None]).float()


def test_packaged_weights_recognise_a_cat():
    with torch.inference_mode():
        scores = _classifier()((_cat(224) * 255 - 127) / 128)[0]
    assert set(scores.topk(5).indices.tolist()) & set(range(281, 286))  # ImageNet's house cats
    assert scores.argmax() in range(281, 286)


def test_tokens_are_those_of_the_network_on_the_mirrored_image():
    image = _cat(96)
    features = timm.create_model("tf_efficientnet_lite0", pretrained=False, features_only=True)
    features.load_state_dict(_classifier().state_dict(), strict=False)
    mirrored = np.pad(image.numpy(), ((0, 0), (0, 0), (32, 0), (32, 0)), mode="reflect")
    with torch.inference_mode():
        expected = features.eval()((torch.from_numpy(mirrored) * 255 - 127) / 128)
    backbone = create_offline_cnn(levels=ALL)
    for level, found, full in zip(backbone.levels, backbone.tokens(image), expected, strict=True):
        surplus = int((32 + level.offset - (level.stride - 1)) // level.stride)
        wanted = full[..., surplus:, surplus:]
        assert (
            found.shape == wanted.shape == (1, level.channels, *[96 // int(level.stride) + 1] * 2)
        )
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("level", [2, 4, 8])
def test_a_pixel_changes_the_tokens_within_reach_of_it_and_no_others(level):
    backbone = create_offline_cnn(levels=(level,))
    geometry = backbone.levels[0]
    size = 160
    image = torch.rand(1, 3, 32, size, generator=torch.Generator().manual_seed(0))
    before = backbone.tokens(image)[0]
    for pixel in (75, 80, 86):
        changed = image.clone()
        changed[..., pixel] = 1 - changed[..., pixel]
        difference = (backbone.tokens(changed)[0] - before).abs().amax(dim=(0, 1, 2))
        centres = geometry.offset + geometry.stride * torch.arange(len(difference))
        within = (centres - pixel).abs() <= geometry.reach
        assert (difference > 1e-5).tolist() == within.tolist()


def test_shifting_the_image_by_32_pixels_shifts_the_tokens():
    backbone = create_offline_cnn(levels=(2, 4, 8))
    scene = torch.rand(1, 3, 64, 224, generator=torch.Generator().manual_seed(1))
    left, right = backbone.tokens(scene[..., :192]), backbone.tokens(scene[..., 32:])
    for level, a, b in zip(backbone.levels, left, right, strict=True):
        step = int(32 / level.stride)
        margin = int(level.reach // level.stride) + 1
        moved = a[..., step:]
        inner = slice(margin, moved.shape[-1] - margin)
        found = b[..., : moved.shape[-1]][..., inner]
        torch.testing.assert_close(found, moved[..., inner], rtol=1e-4, atol=2e-4)


def test_every_pixel_lies_between_tokens():
    backbone = create_offline_cnn(levels=ALL)
    for level, tokens in zip(backbone.levels, backbone.tokens(_cat(64)), strict=True):
        assert level.offset <= 0
        assert level.offset + level.stride * (tokens.shape[-1] - 1) >= 63
        assert torch.isfinite(tokens).all()


def test_levels_are_given_in_the_order_asked_for():
    backbone = create_offline_cnn(levels=(16, "stride4"))
    assert [level.name for level in backbone.levels] == ["stride16", "stride4"]
    assert [tokens.shape[1] for tokens in backbone.tokens(_cat(64))] == [112, 24]


def test_the_same_weights_under_other_names_give_the_same_hash_and_tokens(tmp_path):
    file = tmp_path / "lite0.safetensors"
    save_file(_classifier().state_dict(), file)
    own, copy = create_offline_cnn(), create_offline_cnn(weights=file)
    assert own.weights.sha256 == copy.weights.sha256
    assert copy.weights.source == "lite0.safetensors"
    for a, b in zip(own.tokens(_cat(64)), copy.tokens(_cat(64)), strict=True):
        assert torch.equal(a, b)


def test_batches_and_bfloat16_agree_with_single_images():
    backbone = create_offline_cnn(levels=(4, 16))
    images = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(2))
    for both, second in zip(backbone.tokens(images), backbone.tokens(images[1:]), strict=True):
        torch.testing.assert_close(both[1:], second, rtol=1e-4, atol=2e-4)
    half = create_offline_cnn(levels=(4, 16), precision="bfloat16").tokens(images)
    for a, b in zip(half, backbone.tokens(images), strict=True):
        assert a.dtype == torch.bfloat16
        assert (a.float() - b).abs().mean() < 0.08 * b.abs().mean()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": (5,)}, "has no level 5; it has stride2"),
        ({"weights": "/nowhere/x.pth"}, "x.pth does not exist"),
        ({"weights": "random:x"}, "whole number"),
    ],
)
def test_errors_are_sentences(options, message):
    with pytest.raises(TdsegError, match=message):
        create_offline_cnn(**options)


def test_other_weights_are_refused(tmp_path):
    torch.save({"a.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(TdsegError, match=r"other.pth does not hold .*1 tensors instead of 296"):
        create_offline_cnn(weights=tmp_path / "other.pth")


def test_sizes_must_be_multiples():
    with pytest.raises(ValueError, match="multiples of 32"):
        create_offline_cnn(weights="random:0").tokens(torch.zeros(1, 3, 64, 70))


def test_of_several_sets_in_a_file_the_one_that_is_used_is_said(tmp_path):
    averaged = _classifier().state_dict()
    stepped = {key: torch.zeros_like(value) for key, value in averaged.items()}
    file = tmp_path / "training.pth"
    torch.save({"state_dict": stepped, "state_dict_ema": averaged}, file)
    notes: list[str] = []
    found = create_offline_cnn(weights=file, note=notes.append)
    assert found.weights.sha256 == create_offline_cnn().weights.sha256
    assert ["'state_dict_ema' is used" in note for note in notes] == [True]
