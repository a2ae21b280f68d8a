"""The weights of AnyUp, read from a file.

Wimmer et al., "AnyUp: universal feature upsampling", ICLR 2026. The names of the tensors are those
of the authors' checkpoints (``cross_decode.conv2d.weight``), alone or below a prefix.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from tdseg.backbones.base import WeightsInfo
from tdseg.upsampling.guide_network import GROUPS, Add, Conv, Keep, Norm, Step
from tdseg.upsampling.weights_file import read_named

HEADS = 4
BLOCKS = 2
"""Residual blocks of every encoder."""

_ANCHOR = "cross_decode.conv2d.weight"
_ATTENTION = "cross_decode.cross_attn."


@dataclass(frozen=True)
class AnyUpWeights:
    """What AnyUp learned; D is the width of queries and keys.

    Attributes
    ----------
    image, query, key
        Steps of the encoder of the image, and of those that make queries and keys of it.
    basis
        (D, 1, k, k): filters that every channel of the tokens passes.
    unified, aggregation
        Steps on what the filters give, and on it beside the keys of the image.
    query_norm, key_norm
        (D,): scales of root-mean-square norms.
    query_in, key_in
        Weight (D, D) and bias (D,) of the attention's projections.
    frequencies
        (2, D): of rows and columns in the position embedding.
    info
        File and hash.
    """

    image: tuple[Step, ...]
    query: tuple[Step, ...]
    key: tuple[Step, ...]
    basis: torch.Tensor
    unified: tuple[Step, ...]
    aggregation: tuple[Step, ...]
    query_norm: torch.Tensor
    key_norm: torch.Tensor
    query_in: tuple[torch.Tensor, torch.Tensor]
    key_in: tuple[torch.Tensor, torch.Tensor]
    frequencies: torch.Tensor
    info: WeightsInfo


def read_anyup(file: str | Path) -> AnyUpWeights:
    """Read AnyUp from a checkpoint; other entries are left alone, no code is run.

    Parameters
    ----------
    file
        See `tdseg.backbones.checkpoints.read_tensors`.

    Returns
    -------
    AnyUpWeights
        Its layers, checked for their shapes.

    Raises
    ------
    TdsegError
        If no file is named, or it is missing, damaged or holds something else.
    """
    found = read_named(file, "anyup", "AnyUp", _ANCHOR)
    width = found.first_axis(_ANCHOR, GROUPS * HEADS)
    basis = "key_features_encoder.0.basis"
    given = found.tensors.get(basis)
    side = given.shape[-1] if given is not None and given.ndim and given.shape[-1] % 2 else 5
    shapes: dict[str, tuple[int, ...]] = {
        "image_encoder.0.weight": (width, 3, 1, 1),
        "query_encoder.0.weight": (width, width, 1, 1),
        "key_encoder.0.weight": (width, width, 1, 1),
        "aggregation.0.weight": (width, 2 * width, 3, 3),
        basis: (width, 1, side, side),
        _ANCHOR: (width, width, 3, 3),
        _ATTENTION + "norm_q.weight": (width,),
        _ATTENTION + "norm_k.weight": (width,),
        _ATTENTION + "attention.in_proj_weight": (3 * width, width),
        _ATTENTION + "attention.in_proj_bias": (3 * width,),
        "rope.freqs": (2, width),
    }
    for name in ("image_encoder", "query_encoder", "key_encoder", "aggregation"):
        shapes |= _block_shapes(name, width)
    shapes |= _block_shapes("key_features_encoder", width)
    tensors, info = found.checked(shapes)
    weight = tensors[_ATTENTION + "attention.in_proj_weight"].chunk(3)
    bias = tensors[_ATTENTION + "attention.in_proj_bias"].chunk(3)

    def encoder(name: str) -> tuple[Step, ...]:
        return Conv(tensors[name + ".0.weight"]), *_blocks(tensors, name)

    return AnyUpWeights(
        encoder("image_encoder"),
        (*encoder("query_encoder"), Conv(tensors[_ANCHOR], zeros=True)),
        encoder("key_encoder"),
        tensors[basis],
        _blocks(tensors, "key_features_encoder"),
        encoder("aggregation"),
        tensors[_ATTENTION + "norm_q.weight"],
        tensors[_ATTENTION + "norm_k.weight"],
        (weight[0], bias[0]),
        (weight[1], bias[1]),
        tensors["rope.freqs"],
        info,
    )


def _block_shapes(name: str, width: int) -> dict[str, tuple[int, ...]]:
    """Return the tensors of an encoder's residual blocks with their shapes."""
    shapes: dict[str, tuple[int, ...]] = {}
    for block in range(1, BLOCKS + 1):
        stem = f"{name}.{block}.block."
        for norm, conv in ((0, 2), (3, 5)):
            shapes |= {f"{stem}{norm}.weight": (width,), f"{stem}{norm}.bias": (width,)}
            shapes[f"{stem}{conv}.weight"] = (width, width, 1, 1)
    return shapes


def _blocks(tensors: Mapping[str, torch.Tensor], name: str) -> tuple[Step, ...]:
    """Return the steps of an encoder's residual blocks."""
    steps: list[Step] = []
    for block in range(1, BLOCKS + 1):
        stem = f"{name}.{block}.block."
        steps.append(Keep())
        for norm, conv in ((0, 2), (3, 5)):
            steps += [
                Norm(tensors[f"{stem}{norm}.weight"], tensors[f"{stem}{norm}.bias"]),
                Conv(tensors[f"{stem}{conv}.weight"]),
            ]
        steps.append(Add())
    return tuple(steps)
