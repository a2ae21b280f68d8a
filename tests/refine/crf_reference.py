"""Small images with probabilities, and the dense CRF by brute force."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def softmax(energy: np.ndarray) -> np.ndarray:
    grown = np.exp(energy - energy.max(axis=0))
    return grown / grown.sum(axis=0)


def scene(
    height: int, width: int, channels: int, classes: int = 3, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy probabilities (K, Y, X) of smooth regions, and a noisy guide that shows them."""
    rng = np.random.default_rng(seed)
    fields = [ndimage.gaussian_filter(rng.normal(size=(height, width)), 4) for _ in range(classes)]
    labels = np.argmax(fields, axis=0)
    levels = rng.uniform(30, 220, size=(classes, channels))
    guide = np.clip(levels[labels] + rng.normal(0, 8, size=(height, width, channels)), 0, 255)
    energy = rng.normal(0, 1.2, size=(classes, height, width))
    energy += 1.5 * (labels == np.arange(classes)[:, None, None])
    return softmax(energy).astype(np.float32), guide.astype(np.uint8)


def from_grey_levels(image: np.ndarray, labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return probabilities of a micrograph from its classes' mean colours, made noisy."""
    smooth = ndimage.gaussian_filter(np.atleast_3d(image).astype(float), (2, 2, 0))
    noise = np.random.default_rng(seed).normal(0, 1, size=(labels.max(), *labels.shape))
    means = [smooth[labels == k].mean(axis=0) for k in range(1, labels.max() + 1)]
    spread = smooth[labels > 0].std()
    gaps = np.stack([((smooth - mean) ** 2).sum(axis=2) for mean in means])
    return softmax(-gaps / (2 * spread**2) + noise).astype(np.float32)


def brute_force(
    probabilities: np.ndarray,
    guide: np.ndarray,
    iterations: int = 10,
    spatial: tuple[float, float] = (3.0, 10.0),
    bilateral: tuple[float, float, float] = (80.0, 13.0, 10.0),
    weights: tuple[float, ...] | None = None,
) -> np.ndarray:
    """Mean field with full kernels in double precision; a grey guide is repeated threefold."""
    classes, height, width = probabilities.shape
    colour = np.repeat(guide, 3, axis=2) if guide.shape[2] == 1 else guide
    y, x = np.mgrid[:height, :width]
    place = np.stack([x, y], axis=-1).reshape(-1, 2).astype(float)
    value = colour.reshape(height * width, -1).astype(float)

    def squares(a: np.ndarray) -> np.ndarray:
        return ((a[:, None] - a[None]) ** 2).sum(axis=2)

    def normal(kernel: np.ndarray) -> np.ndarray:
        root = np.sqrt(kernel.sum(axis=1))
        return kernel / root[:, None] / root

    smooth = normal(np.exp(-0.5 * squares(place / spatial[0])))
    edges = squares(place / bilateral[0]) + squares(value / bilateral[1])
    both = spatial[1] * smooth + bilateral[2] * normal(np.exp(-0.5 * edges))
    unary = np.log(np.maximum(probabilities.reshape(classes, -1).astype(float), 1e-5))
    factor = np.ones((classes, 1)) if weights is None else np.array(weights)[:, None]
    posterior = softmax(unary)
    for _ in range(iterations):
        posterior = softmax(unary + factor * (posterior @ both))
    return posterior.reshape(probabilities.shape)
