"""The fingerprint of a set of weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch


def tensors_sha256(tensors: Mapping[str, torch.Tensor]) -> str:
    """Hash tensors by name, shape and value.

    Values are taken as little-endian float32, so the same numbers give the same hash from
    whatever file; counters (integer tensors such as ``num_batches_tracked``) are left out.

    Parameters
    ----------
    tensors
        Weights by their name in timm.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        if not tensor.is_floating_point():
            continue
        digest.update(f"{name} {tuple(tensor.shape)}\n".encode())
        values = tensor.detach().to("cpu", torch.float32).contiguous().numpy()
        digest.update(values.astype("<f4", copy=False).tobytes())
    return digest.hexdigest()
