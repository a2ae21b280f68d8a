"""Where a backbone runs and in which number format."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tdseg.backbones.catalogue import OFFLINE_NAMES
from tdseg.errors import TdsegError
from tdseg.runtime.threads import torch_threads

if TYPE_CHECKING:
    import torch

PRECISIONS = ("float32", "bfloat16", "float16")
"""Number formats that a backbone can run in, by PyTorch's names."""


def torch_dtype(precision: str) -> torch.dtype:
    """Return PyTorch's type of a name in `PRECISIONS`."""
    import torch

    dtype: torch.dtype = getattr(torch, precision)
    return dtype


def resolve_device(
    device: str = "auto",
    precision: str = "auto",
    *,
    backbone: str | None = None,
    key: str = "device",
) -> tuple[str, str]:
    """Write out what ``auto`` means on this machine.

    Parameters
    ----------
    device
        ``auto`` (an NVIDIA GPU, else Apple's, else the CPU), ``cpu``, ``cuda``, ``cuda:N``
        or ``mps``.
    precision
        ``auto`` (float32 on the CPU; on a GPU bfloat16 where it is native, else float16),
        ``float32``, ``bfloat16`` or ``float16``.
    backbone
        Name of the network, if known. ``auto`` keeps the offline CNN in float32 everywhere: it is
        quick, and bfloat16 moves its features by 4 % (float16: 0.6 %).

    key
        Which key names the device, for messages.

    Returns
    -------
    tuple of str
        Device and precision, neither of them ``auto``.

    Raises
    ------
    TdsegError
        If the name is unknown or this machine has no such device.
    """
    kind, _, index = device.partition(":")
    if device != "cpu":  # PyTorch takes seconds to load, and is not needed to name the CPU
        import torch
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "mps" if _has_mps() else "cpu"
        device = kind
    elif kind == "cuda":
        if not torch.cuda.is_available():
            raise TdsegError(
                f"{key}=cuda was asked for, but PyTorch sees no NVIDIA GPU here; use {key}=cpu."
            )
        if index and not (index.isdigit() and int(index) < torch.cuda.device_count()):
            raise TdsegError(
                f"{key}={device} does not exist; this machine has {torch.cuda.device_count()} "
                "GPU(s), counted from cuda:0."
            )
    elif kind == "mps":
        if not _has_mps():
            raise TdsegError(
                f"{key}=mps was asked for, but PyTorch sees no Apple GPU here; use {key}=cpu."
            )
    elif device != "cpu":
        raise TdsegError(f"{key}={device} is unknown; use auto, cpu, cuda or mps.")
    if precision == "auto":
        offline = backbone in OFFLINE_NAMES
        precision = "float32" if offline else _best_precision(device)
    elif precision not in PRECISIONS:
        raise TdsegError(
            f"precision={precision} is unknown; use auto, float32, bfloat16 or float16."
        )
    return device, precision


@contextmanager
def evaluation(device: torch.device) -> Iterator[None]:
    """Run a network without gradients, on our number of threads, in true float32 where it is that.

    cuDNN's convolutions round float32 to ten bits (TF32) unless told otherwise.
    """
    import torch

    with torch_threads(), torch.inference_mode():
        if device.type != "cuda":
            yield
            return
        allowed = torch.backends.cudnn.allow_tf32
        torch.backends.cudnn.allow_tf32 = False
        try:
            yield
        finally:
            torch.backends.cudnn.allow_tf32 = allowed


def _has_mps() -> bool:
    import torch

    return bool(torch.backends.mps.is_available())


def _best_precision(device: str) -> str:
    if device == "cpu":
        return "float32"
    import torch

    if device.startswith("cuda") and torch.cuda.get_device_capability(device) >= (8, 0):
        return "bfloat16"
    return "float16"
