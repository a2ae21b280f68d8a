"""The weights of NAF, read from a file.

Chambon et al., "NAF: zero-shot feature upsampling via neighborhood attention filtering", 2025. The
names of the tensors are those of the authors' checkpoint (``image_encoder.sem_encoder.0.weight``),
alone or below a prefix.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from tdseg.backbones.base import WeightsInfo
from tdseg.upsampling.guide_network import GROUPS, Conv, Norm, Step
from tdseg.upsampling.weights_file import read_named

HEADS = 4
"""Of the attention and of the position embedding."""
BLOCKS = 2
"""Of each of the two encoders."""

_ANCHOR = "image_encoder.sem_encoder.0.weight"
_BRANCHES = (("encoder", 1), ("sem_encoder", 3))


@dataclass(frozen=True)
class NafWeights:
    """Two encoders of the image and the wavelengths of the position embedding.

    Attributes
    ----------
    branches
        Steps of the encoder that sees single pixels, and of that with kernels of 3 x 3.
    periods
        (D / (4 heads),) float32.
    width
        Number D of channels of queries and keys.
    info
        File and hash.
    """

    branches: tuple[tuple[Step, ...], tuple[Step, ...]]
    periods: torch.Tensor
    width: int
    info: WeightsInfo


def read_naf(file: str | Path) -> NafWeights:
    """Read NAF from a checkpoint; other entries are left alone, no code is run.

    Parameters
    ----------
    file
        See `tdseg.backbones.checkpoints.read_tensors`.

    Returns
    -------
    NafWeights
        Its layers, checked for their shapes.

    Raises
    ------
    TdsegError
        If no file is named, or it is missing, damaged or holds something else.
    """
    found = read_named(file, "naf", "NAF", _ANCHOR)
    half = found.first_axis(_ANCHOR, GROUPS * HEADS)
    width = 2 * half
    shapes: dict[str, tuple[int, ...]] = {"image_encoder.rope.periods": (width // (4 * HEADS),)}
    for name, kernel in _BRANCHES:
        stem = f"image_encoder.{name}."
        shapes |= {stem + "0.weight": (half, 3, kernel, kernel), stem + "0.bias": (half,)}
        for block in range(1, BLOCKS + 1):
            for n in (1, 2):
                shapes |= {
                    f"{stem}{block}.norm{n}.weight": (half,),
                    f"{stem}{block}.norm{n}.bias": (half,),
                    f"{stem}{block}.conv{n}.weight": (half, half, kernel, kernel),
                    f"{stem}{block}.conv{n}.bias": (half,),
                }
    tensors, info = found.checked(shapes)

    def branch(name: str) -> tuple[Step, ...]:
        stem = f"image_encoder.{name}."
        steps: list[Step] = [Conv(tensors[stem + "0.weight"], tensors[stem + "0.bias"])]
        for block in range(1, BLOCKS + 1):
            for n in (1, 2):
                norm, conv = (f"{stem}{block}.{kind}{n}." for kind in ("norm", "conv"))
                steps += [
                    Norm(tensors[norm + "weight"], tensors[norm + "bias"]),
                    Conv(tensors[conv + "weight"], tensors[conv + "bias"]),
                ]
        return tuple(steps)

    branches = branch(_BRANCHES[0][0]), branch(_BRANCHES[1][0])
    return NafWeights(branches, tensors["image_encoder.rope.periods"], width, info)
