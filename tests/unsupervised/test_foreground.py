from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import label as sk_label
from skimage.measure import regionprops

from tdseg.errors import TdsegError
from tdseg.unsupervised.foreground import (
    cluster_densities,
    find_objects,
    find_objects_in_planes,
    foreground_classes,
)


def test_objects_equal_scikit_image() -> None:
    rng = np.random.default_rng(4)
    mask = rng.random((40, 50)) < 0.45
    attention = rng.random((40, 50)).astype(np.float32)
    labels, objects = find_objects(mask, attention, 4, t=1, z=2)
    regions = [r for r in regionprops(sk_label(mask, connectivity=2), attention) if r.area >= 4]
    assert len(objects) == len(regions) > 3
    for row, region in zip(objects, regions, strict=True):
        assert (row.t, row.z, row.area) == (1, 2, region.area)
        top, left, bottom, right = region.bbox
        assert (row.y, row.x, row.height, row.width) == (top, left, bottom - top, right - left)
        y, x = region.centroid
        assert (row.centroid_y, row.centroid_x) == pytest.approx((y + 0.5, x + 0.5))
        assert row.attention == pytest.approx(region.intensity_mean, rel=1e-5)
        assert set(np.unique(labels[region.slice][region.image])) == {row.label}
        corners = np.concatenate(row.outlines)
        assert corners.min(axis=0).tolist() == [row.x, row.y]
        assert corners.max(axis=0).tolist() == [row.x + row.width, row.y + row.height]
    assert (labels > 0).sum() == sum(row.area for row in objects)


def test_minimum_size_is_kept() -> None:
    mask = np.zeros((20, 20), bool)
    mask[1:4, 1:4] = True
    mask[10:15, 10:15] = True
    attention = np.ones((20, 20), np.float32)
    assert [o.area for o in find_objects(mask, attention, 9)[1]] == [9, 25]
    assert [o.area for o in find_objects(mask, attention, 10)[1]] == [25]
    labels, objects = find_objects(mask, attention, 26)
    assert objects == []
    assert not labels.any()


def test_planes_are_numbered_on_their_own() -> None:
    masks = np.zeros((2, 2, 8, 8), bool)
    masks[0, 1, 2:5, 2:5] = masks[1, 0, 1:3, 1:3] = masks[1, 0, 5:8, 5:8] = True
    labels, objects = find_objects_in_planes(masks, masks.astype(np.float32), 1)
    assert [(o.t, o.z, o.label) for o in objects] == [(0, 1, 1), (1, 0, 1), (1, 0, 2)]
    assert np.array_equal(labels > 0, masks)


def test_densities_and_foreground() -> None:
    assigned = np.array([0, 0, 1, 1, 1, 2])
    attention = np.array([1.0, 3, 0, 0, 3, 10])
    density = cluster_densities(assigned, attention, 3)
    np.testing.assert_allclose(density, [2, 1, 10])
    assert foreground_classes(density).tolist() == [False, False, True]
    assert not foreground_classes(np.full(5, 0.1)).any()


def test_too_many_objects_are_refused() -> None:
    mask = np.zeros((520, 520), bool)
    mask[::2, ::2] = True
    with pytest.raises(TdsegError, match="raise min_size"):
        find_objects(mask, mask.astype(np.float32), 1)
