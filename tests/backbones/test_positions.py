from __future__ import annotations

import numpy as np
import pytest
import torch

from tdseg.backbones.positions import check_flavour, resample_positions
from tdseg.errors import TdsegError


def _table(side: int = 6, channels: int = 2) -> torch.Tensor:
    return torch.randn(1, side, side, channels, generator=torch.Generator().manual_seed(0))


def _keys(t: float) -> list[float]:
    """Keys' cubic convolution with a = -0.75, weights of the samples at -1, 0, 1, 2."""

    def kernel(x: float) -> float:
        x, a = abs(x), -0.75
        if x <= 1:
            return (a + 2) * x**3 - (a + 3) * x**2 + 1
        return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0

    return [kernel(t + 1), kernel(t), kernel(1 - t), kernel(2 - t)]


def _matrix(side: int, count: int, scale: float) -> np.ndarray:
    """Cubic interpolation of `count` samples out of `side`, pixel centres at (i + 0.5) / scale."""
    out = np.zeros((count, side))
    for i in range(count):
        at = (i + 0.5) / scale - 0.5
        first = int(np.floor(at))
        for k, weight in enumerate(_keys(at - first)):
            out[i, min(max(first - 1 + k, 0), side - 1)] += weight
    return out


@pytest.mark.parametrize("grid", [(9, 4), (11, 11), (5, 5)])
@pytest.mark.parametrize(("flavour", "extra"), [("offset", 0.1), ("plain", 0.0)])
def test_unsmoothed_flavours_are_cubic_convolutions_with_their_scale(grid, flavour, extra):
    table = _table()
    rows = _matrix(6, grid[0], (grid[0] + extra) / 6)
    columns = _matrix(6, grid[1], (grid[1] + extra) / 6)
    expected = np.einsum("ia,jb,abc->ijc", rows, columns, table[0].double().numpy())
    found = resample_positions(table, grid, flavour)
    np.testing.assert_allclose(found[0].numpy(), expected, atol=1e-5)


def test_native_is_what_timm_does():
    from timm.layers import resample_abs_pos_embed

    table = _table()
    expected = resample_abs_pos_embed(table.flatten(1, 2), [4, 9], [6, 6], num_prefix_tokens=0)
    found = resample_positions(table, (4, 9), "native")
    torch.testing.assert_close(found.flatten(1, 2), expected)
    assert not torch.allclose(found, resample_positions(table, (4, 9), "plain"))


@pytest.mark.parametrize("flavour", ["native", "plain", "offset"])
def test_the_grid_of_training_is_untouched(flavour):
    assert torch.equal(resample_positions(_table(), (6, 6), flavour), _table())


def test_unknown_flavour():
    with pytest.raises(TdsegError, match="native, plain, offset"):
        check_flavour("linear")
