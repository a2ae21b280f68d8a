"""What `positional.py` measures: position, leakage of labels, and blur, for any features.

A measurement is given ``see``, which turns an image (Y, X) uint8 into a map of features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import ndimage
from sklearn.metrics import confusion_matrix

from positional_scenes import (
    Shapes,
    blobs,
    border_distance,
    corners,
    featureless,
    grain,
    halves,
    marks,
    sides,
    strokes,
)
from tdseg.classifiers.fitting import fit
from tdseg.runtime.feature_map import FeatureMap, feature_sources

SIZE = 384
TREES = 100
STEP = 4  # every fourth pixel along each axis is scored, except where borders are
Places = tuple[np.ndarray, np.ndarray]
See = Callable[[np.ndarray], FeatureMap]

# Training and test images. The subtracted mean is made of the grey levels 64, 128 and 191.
CONSTANT = (
    [featureless(g, 0, 0, SIZE) for g in (30, 90, 150, 220)],
    [featureless(g, 0, 0, SIZE) for g in (50, 105, 180)],
)
NOISY = (
    [featureless(g, 6, k, SIZE) for k, g in enumerate((50, 110, 200))],
    [featureless(g, 6, 10 + k, SIZE) for k, g in enumerate((80, 170))],
)


def grid(size: int, step: int, margin: int = 0) -> Places:
    """Return rows and columns of every `step`-th pixel, a margin left out."""
    places = np.arange(margin + step // 2, size - margin, step)
    first, second = np.meshgrid(places, places, indexing="ij")
    return first.ravel(), second.ravel()


def readable(train: Sequence[np.ndarray], test: Sequence[np.ndarray], targets: np.ndarray) -> float:
    """Return how well targets are read from features: R^2 of ridge regression, at least 0.

    Parameters
    ----------
    train, test
        Features of each image at the same n places, (n, F).
    targets
        (n, K), the same for each image; R^2 is the mean over targets.
    """
    features = np.concatenate(train).astype(np.float64)
    mean, deviation = features.mean(axis=0), features.std(axis=0)
    scale = np.where(deviation > 1e-6, deviation, np.inf)  # what never changes says nothing
    x = (features - mean) / scale
    centre = targets.mean(axis=0)
    y = np.tile(targets - centre, (len(train), 1))
    weights = np.linalg.solve(x.T @ x + 1e-3 * len(x) * np.eye(x.shape[1]), x.T @ y)
    errors = [(f - mean) / scale @ weights - (targets - centre) for f in test]
    residual = np.mean(np.square(errors), axis=(0, 1))
    return float(np.mean(np.maximum(1 - residual / targets.var(axis=0), 0)))


def position(see: See) -> list[str]:
    """Return what a regression reads from featureless images, and position's share.

    For constant images, then for noise: R^2 of (row, column); the same within the inner half, a
    quarter of the width away from every edge; R^2 of the distance from the middle (the larger of
    the two), which copies that are mirrored or turned do not average out.
    """
    cells = []
    for train, test in (CONSTANT, NOISY):
        for margin, step in ((0, 8), (SIZE // 4, 4)):
            places = grid(SIZE, step, margin)
            found = [[see(image).at(*places) for image in part] for part in (train, test)]
            targets = np.stack(places, axis=1).astype(np.float64)
            cells.append(readable(found[0], found[1], targets))
            if margin == 0:
                middle = np.abs(targets - (SIZE - 1) / 2).max(axis=1, keepdims=True)
                cells.append(readable(found[0], found[1], middle))
    return [*(f"{v:.2f}" for v in cells), f"{100 * position_share(see):.1f}"]


def position_share(see: See) -> float:
    """Return the variance over places of what noise images share, as a part of a texture's.

    The median over features. The covariance of two sets of images: noise that they do not share
    drops out.
    """
    places = grid(SIZE, 8)
    images = NOISY[0] + NOISY[1]
    first, second = (
        np.mean([see(image).at(*places) for image in part], axis=0)
        for part in (images[::2], images[1::2])
    )
    common = np.mean((first - first.mean(axis=0)) * (second - second.mean(axis=0)), axis=0)
    total = see(blobs(SIZE, 0)[0]).at(*places).var(axis=0)
    used = total > 1e-9
    return float(np.median(np.maximum(common[used] / total[used], 0)))


def beyond_reach(see: See) -> float:
    """Return R^2 of the position in the middle of large constant images, 432 pixels from edges."""
    places = grid(960, 4, 960 // 2 - 48)
    targets = np.stack(places, axis=1).astype(np.float64)
    parts = ((30, 90, 150, 220), (50, 105, 180))
    found = [[see(featureless(g, 0, 0, 960)).at(*places) for g in part] for part in parts]
    return readable(found[0], found[1], targets)


def segment(
    features: FeatureMap,
    labels: np.ndarray,
    kind: str,
    places: Places,
    target: FeatureMap | None = None,
) -> np.ndarray:
    """Train on labels (1 and 2) and return the labels of other places, perhaps elsewhere."""
    chosen = np.nonzero(labels)
    sources = feature_sources(features.names)
    codes = labels[chosen].astype(int) - 1
    classifier = fit(kind, features.at(*chosen), codes, 2, sources=sources, trees=TREES)
    parts = np.array_split(np.stack(places), max(len(places[0]) // 30_000, 1), axis=1)
    found = [classifier.predict((target or features).at(*part)) for part in parts]
    return np.concatenate(found) + 1


def leakage(see: See, kind: str, draw: int = 0) -> list[float]:
    """Return mIoU near, halfway and far from labels in a quarter of the image.

    Thirds of the pixels by their distance from the labels; four quarters, two images. The fourth
    value is that of as many labels everywhere, on the far pixels. Pixels within 8 of a border do
    not count: blur is measured elsewhere. Every `draw` has other strokes.
    """
    tables = np.zeros((4, 2, 2))
    for number in (0, 1):
        image, truth = blobs(SIZE, number)
        features, places = see(image), grid(SIZE, STEP)
        scored = border_distance(truth)[places] > 8
        spread = marks(truth, np.ones(truth.shape, bool), 6, 1000 * draw, 4)
        control = segment(features, spread, kind, places)
        for seed, region in enumerate(corners(SIZE)):
            labels = marks(truth, region, 6, 1000 * draw + seed, 4)
            found = segment(features, labels, kind, places)
            far = ndimage.distance_transform_edt(labels == 0)[places]
            third = np.searchsorted(np.quantile(far, [1 / 3, 2 / 3]), far)
            for k, predicted in enumerate((found, found, found, control)):
                use = scored & (third == min(k, 2))
                tables[k] += confusion_matrix(truth[places][use], predicted[use], labels=[1, 2])
    hits = [np.diag(table) for table in tables]
    return [
        float(np.mean(hit / (table.sum(0) + table.sum(1) - hit)))
        for hit, table in zip(hits, tables, strict=True)
    ]


def split(see: See, kind: str, where: str, step: int = STEP) -> tuple[float, np.ndarray]:
    """Return how far labels that differ only in their place split a uniform texture.

    Both classes are drawn on the same grain, at the left and the right (``sides``) or in the
    middle and near the rim (``rim``). On another piece of the grain: the share of class 2 where
    class 2 was drawn, minus its share where class 1 was drawn; 0 if only texture counts, 1 if only
    place does. Mean of three pairs of pieces, and the labels of the first.
    """
    first, second = halves(SIZE, where)
    places, side = grid(SIZE, step), SIZE // step
    shares, maps = [], []
    for number in range(3):
        labels = np.zeros((SIZE, SIZE), np.uint8)
        for value, region in ((1, first), (2, second)):
            labels[strokes(region, 12, 10 * number + value)] = value
        features, target = (see(grain(SIZE, n % 3)) for n in (number, number + 1))
        found = segment(features, labels, kind, places, target)
        shares.append((found[second[places]] == 2).mean() - (found[first[places]] == 2).mean())
        maps.append(found.reshape(side, side))
    return float(np.mean(shares)), maps[0]


def conflict(see: See, kind: str) -> tuple[float, float]:
    """Return accuracy where place and texture agree with the training image, and where not."""
    (image, truth), (other, wanted) = sides(SIZE)
    labels = marks(truth, np.ones(truth.shape, bool), 12, 5, 8)
    places = grid(SIZE, STEP)
    found = segment(see(image), labels, kind, places, see(other))
    right = found == wanted[places]
    agree = places[0] < SIZE // 2
    return float(right[agree].mean()), float(right[~agree].mean())


def leaks(see: See, kind: str) -> list[str]:
    """Return the cells of `leakage`, `split` and `conflict`."""
    cells = leakage(see, kind)
    cells += [split(see, kind, where)[0] for where in ("sides", "rim")]
    return [f"{v:.2f}".replace("-0.00", "0.00") for v in (*cells, *conflict(see, kind))]


def boundary_distances(truth: np.ndarray, found: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Return the distance of every boundary pixel of one mask from the other's, both ways, pixels.

    A mask's boundary is its outermost pixels. Only those in the region count; without a boundary
    the other's pixels are infinitely far.
    """
    first, second = (
        mask & ~ndimage.binary_erosion(mask, border_value=1) & region for mask in (truth, found)
    )
    if not first.any() or not second.any():
        return np.full(max(int((first | second).sum()), 1), np.inf)
    return np.concatenate(
        [
            ndimage.distance_transform_edt(~second)[first],
            ndimage.distance_transform_edt(~first)[second],
        ]
    )


def outline(see: See, kind: str, scene: Shapes) -> tuple[list[str], list[str], np.ndarray]:
    """Segment the shapes; no label is nearer than 12 pixels to a border, none is on a bar.

    Returns
    -------
    list of str
        Mean and 95th percentile of the distances of the disc's boundary, mean of the star's.
    list of str
        IoU of each bar.
    ndarray
        The labels, (Y, X).
    """
    size = scene.truth.shape[0]
    found = segment(see(scene.image), scene.labels, kind, grid(size, 1)).reshape(size, size)
    truth, predicted = scene.truth == 2, found == 2
    disc, star = (boundary_distances(truth, predicted, r) for r in (scene.disc, scene.star))
    bars = []
    for near in scene.near_bars:
        both, either = truth & predicted & near, (truth | predicted) & near
        bars.append(f"{both.sum() / either.sum():.2f}")
    distances = [f"{v:.1f}" for v in (disc.mean(), np.quantile(disc, 0.95), star.mean())]
    return distances, bars, found
