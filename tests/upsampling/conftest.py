"""Backbones whose tokens are known exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import tdseg
from tdseg.backbones.base import Level, WeightsInfo
from tdseg.upsampling.picture import Picture


class SamplingBackbone:
    """Tokens are pixels: level k holds the colours found at ``offset + stride * i``."""

    name = "sampling"
    weights = WeightsInfo("sampling", "00", "CC0-1.0", "test")
    has_attention = False
    device = torch.device("cpu")
    dtype = torch.float32

    def __init__(
        self, strides=(4,), offsets=(0,), multiple=4, window=64, has_global_context=False
    ) -> None:
        self.levels = tuple(
            Level(f"stride{s}", 3, s, o) for s, o in zip(strides, offsets, strict=True)
        )
        self.multiple = multiple
        self.window = window
        self.has_global_context = has_global_context
        self.sizes: list[tuple[int, ...]] = []

    def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
        assert images.dtype == torch.float32
        assert images.shape[2] % self.multiple == images.shape[3] % self.multiple == 0
        self.sizes.append(tuple(images.shape))
        return [
            images[..., level.offset :: level.stride, level.offset :: level.stride].clone()
            for level in self.levels
        ]


class MeanBackbone(SamplingBackbone):
    """Tokens are means of patches, as centred as a vision transformer's."""

    name = "mean"

    def __init__(self, patch=4, window=64, has_global_context=False) -> None:
        super().__init__((patch,), (0,), patch, window, has_global_context)
        self.levels = (Level("mean", 3, patch, (patch - 1) / 2),)

    def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
        self.sizes.append(tuple(images.shape))
        found = torch.nn.functional.avg_pool2d(images, self.multiple)
        if self.has_global_context:
            found = found + images.mean(dim=(2, 3), keepdim=True)
        return [found]


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """Networks this small only lose by sharing work."""
    count = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(count)


@pytest.fixture
def sampling() -> Callable[..., SamplingBackbone]:
    return SamplingBackbone


@pytest.fixture
def mean_backbone() -> Callable[..., MeanBackbone]:
    return MeanBackbone


@pytest.fixture
def random_picture() -> Callable[..., Picture]:
    def make(height: int, width: int, seed: int = 0) -> Picture:
        pixels = np.random.default_rng(seed).random((height, width, 3)).astype(np.float32)
        return Picture(pixels, np.array([[0.0, 1.0]] * 3))

    return make


@pytest.fixture
def trained_on_halves() -> Callable[[str, str | Path], tuple[tdseg.Model, tdseg.Image]]:
    """Train through a learned upsampler, on a noisy image whose right half is darker."""

    def trained(upsampling: str, file: str | Path) -> tuple[tdseg.Model, tdseg.Image]:
        settings = tdseg.Settings(
            features="deep",
            backbone="test_vit",
            weights="random:0",
            upsampling=upsampling,
            upsampler_weights=file,
            classifier="logistic_regression",
            device="cpu",
            held_out=False,
        )
        pixels = np.random.default_rng(0).integers(0, 255, (40, 48)).astype(np.uint8)
        pixels[:, 24:] //= 4
        drawn = np.zeros((40, 48), np.uint8)
        drawn[5:30, 3:9], drawn[5:30, 35:44] = 1, 2
        image = tdseg.Image.from_array(pixels, axes="YX")
        labels = tdseg.SparseLabels.from_label_image(drawn, class_names=["left", "right"])
        return tdseg.train([(image, labels)], settings), image

    return trained
