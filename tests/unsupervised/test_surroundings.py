import numpy as np
from scipy import ndimage

from tdseg.runtime.feature_map import Projected
from tdseg.unsupervised.clustering import Clusters, own_classes
from tdseg.unsupervised.embedding import Embedding, FeatureRun
from tdseg.unsupervised.surroundings import SIGMA, Surroundings


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
