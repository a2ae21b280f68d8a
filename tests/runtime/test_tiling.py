from __future__ import annotations

import itertools

import numpy as np
import pytest

from tdseg.runtime.tiling import Windows, blocks


@pytest.mark.parametrize("length", [10, 64, 65, 80, 81, 100, 300, 1001, 5000])
@pytest.mark.parametrize(("size", "overlap", "unit"), [(64, 16, 8), (56, 14, 14), (60, 0, 4)])
def test_windows_cover_and_overlap(length, size, overlap, unit) -> None:
    spans = Windows(size, overlap, unit).spans(length)
    if length <= size:
        assert spans == [(0, length)]
        return
    assert spans[0][0] == 0
    assert length <= spans[-1][1] < length + unit
    assert all(stop - start == size and start % unit == 0 for start, stop in spans)
    assert all(a[1] - b[0] >= overlap for a, b in itertools.pairwise(spans))
    assert len(spans) <= 2 + 2 * length / (size - overlap)  # linear in the length


def test_windows_near_the_size_are_not_needed() -> None:
    windows = Windows(64, 16, 8, limit=80)
    assert windows.spans(80) == [(0, 80)]
    assert len(windows.spans(81)) == 2


@pytest.mark.parametrize(("size", "overlap", "unit"), [(64, 64, 8), (60, 10, 8), (64, 60, 8)])
def test_impossible_windows_are_refused(size, overlap, unit) -> None:
    with pytest.raises(ValueError, match="unit"):
        Windows(size, overlap, unit)


@pytest.mark.parametrize("offset", [-1, 0, 3.5, 7])
def test_weights_are_positive_and_smooth(offset) -> None:
    windows = Windows(64, 24, 8)
    length = 200
    spans = windows.spans(length)
    total = np.zeros(25)
    each = np.zeros((len(spans), 25))
    for k, span in enumerate(spans):
        weights = windows.weights(spans, k, span[0] + offset + 8 * np.arange(8))
        assert weights.dtype == np.float32
        assert (weights > 0).all()
        first = span[0] // 8
        total[first : first + 8] += weights
        each[k, first : first + 8] = weights
    share = each / np.where(total > 0, total, 1)
    assert np.allclose(share.sum(axis=0)[total > 0], 1)
    assert np.abs(np.diff(share, axis=1)).max() < 0.5


@pytest.mark.parametrize("shape", [(1, 1), (50, 60), (1, 5000), (300, 7)])
@pytest.mark.parametrize("limit", [0, 1e4, 1e9])
@pytest.mark.parametrize("edge", [0, 1, 17])
def test_blocks_cover_every_pixel_once(shape, limit, edge) -> None:
    seen = np.zeros(shape, int)
    for rows, cols in blocks(shape, 100, limit, edge):
        seen[rows, cols] += 1
        size = (rows.stop - rows.start) * (cols.stop - cols.start)
        assert size * 100 <= max(limit, 25600)
        assert not edge or max(rows.stop - rows.start, cols.stop - cols.start) <= edge
    assert (seen == 1).all()
