"""Principal components against scikit-learn's, and where scikit-learn's would not do."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from tdseg.features.components import PrincipalComponents


def samples(count: int, features: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    mixed = rng.normal(size=(count, features)) @ rng.normal(size=(features, features))
    return (mixed * rng.uniform(0.1, 100, features) + 7).astype(np.float32)


def test_they_are_those_of_scikit_learn():
    values = samples(500, 12)
    found = PrincipalComponents.fit(values, 5)
    reference = PCA(5).fit(StandardScaler().fit_transform(values.astype(np.float64)))
    signs = np.sign((found.axes * reference.components_).sum(axis=1))
    np.testing.assert_allclose(found.axes, reference.components_ * signs[:, None], atol=1e-6)
    assert (found.axes[np.arange(5), np.abs(found.axes).argmax(axis=1)] > 0).all()
    block = values.T.reshape(12, 20, 25)
    expected = found.transform(values).T.reshape(5, 20, 25)
    np.testing.assert_array_equal(found.transform_block(block), expected)


def test_an_image_of_few_pixels_has_as_many_components_which_scikit_learn_refuses():
    values = samples(4, 12)
    values[:, 3] = 5  # constant
    assert PrincipalComponents.fit(values, 8).transform(values).shape == (4, 8)
    with pytest.raises(ValueError, match="n_components=8 must be between"):
        PCA(8).fit(values)
