"""Foreground from a normalised cut, for features without attention.

TokenCut (Wang et al., "Self-Supervised Transformers for Unsupervised Object Discovery using
Normalized Cut", CVPR 2022): tokens are the nodes of a graph, similar tokens are joined, and the
second eigenvector of its normalised Laplacian (Shi and Malik's relaxed normalised cut) separates
what stands out from the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np
import numpy.typing as npt
from scipy.sparse.linalg import ArpackNoConvergence, eigsh
from threadpoolctl import threadpool_limits

from tdseg.runtime.feature_map import FeatureMap
from tdseg.unsupervised.embedding import Embedding, FeatureRun
from tdseg.upsampling.token_field import Axis, LevelGrids, TokenField, TokenGrid

MAX_NODES = 1600
SIMILAR = 0.2
"""Cosine similarity above which two nodes are joined, as in TokenCut."""
_APART = 1e-5
_POINTS = 3  # samples along each axis of a node's cell


def cut_foreground(features: FeatureMap, runs: Sequence[FeatureRun]) -> TokenField:
    """Return how much the pixels of a plane belong to its foreground.

    Parameters
    ----------
    features
        Any features of the plane.
    runs
        Their kinds.

    Returns
    -------
    TokenField
        One map named ``ncut``: 0 to 1, above 0.5 for foreground; 0 everywhere where nothing
        stands out (a constant image).
    """
    height, width = features.shape
    spacing = max(1.0, sqrt(height * width / MAX_NODES))
    grid = max(1, ceil(height / spacing)), max(1, ceil(width / spacing))
    nodes = _node_features(features, grid)
    values = fiedler_foreground(nodes, grid, runs).reshape(*grid, 1)
    axes = [
        Axis.linear((np.arange(count) + 0.5) * length / count - 0.5, length)
        for count, length in zip(grid, (height, width), strict=True)
    ]
    return TokenField([LevelGrids(0, (TokenGrid(values, *axes),))], ("ncut",), (height, width))


def no_foreground(height: int, width: int) -> TokenField:
    """Return a map without foreground."""
    axes = [Axis.linear(np.zeros(1), length) for length in (height, width)]
    grid = TokenGrid(np.zeros((1, 1, 1), np.float32), *axes)
    return TokenField([LevelGrids(0, (grid,))], ("ncut",), (height, width))


def _node_features(features: FeatureMap, grid: tuple[int, int]) -> np.ndarray:
    """Average the features of a few pixels in every cell of a grid, (h * w, F) float32."""
    places = []
    for count, length in zip(grid, features.shape, strict=True):
        fine = (np.arange(count * _POINTS) + 0.5) * length / (count * _POINTS) - 0.5
        places.append(np.clip(np.rint(fine).astype(np.int64), 0, length - 1))
    rows, cols = np.meshgrid(*places, indexing="ij")
    out = np.empty((grid[0] * grid[1], len(features.names)), np.float32)
    # One row of nodes at a time: F may be large.
    for k in range(grid[0]):
        part = slice(k * _POINTS, (k + 1) * _POINTS)
        found = features.at(rows[part].ravel(), cols[part].ravel())
        cells = found.reshape(_POINTS, grid[1], _POINTS, -1).mean(axis=(0, 2))
        out[k * grid[1] : (k + 1) * grid[1]] = cells
    return out


def fiedler_foreground(
    nodes: np.ndarray, grid: tuple[int, int], runs: Sequence[FeatureRun]
) -> np.ndarray:
    """Split nodes by the relaxed normalised cut; say of each how far it is in the foreground.

    Parameters
    ----------
    nodes
        (n, F) features.
    grid
        Rows and columns of the grid that the nodes form, n = rows x columns.
    runs
        Kinds of features.

    Returns
    -------
    numpy.ndarray
        (n,) float32, 0 to 1; above 0.5 is foreground. The foreground is the side that touches
        less of the image's border, which is what things in a picture do.
    """
    zeros = np.zeros(len(nodes), np.float32)
    if len(nodes) < 4:
        return zeros
    with threadpool_limits(limits=1):
        points = Embedding.fit(nodes, runs).transform(nodes).astype(np.float64)
        length = np.sqrt((points**2).sum(axis=1))
        points /= np.maximum(length, 1e-6)[:, None]
        similar = points @ points.T
        if not length.any() or similar.min() > SIMILAR:
            return zeros
        weights = np.where(similar > SIMILAR, 1.0, _APART)
        degree = weights.sum(axis=1)
        root = 1 / np.sqrt(degree)
        start = np.linspace(1, 2, len(nodes))  # a fixed start: the same vector every time
        try:
            values, vectors = eigsh(weights * root[:, None] * root, k=2, which="LA", v0=start)
        except ArpackNoConvergence:
            return zeros
    vector: npt.NDArray[np.float64] = vectors[:, values.argmin()] * root
    split = vector - vector.mean()
    front = split > 0
    edge = np.zeros(grid, bool)
    edge[[0, -1]] = True
    edge[:, [0, -1]] = True
    touching = [float((side & edge.ravel()).sum()) / max(side.sum(), 1) for side in (front, ~front)]
    if touching[0] > touching[1]:
        split = -split
    reach = np.where(split > 0, split.max(), -split.min())
    cut: npt.NDArray[np.float32] = (0.5 + 0.5 * split / np.maximum(reach, 1e-12)).astype(np.float32)
    return cut
