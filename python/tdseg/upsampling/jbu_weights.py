"""The weights of FeatUp's learned joint bilateral upsampler, read from a file.

Fu et al., "FeatUp: a model-agnostic framework for features at any resolution", ICLR 2024. The names
of the tensors are those of the authors' checkpoints (Lightning: ``upsampler.up1.range_temp``) or of
the upsampler's own state dict (``up1.range_temp``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from tdseg.backbones.base import WeightsInfo
from tdseg.backbones.checkpoints import read_tensors
from tdseg.backbones.hashing import tensors_sha256
from tdseg.errors import TdsegError
from tdseg.runtime.files import name_of

STAGES = 4
"""Each doubles the grid."""
RADIUS = 3
"""Pixels of the finer grid to each side: a kernel of 7 x 7."""
SIDE = 2 * RADIUS + 1

KEY = "upsampler_weights"
_ANCHOR = "up1.range_temp"
_NORM = "model.1.norm."
_TAPS = SIDE * SIDE
_REMEDY = f"give a checkpoint of FeatUp's JBU with {KEY}=[path]"


@dataclass(frozen=True)
class Stage:
    """What makes the kernels of one doubling; P is 49, E the width of the embedding.

    Attributes
    ----------
    temperature
        Factor of the likeness of two embedded colours.
    spatial
        (P,): a Gaussian of the distance.
    embed_in, embed_in_bias, embed_out, embed_out_bias
        (E, 3), (E,), (E, E), (E,): two layers that embed a colour.
    fix_in, fix_in_bias, fix_out, fix_out_bias
        (P, P + 3), (P,), (P, P), (P,): two layers that correct a kernel, knowing the colour.
    """

    temperature: float
    spatial: npt.NDArray[np.float32]
    embed_in: npt.NDArray[np.float32]
    embed_in_bias: npt.NDArray[np.float32]
    embed_out: npt.NDArray[np.float32]
    embed_out_bias: npt.NDArray[np.float32]
    fix_in: npt.NDArray[np.float32]
    fix_in_bias: npt.NDArray[np.float32]
    fix_out: npt.NDArray[np.float32]
    fix_out_bias: npt.NDArray[np.float32]


@dataclass(frozen=True)
class JbuWeights:
    """FeatUp's stack of four doublings for tokens of C channels; all arrays are float32.

    Attributes
    ----------
    stages
        From coarse to fine.
    mix, mix_bias
        (C, C) and (C,): the last step adds ``0.1 * (mix @ features + mix_bias)``.
    norm
        Scale and shift (C,) of the layer norm that the tokens pass first; None: there is none.
    info
        File and hash.
    """

    stages: tuple[Stage, ...]
    mix: npt.NDArray[np.float32]
    mix_bias: npt.NDArray[np.float32]
    norm: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None
    info: WeightsInfo

    @property
    def channels(self) -> int:
        """Number of channels C."""
        return len(self.mix_bias)


def read_jbu(file: str | Path, note: Callable[[str], object] = lambda line: None) -> JbuWeights:
    """Read the upsampler from a checkpoint; other entries are left alone, no code is run.

    Files of FeatUp's variant with normalised tokens also hold that norm
    (``model.1.norm.weight``), which is read too.

    Parameters
    ----------
    file
        See `tdseg.backbones.checkpoints.read_tensors`.
    note
        Hears which set of weights was taken, where a file holds several.

    Returns
    -------
    JbuWeights
        Its layers, checked for their shapes.

    Raises
    ------
    TdsegError
        If no file is named, or it is missing, damaged or holds something else.
    """
    if not str(file):
        raise TdsegError(f"upsampling=jbu needs learned weights; {_REMEDY}.")
    every = read_tensors(file, KEY, note)
    name = name_of(file)
    anchor = next((key for key in every if key == _ANCHOR or key.endswith("." + _ANCHOR)), None)
    if anchor is None:
        raise TdsegError(f"{name} has no '{_ANCHOR}', so it is no JBU upsampler; {_REMEDY}.")
    prefix = anchor.removesuffix(_ANCHOR)
    own = {k.removeprefix(prefix): v for k, v in every.items() if k.startswith(prefix)}
    channels = _vector_length(own, "fixup_proj.1.bias", name)
    width = _vector_length(own, "up1.range_proj.0.bias", name)
    expected = _shapes(channels, width)
    for key, shape in expected.items():
        found = tuple(own[key].shape) if key in own else None
        # A 1 x 1 convolution may also be stored as a matrix.
        if found is None or found not in (shape, (*shape, 1, 1)):
            state = "is missing" if found is None else f"is {found} instead of {shape}"
            raise TdsegError(f"{name} is no JBU upsampler of FeatUp: {key} {state}; {_REMEDY}.")
    used = {key: own[key] for key in expected}
    scale, shift = (every.get(_NORM + part) for part in ("weight", "bias"))
    norm: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None = None
    if scale is not None and shift is not None:
        if not tuple(scale.shape) == tuple(shift.shape) == (channels,):
            raise TdsegError(
                f"{name}: {_NORM}weight is {tuple(scale.shape)} for an upsampler of {channels} "
                f"channels; {_REMEDY}."
            )
        used |= {_NORM + "weight": scale, _NORM + "bias": shift}
        norm = _array(scale), _array(shift)
    arrays = {key: _array(used[key]).reshape(shape) for key, shape in expected.items()}
    stages = tuple(_stage(arrays, f"up{number + 1}.") for number in range(STAGES))
    info = WeightsInfo(name, tensors_sha256(used), "unknown", name)
    return JbuWeights(
        stages, arrays["fixup_proj.1.weight"], arrays["fixup_proj.1.bias"], norm, info
    )


def _vector_length(own: Mapping[str, torch.Tensor], key: str, name: str) -> int:
    if key not in own or own[key].ndim != 1:
        raise TdsegError(f"{name} is no JBU upsampler of FeatUp: {key} is missing; {_REMEDY}.")
    return len(own[key])


def _shapes(channels: int, width: int) -> dict[str, tuple[int, ...]]:
    """Return every tensor that is needed, with its shape."""
    stage: dict[str, tuple[int, ...]] = {
        "range_temp": (),
        "sigma_spatial": (),
        "range_proj.0.weight": (width, 3),
        "range_proj.0.bias": (width,),
        "range_proj.3.weight": (width, width),
        "range_proj.3.bias": (width,),
        "fixup_proj.0.weight": (_TAPS, _TAPS + 3),
        "fixup_proj.0.bias": (_TAPS,),
        "fixup_proj.3.weight": (_TAPS, _TAPS),
        "fixup_proj.3.bias": (_TAPS,),
    }
    every = {f"up{n + 1}.{key}": shape for n in range(STAGES) for key, shape in stage.items()}
    return every | {"fixup_proj.1.weight": (channels, channels), "fixup_proj.1.bias": (channels,)}


def _array(tensor: torch.Tensor) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(tensor.detach().to("cpu", torch.float32).numpy())


def _stage(arrays: Mapping[str, npt.NDArray[Any]], stem: str) -> Stage:
    """Collect a stage; its temperature is limited to 1e-4 .. 1e4 as in FeatUp."""
    layers = [
        arrays[f"{stem}{block}.{index}.{part}"]
        for block in ("range_proj", "fixup_proj")
        for index in (0, 3)
        for part in ("weight", "bias")
    ]
    steps = np.linspace(-1, 1, SIDE)
    squares = (steps[:, None] ** 2 + steps**2).ravel()
    sigma = float(arrays[stem + "sigma_spatial"])
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        temperature = float(np.clip(np.exp(float(arrays[stem + "range_temp"])), 1e-4, 1e4))
        spatial = np.exp(-squares / (2 * np.float64(sigma) ** 2)).astype(np.float32)
    return Stage(temperature, spatial, *layers)
