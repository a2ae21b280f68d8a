import numpy as np
from scipy import ndimage

from tdseg.runtime.feature_map import Projected
from tdseg.unsupervised.clustering import (
    Clusters,
    classes_of_clusters,
    initial_clusters,
    own_classes,
)
from tdseg.unsupervised.embedding import Embedding, FeatureRun
from tdseg.unsupervised.surroundings import SIGMA, Surroundings, classes_by_surroundings


class _Stack:
    """Planes as a feature map."""

    def __init__(self, planes):
        self.planes = planes
        self.names = tuple(str(k) for k in range(len(planes)))
        self.shape = planes.shape[1:]

    def at(self, rows, cols):
        return self.planes[:, rows, cols].T

    def project(self, weights):
        return Projected(self, weights)


def test_the_mean_is_a_gaussian_of_the_embedded_features():
    rng = np.random.default_rng(0)
    planes = ndimage.gaussian_filter(rng.normal(size=(5, 80, 90)), (0, 3, 3)).astype(np.float32)
    rows, cols = rng.integers(0, 80, 300), rng.integers(0, 90, 300)
    stack = _Stack(planes)
    embedding = Embedding.fit(planes.reshape(5, -1).T, [FeatureRun(5, deep=True)])
    found = Surroundings([(lambda: stack, rows, cols)] * 2).points(embedding)
    points = embedding.transform(planes.reshape(5, -1).T).T.reshape(-1, 80, 90)
    smooth = ndimage.gaussian_filter(points, (0, SIGMA, SIGMA), mode="nearest")
    expected = smooth[:, rows, cols].T
    np.testing.assert_array_equal(found[:300], found[300:])
    rough = np.abs(points[:, rows, cols].T - expected).mean()
    assert np.abs(found[:300] - expected).mean() < 0.2 * rough


def test_classes_start_from_their_pixels_own_means_and_settle():
    points = np.array([[0], [1], [10], [11], [12], [9]], np.float32)
    # By what surrounds it the last pixel is of class 0; by itself it is of class 1.
    found = own_classes(
        points,
        Clusters(np.zeros((2, 7), np.float32), np.array([0, 0, 1, 1, 1, 0]), np.array([3, 3])),
        0,
    )
    np.testing.assert_allclose(found.centres, [[10.5], [0.5]])
    np.testing.assert_array_equal(found.assigned, [1, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(found.sizes, [4, 2])


def _found(pixels, truth):
    """Classes of a picture by itself and by its surroundings, and how well each fits the truth."""
    smooth = ndimage.gaussian_filter(pixels, (SIGMA, SIGMA, 0))
    points, around = (p.reshape(-1, 2).astype(np.float32) for p in (pixels, smooth))
    own = classes_of_clusters(points, initial_clusters(points, 20, 0), 2, 0)
    chosen = classes_by_surroundings(points, around, own, 20, 0)

    def agreement(found):
        same = np.mean((found.assigned == 0) == (truth.ravel() == 0))
        return max(same, 1 - same)

    return agreement(own), agreement(chosen)


def test_surroundings_tell_textures_and_leave_fine_structures_alone():
    rows, cols = np.mgrid[:96, :96]
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, (96, 96, 2))
    # Two fields, each of stripes of the same two strong values: only their mean colour differs.
    stripes = np.where(rows // 3 % 2, 1.0, -1.0)
    field = cols >= 48
    textured = np.stack([stripes, 0.8 * np.where(field, 1.0, -1.0)], axis=-1) + noise
    own, chosen = _found(textured, field)
    assert own < 0.7
    assert chosen > 0.95
    # Dots all over, on a ground that brightens slowly: the dots are the classes.
    dots = (rows % 8 < 3) & (cols % 8 < 3)
    spotted = np.stack([np.where(dots, 2.0, 0.0), cols / 96.0], axis=-1) + noise
    own, chosen = _found(spotted, dots)
    assert own > 0.95
    assert chosen == own
