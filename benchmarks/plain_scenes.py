"""Plain generated images with exact truth and few strokes, where the default must do no harm.

A forest on classical features is right on nearly all of them. A row is a scene and a seed of it; a
column is the mIoU of one choice of features and classifier, as in ``quality.py``.

    python benchmarks/plain_scenes.py [--scenes disc spots] [--seeds 0 1]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter

import tdseg
from data import Task
from scoring import AUTO, SINGLE, scores
from tdseg.samples.strokes import redraw

SIZE = 112
Y, X = np.mgrid[:SIZE, :SIZE]
Scene = tuple[np.ndarray, np.ndarray]


def halves(rng: np.random.Generator, sd: float = 20) -> Scene:
    """Two flat phases with noise."""
    truth = _cut(rng)
    return _noisy(rng, truth, (80, 150), sd), truth


def evenly_noisy_halves(rng: np.random.Generator) -> Scene:
    """Two phases whose grey values do not overlap."""
    truth = _cut(rng)
    dark, bright = rng.integers(0, 90, truth.shape), rng.integers(150, 255, truth.shape)
    return np.where(truth == 1, dark, bright), truth


def halves_of_16_bits(rng: np.random.Generator) -> Scene:
    """Two flat phases, 16 bits."""
    truth = _cut(rng)
    return (rng.normal(1500, 60, truth.shape) + 400 * (truth == 2)).astype(np.uint16), truth


def halves_by_noise(rng: np.random.Generator) -> Scene:
    """Two phases of the same mean."""
    truth = _cut(rng)
    return 128 + rng.normal(size=truth.shape) * np.array([10, 35])[truth - 1], truth


def disc(rng: np.random.Generator, levels: tuple[int, int] = (80, 150), sd: float = 12) -> Scene:
    """A disc in a field."""
    truth = _discs(rng, 1, (20, 35), 45)
    return _noisy(rng, truth, levels, sd), truth


def dark_disc(rng: np.random.Generator) -> Scene:
    """A dark disc in a bright field."""
    return disc(rng, (180, 60), 25)


def disc_on_a_slope(rng: np.random.Generator) -> Scene:
    """A disc, brighter to one side."""
    truth = _discs(rng, 1, (22, 38), 45)
    return _noisy(rng, truth, (90, 140), 10) + 30 * np.sin(Y / 40), truth


def smooth_discs(rng: np.random.Generator) -> Scene:
    """Several blurred discs."""
    truth = _discs(rng, 6, (7, 13), 10)
    return gaussian_filter(_noisy(rng, truth, (60, 170), 0), 1) + rng.normal(0, 4, Y.shape), truth


def spots(rng: np.random.Generator) -> Scene:
    """A few small spots: a rare class."""
    truth = _discs(rng, 7, (3, 6), 8)
    return _noisy(rng, truth, (80, 150), 15), truth


def stripes(rng: np.random.Generator) -> Scene:
    """Even stripes."""
    truth = 1 + (X // int(rng.integers(8, 14))) % 2
    return _noisy(rng, truth, (80, 150), 12), truth


def lines(rng: np.random.Generator) -> Scene:
    """Thin straight lines."""
    truth = np.ones(Y.shape, int)
    for _ in range(5):
        angle = rng.uniform(0, np.pi)
        across = (X - rng.uniform(20, 90)) * np.cos(angle)
        truth[np.abs(across + (Y - rng.uniform(20, 90)) * np.sin(angle)) < 1.3] = 2
    return _noisy(rng, truth, (80, 150), 14), truth


def blobs(rng: np.random.Generator) -> Scene:
    """Irregular phases with much noise."""
    truth = _levels(rng, 5, 0.6)
    return _noisy(rng, truth, (80, 150), 25), truth


def blobs_on_a_gradient(rng: np.random.Generator) -> Scene:
    """Irregular phases, brighter to one side."""
    truth = _levels(rng, 7, 0.5)
    return _noisy(rng, truth, (80, 150), 8) + 0.4 * X, truth


def blurred_blobs(rng: np.random.Generator) -> Scene:
    """Irregular phases with soft borders."""
    truth = _levels(rng, 9, 0.5)
    return gaussian_filter(_noisy(rng, truth, (60, 170), 0), 2.5) + rng.normal(0, 6, Y.shape), truth


def three_levels(rng: np.random.Generator) -> Scene:
    """Three phases, the middle one between the others."""
    truth = _levels(rng, 8, 0.4, 0.75)
    return _noisy(rng, truth, (60, 120, 180), 15), truth


def stains(rng: np.random.Generator) -> Scene:
    """Two stains on white, in colour."""
    truth = _levels(rng, 6, 0.7)
    truth[_levels(rng, 6, 0.75) == 2] = 3
    colours = np.array([[230, 220, 225], [120, 80, 170], [200, 110, 160]])
    return colours[truth - 1] + rng.normal(0, 10, (SIZE, SIZE, 3)), truth


SCENES: tuple[Callable[[np.random.Generator], Scene], ...] = (
    halves,
    evenly_noisy_halves,
    halves_of_16_bits,
    halves_by_noise,
    disc,
    dark_disc,
    disc_on_a_slope,
    smooth_discs,
    spots,
    stripes,
    lines,
    blobs,
    blobs_on_a_gradient,
    blurred_blobs,
    three_levels,
    stains,
)
STROKES = {"halves": 2, "evenly_noisy_halves": 1, "halves_of_16_bits": 1, "disc": 2, "dark_disc": 2}
"""Of each class; three where nothing is said."""


def task(scene: Callable[[np.random.Generator], Scene], seed: int) -> Task:
    """Return a scene with strokes."""
    pixels, truth = scene(np.random.default_rng([SCENES.index(scene), seed]))
    if pixels.dtype != np.uint16:
        pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    truth = truth.astype(np.uint8)
    name, thin = scene.__name__, scene in (lines, spots)
    drawn = redraw(
        truth,
        1000 + seed,
        strokes=STROKES.get(name, 3),
        length=(4, 15) if thin else (8, 25),
        radius=0 if thin else 1,
    )
    classes = tuple(str(v) for v in range(1, int(truth.max()) + 1))
    image = tdseg.Image.from_array(pixels, name=name)
    labels = tdseg.SparseLabels.from_label_image(drawn, classes)
    return Task(name, image, labels, image, truth, classes)


def _cut(rng: np.random.Generator) -> np.ndarray:
    return np.where(SIZE // 2 + rng.integers(-15, 15) <= X, 2, 1)


def _discs(rng: np.random.Generator, count: int, radii: tuple[int, int], rim: int) -> np.ndarray:
    truth = np.ones(Y.shape, int)
    for _ in range(count):
        row, col = rng.integers(rim, SIZE - rim, 2)
        truth[(Y - row) ** 2 + (X - col) ** 2 < rng.integers(*radii) ** 2] = 2
    return truth


def _levels(rng: np.random.Generator, scale: float, *quantiles: float) -> np.ndarray:
    field = gaussian_filter(rng.normal(size=Y.shape), scale)
    return 1 + np.digitize(field, np.quantile(field, quantiles))


def _noisy(
    rng: np.random.Generator, truth: np.ndarray, levels: tuple[int, ...], sd: float
) -> np.ndarray:
    return np.array(levels, float)[truth - 1] + rng.normal(0, sd, truth.shape)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", nargs="+", default=[scene.__name__ for scene in SCENES])
    parser.add_argument("--seeds", nargs="+", type=int, default=[2])
    options = parser.parse_args()
    print("| scene | seed |", " | ".join(f"{f}, {c}" for f, c in (*SINGLE, AUTO)), "|")
    print("|---|---|" + "---|" * (len(SINGLE) + 1))
    rows = []
    for scene in SCENES:
        for seed in options.seeds if scene.__name__ in options.scenes else ():
            found = scores(task(scene, seed), seed)
            rows.append(list(found.values()))
            print(f"| {scene.__name__} | {seed} |", " | ".join(f"{v:.3f}" for v in rows[-1]), "|")
    table = np.array(rows)
    print("| mean | |", " | ".join(f"{v:.3f}" for v in table.mean(axis=0)), "|")
    gaps = table[:, :-1].max(axis=1) - table[:, -1]
    print(f"\nBelow the best single choice of each: {gaps.mean():.3f}, at most {gaps.max():.3f}.")


if __name__ == "__main__":
    main()
