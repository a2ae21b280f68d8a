"""Networks with random weights, for tests."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from tdseg.errors import TdsegError

PREFIX = "random:"


def with_random_weights(create: Callable[[], nn.Module], weights: str) -> nn.Module:
    """Create a network whose initial weights follow from the seed in ``random:SEED``.

    PyTorch's global random state is left as it was.

    Raises
    ------
    TdsegError
        If SEED is no whole number.
    """
    seed = weights.removeprefix(PREFIX)
    if not seed.isdigit():
        raise TdsegError(f"weights={weights} needs a whole number, as in weights=random:0.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(seed))
        return create()
