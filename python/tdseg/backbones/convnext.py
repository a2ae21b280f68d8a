"""ConvNeXts of timm (DINOv3's distilled ones among them) as backbones.

Liu et al., "A ConvNet for the 2020s", CVPR 2022; Siméoni et al., "DINOv3", 2025.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from timm.layers.grn import GlobalResponseNorm
from timm.models.convnext import ConvNeXt
from torch import nn

from tdseg.backbones.base import Level, TimmNetwork, WeightsInfo
from tdseg.backbones.devices import evaluation, torch_dtype
from tdseg.backbones.vit import IMAGENET_MEAN, IMAGENET_STD
from tdseg.errors import TdsegError

_STRIDES = (4, 8, 16, 32)


class ConvNextBackbone:
    """A ConvNeXt read after its four stages.

    Stem and down-sampling cut the input into patches without padding, so a token at stride s is
    centred at ``(s - 1) / 2``.

    Parameters
    ----------
    network
        A `ConvNeXt` of timm's, with weights.
    name, weights
        For messages and saved classifiers.
    levels
        Names or strides out of ``stride4``, ``stride8``, ``stride16``, ``stride32``; None: all.
    mean, std
        Of the channels.
    device, precision
        Resolved, see `tdseg.backbones.devices.resolve_device`.
    """

    has_attention = False
    multiple = 32
    window = 512

    def __init__(
        self,
        network: TimmNetwork,
        name: str,
        weights: WeightsInfo,
        *,
        levels: Sequence[str | int] | None = None,
        mean: Sequence[float] = IMAGENET_MEAN,
        std: Sequence[float] = IMAGENET_STD,
        device: str = "cpu",
        precision: str = "float32",
    ) -> None:
        strides = _check_stem(network, name)
        self.name = name
        self.weights = weights
        self.has_global_context = any(isinstance(m, GlobalResponseNorm) for m in network.modules())
        self.device = torch.device(device)
        self.dtype = torch_dtype(precision)
        self._stages = [_parse_level(level, name) for level in (levels or strides)]
        reaches = _reaches(network)
        self.levels = tuple(
            Level(
                f"stride{strides[stage]}",
                int(network.feature_info[stage]["num_chs"]),
                strides[stage],
                (strides[stage] - 1) / 2,
                None if self.has_global_context else reaches[stage],
            )
            for stage in self._stages
        )
        self._mean = torch.tensor(mean, device=self.device).view(1, 3, 1, 1)
        self._std = torch.tensor(std, device=self.device).view(1, 3, 1, 1)
        self._network = network.eval().requires_grad_(False)
        self._network.to(self.device, self.dtype, memory_format=torch.channels_last)

    def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Run the network; see `tdseg.backbones.base.Backbone.tokens`."""
        height, width = images.shape[-2:]
        if height % self.multiple or width % self.multiple or not height or not width:
            raise ValueError(f"sizes must be multiples of {self.multiple}, not {height} x {width}")
        found: dict[int, torch.Tensor] = {}
        with evaluation(self.device):
            x = (images.to(self.device, torch.float32) - self._mean) / self._std
            x = x.to(self.dtype).contiguous(memory_format=torch.channels_last)
            x = self._network.stem(x)
            for stage in range(max(self._stages) + 1):
                x = self._network.stages[stage](x)
                found[stage] = x
        return [found[stage] for stage in self._stages]


def _check_stem(network: TimmNetwork, name: str) -> tuple[int, ...]:
    """Return the strides of the stages; refuse stems whose geometry is another."""
    strides = tuple(int(info["reduction"]) for info in getattr(network, "feature_info", ()))
    patchify = (
        type(network) is ConvNeXt
        and strides == _STRIDES
        and network.stem[0].kernel_size == network.stem[0].stride == (4, 4)
    )
    if not patchify:
        raise TdsegError(
            f"Backbone {name} is a {type(network).__name__} whose token positions tdseg does not "
            "know; use a plain ConvNeXt such as dinov3_convnext_t, or a vision transformer."
        )
    return strides


def _parse_level(level: str | int, name: str) -> int:
    text = str(level).removeprefix("stride")
    if not text.isdigit() or int(text) not in _STRIDES:
        raise TdsegError(
            f"{name} has no level {level}; it has {', '.join(f'stride{s}' for s in _STRIDES)}."
        )
    return _STRIDES.index(int(text))


def _reaches(network: TimmNetwork) -> list[float]:
    """Return the radius of every stage's receptive field in pixels, from the kernels."""
    reach, stride = 1.5, 4
    reaches = []
    for stage in network.stages:
        for module in stage.modules():
            if isinstance(module, nn.Conv2d):
                reach += (module.kernel_size[0] - 1) / 2 * stride
                stride *= module.stride[0]
        reaches.append(reach)
    return reaches
