import numpy as np
import pytest

import tdseg
from tdseg.errors import TdsegError

OPTIONS = tdseg.Settings(backbone="offline", quality="fast")


def test_hybrid_is_classical_and_deep_side_by_side(example):
    image = example[0]
    hybrid, deep, classical = (
        tdseg.compute_features(image, OPTIONS.with_(features=f))
        for f in ("hybrid", "deep", "classical")
    )
    assert hybrid.names == classical.names + deep.names
    assert hybrid.names[0] == "original"
    np.testing.assert_array_equal(hybrid.array[0], image.plane(0)[:, :, 0])
    np.testing.assert_array_equal(hybrid.array, np.concatenate([classical.array, deep.array]))
    assert hybrid.array.dtype == np.float32


def test_planes_yield_the_array_block_by_block(example):
    stack = tdseg.compute_features(example[0], OPTIONS.with_(features="classical", tile=23))
    whole = stack.array
    seen = np.zeros(example[0].size, int)
    for index, rows, cols, block in stack.planes():
        assert index == 0
        np.testing.assert_array_equal(block, whole[:, rows, cols])
        seen[rows, cols] += 1
    assert (seen == 1).all()


def test_components_are_uncorrelated_and_ordered(example):
    stack = tdseg.compute_features(example[0], OPTIONS, components=4)
    assert stack.names == [f"component-{k}" for k in (1, 2, 3, 4)]
    values = stack.array.reshape(4, -1)
    covariance = np.cov(values)
    variances = np.diag(covariance)
    assert (np.diff(variances) < 0).all()
    off_diagonal = covariance - np.diag(variances)
    assert np.abs(off_diagonal).max() < 1e-2 * variances[-1]


def test_too_many_components_are_refused(example):
    with pytest.raises(TdsegError, match="components"):
        tdseg.compute_features(example[0], OPTIONS.with_(features="classical"), components=5000)


def test_stacks_have_a_feature_axis(example):
    pixels = example[0].array[0, 0, 0]
    stack = tdseg.Image.from_array(np.stack([pixels, pixels[::-1]]), "ZYX")
    found = tdseg.compute_features(stack, OPTIONS.with_(features="classical"))
    assert found.array.shape == (1, 2, len(found.names), *pixels.shape)
    alone = tdseg.compute_features(
        tdseg.Image.from_array(np.ascontiguousarray(pixels[::-1])),
        OPTIONS.with_(features="classical"),
    )
    np.testing.assert_array_equal(found.array[0, 1], alone.array)
