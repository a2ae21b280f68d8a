from __future__ import annotations

import pytest
import torch

from tdseg.backbones.devices import evaluation, resolve_device, torch_dtype
from tdseg.errors import TdsegError


def test_auto_names_a_real_device_and_precision():
    device, precision = resolve_device()
    torch.zeros(1, device=device, dtype=torch_dtype(precision))
    assert (device == "cpu") == (not torch.cuda.is_available() and not _has_mps())
    if device == "cpu":
        assert precision == "float32"


def test_choices_are_kept():
    assert resolve_device("cpu", "auto") == ("cpu", "float32")
    assert resolve_device("cpu", "bfloat16") == ("cpu", "bfloat16")


@pytest.mark.parametrize(
    ("capability", "backbone", "expected"),
    [
        ((9, 0), "dinov2_s_reg", "bfloat16"),
        ((8, 0), None, "bfloat16"),
        ((7, 5), "dinov2_s_reg", "float16"),
        ((9, 0), "offline", "float32"),
        ((9, 0), "efficientnet_lite0", "float32"),
    ],
)
def test_auto_precision_on_a_gpu(monkeypatch, capability, backbone, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert resolve_device("auto", "auto", backbone=backbone) == ("cuda", expected)
    assert resolve_device("cuda", "float16", backbone=backbone) == ("cuda", "float16")


@pytest.mark.parametrize(
    ("device", "precision", "message"),
    [
        ("gpu", "auto", "device=gpu is unknown; use auto, cpu, cuda or mps"),
        ("cpu:1", "auto", "device=cpu:1 is unknown"),
        ("cpu", "half", "precision=half is unknown"),
    ],
)
def test_unknown_names(device, precision, message):
    with pytest.raises(TdsegError, match=message):
        resolve_device(device, precision)


def test_a_missing_gpu_is_an_error_not_the_processor():
    for device, present in (("cuda", torch.cuda.is_available()), ("mps", _has_mps())):
        if not present:
            with pytest.raises(TdsegError, match=f"device={device} was asked for, but"):
                resolve_device(device)


def test_evaluation_leaves_the_settings_as_they_were():
    before = torch.backends.cudnn.allow_tf32
    with evaluation(torch.device("cuda")):
        assert torch.is_inference_mode_enabled()
        assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.allow_tf32 == before
    assert not torch.is_inference_mode_enabled()


def _has_mps() -> bool:
    return torch.backends.mps.is_available()
