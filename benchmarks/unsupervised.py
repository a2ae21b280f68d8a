"""Segmentation without labels against truth: deep, hybrid and classical features, and rivals.

    python benchmarks/unsupervised.py                 # the table of docs/unsupervised.md
    python benchmarks/unsupervised.py --backbone dinov2_s_reg --only coins --crf

Every method is told the number of classes. Clusters are assigned to classes by the Hungarian
method so that the mean IoU is highest; a class without a cluster counts 0. Rivals, in the same run
on the same images: k-means on grey values (or colours), and HR-Dv2's way of merging the same deep
features (80 clusters, complete linkage). Pictures are written to benchmarks/output.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import imageio.v3 as iio
import numpy as np
import skimage.data
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from skimage.filters import sobel
from skimage.segmentation import watershed
from skimage.transform import resize
from sklearn.cluster import KMeans

import tdseg
from data import OUTPUT, read
from mosaics import brick_mosaic
from tdseg.features.token_cache import TokenCache
from tdseg.labels.colours import glasbey
from tdseg.runtime.threads import set_thread_count
from tdseg.samples.mosaic import texture_mosaic
from tdseg.unsupervised.clustering import initial_clusters, merge_clusters
from tdseg.unsupervised.distances import nearest_by_class
from tdseg.unsupervised.embedding import Embedding, FeatureRun

Labels = list[np.ndarray]


@dataclass(frozen=True)
class Scene:
    """Images that are segmented together, and their truth (0 = not scored)."""

    name: str
    pixels: tuple[np.ndarray, ...]
    truths: tuple[np.ndarray, ...]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(max(truth.max() for truth in self.truths))

    @property
    def images(self) -> list[tdseg.Image]:
        """The images as tdseg sees them."""
        return [
            tdseg.Image.from_array(p, name=f"{self.name}-{k}") for k, p in enumerate(self.pixels)
        ]


def scenes() -> list[Scene]:
    found = [Scene("alloy", (read("alloy_image"),), (read("alloy_truth"),))]
    cells = [(read(f"tcell_{c}_image"), read(f"tcell_{c}_labels")) for c in "ab"]
    found.append(Scene("T-cells (2)", (cells[0][0], cells[1][0]), (cells[0][1], cells[1][1])))
    found.append(Scene("rgb", (read("rgb_image"),), (read("rgb_labels"),)))
    for name, mirrored in (("mosaic", False), ("mosaic, other", True)):
        sample = texture_mosaic(256, mirrored=mirrored)
        found.append(Scene(name, (sample.image,), (sample.truth,)))
    horse = resize(~skimage.data.horse(), (256, 320), order=0, preserve_range=True) > 0
    pixels = np.where(horse, skimage.data.gravel()[:256, :320], skimage.data.grass()[:256, :320])
    found.append(Scene("gravel horse", (pixels,), (horse + 1,)))
    # The coins' outlines by scikit-image's own tutorial method: watershed of the gradient.
    coins = skimage.data.coins()
    markers = np.where(coins > 150, 2, np.where(coins < 30, 1, 0))
    inside = ndimage.binary_fill_holes(watershed(sobel(coins), markers) == 2)
    inside = ndimage.binary_opening(inside, iterations=3)
    found.append(Scene("coins", (coins,), (inside + 1,)))
    return found


def redrawn(count: int) -> list[Scene]:
    found = []
    for seed in range(count):
        pixels, truth = brick_mosaic(seed)
        found.append(Scene(f"bricks {seed}", (pixels,), (truth,)))
    return found


def score(labels: Labels, scene: Scene) -> float:
    """Return the mean IoU under the best assignment, pooled over the images."""
    truth = np.concatenate([t.ravel() for t in scene.truths]).astype(int)
    flat = np.concatenate([found.ravel() for found in labels]).astype(int)
    scored = truth > 0
    table = np.zeros((flat.max() + 1, scene.classes))
    np.add.at(table, (flat[scored], truth[scored] - 1), 1)
    union = table.sum(axis=1, keepdims=True) + table.sum(axis=0) - table
    iou = table / np.maximum(union, 1)
    return float(iou[linear_sum_assignment(-iou)].sum() / scene.classes)


def grey_values(scene: Scene) -> Labels:
    flat = [p.reshape(p.shape[0] * p.shape[1], -1).astype(float) for p in scene.pixels]
    means = KMeans(scene.classes, n_init=5, random_state=0).fit(np.concatenate(flat)[::7])
    pairs = zip(flat, scene.truths, strict=True)
    return [means.predict(values).reshape(truth.shape) + 1 for values, truth in pairs]


def tdseg_clusters(
    options: tdseg.Settings, cache: TokenCache, clusters: int | str | None = None
) -> Callable[[Scene], Labels]:
    def run(scene: Scene) -> Labels:
        found = tdseg.segment_without_labels(
            scene.images, clusters=clusters or scene.classes, options=options, cache=cache
        )
        return [result.labels[0, 0] for result in found]

    return run


def complete_linkage(options: tdseg.Settings, cache: TokenCache) -> Callable[[Scene], Labels]:
    """Merge as HR-Dv2 does: every pixel follows its initial cluster."""

    def run(scene: Scene) -> Labels:
        rng = np.random.default_rng(0)
        maps, parts = [], []
        for image in scene.images:
            stack = tdseg.compute_features(image, options, cache=cache).array
            flat = stack.reshape(len(stack), -1).T
            unit = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
            count = min(50_000 // len(scene.pixels), len(flat))
            parts.append(unit[rng.choice(len(flat), count, replace=False)])
            maps.append(unit)
        sample = np.concatenate(parts)
        # Distances survive a projection to all components; 64 hold nearly all of them.
        embedding = Embedding.fit(sample, [FeatureRun(sample.shape[1], deep=True)], 64)
        plain = Embedding(
            embedding.weights,
            embedding.bias,
            embedding.edges,
            np.zeros(1, bool),
            np.ones(1, np.float32),
        )
        found = initial_clusters(plain.transform(sample), 80, 0)
        classes = merge_clusters(found.centres, found.sizes, count=scene.classes)
        out = []
        for unit, truth in zip(maps, scene.truths, strict=True):
            distances = nearest_by_class(
                plain.transform(unit), found.centres, classes, scene.classes
            )
            out.append(distances.argmin(axis=1).reshape(truth.shape) + 1)
        return out

    return run


def foreground_iou(scene: Scene, options: tdseg.Settings, cache: TokenCache) -> str:
    """Return the IoU of the foreground with the last class of a two-class scene."""
    if scene.classes != 2:
        return ""
    (found,) = tdseg.segment_without_labels(
        scene.images, method="foreground", options=options, cache=cache
    )
    front, truth = found.labels[0, 0] > 0, scene.truths[0] == 2
    iou = (front & truth).sum() / max((front | truth).sum(), 1)
    return f"foreground IoU {iou:.2f} ({len(found.objects)} objects)"


def picture(scene: Scene, results: dict[str, Labels]) -> None:
    colours = glasbey()
    height = max(p.shape[0] for p in scene.pixels)
    rows = []
    for k, pixels in enumerate(scene.pixels):
        tiles = [np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels]
        tiles.append(colours[scene.truths[k]])
        tiles += [colours[labels[k]] for labels in results.values()]
        tiles = [np.pad(t, ((0, height - t.shape[0]), (0, 4), (0, 0))) for t in tiles]
        rows.append(np.concatenate(tiles, axis=1))
    OUTPUT.mkdir(exist_ok=True)
    name = "".join(c if c.isalnum() else "-" for c in scene.name)
    iio.imwrite(OUTPUT / f"unsupervised-{name}.png", np.concatenate(rows)[::2, ::2])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", default="offline")
    parser.add_argument("--quality", default="balanced")
    parser.add_argument("--only", default="", help="part of a scene's name")
    parser.add_argument("--crf", action="store_true", help="refine with the CRF too")
    parser.add_argument("--redrawn", type=int, default=0, help="mosaics of brick to add")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    set_thread_count(arguments.threads)
    cache = TokenCache(2**30)
    base = tdseg.Settings(backbone=arguments.backbone, quality=arguments.quality, device="cpu")
    kinds = {name: base.with_(features=name) for name in ("deep", "hybrid", "classical")}
    methods: dict[str, Callable[[Scene], Labels]] = {
        name: tdseg_clusters(options, cache) for name, options in kinds.items()
    }
    if arguments.crf:
        methods["deep + CRF"] = tdseg_clusters(kinds["deep"].with_(refine="crf"), cache)
    methods["complete"] = complete_linkage(kinds["deep"], cache)
    methods["grey values"] = grey_values
    methods["deep, auto"] = tdseg_clusters(kinds["deep"], cache, "auto")
    print("| scene | classes | " + " | ".join(methods) + " |")
    totals: dict[str, list[float]] = {name: [] for name in methods}
    seconds = dict.fromkeys(methods, 0.0)
    for scene in scenes() + redrawn(arguments.redrawn):
        if arguments.only not in scene.name:
            continue
        results: dict[str, Labels] = {}
        for name, method in methods.items():
            started = time.process_time()
            results[name] = method(scene)
            seconds[name] += time.process_time() - started
            totals[name].append(score(results[name], scene))
        cells = [f"{totals[name][-1]:.2f}" for name in methods]
        cells[-1] += f" ({int(max(found.max() for found in results['deep, auto']))})"
        print(f"| {scene.name} | {scene.classes} | " + " | ".join(cells) + " |", flush=True)
        note = foreground_iou(scene, kinds["deep"], cache)
        if note:
            print(f"  {scene.name}: {note}", flush=True)
        picture(scene, results)
    print("| mean | | " + " | ".join(f"{np.mean(v):.2f}" for v in totals.values()) + " |")
    print(
        "CPU s (the first pays for the network): "
        + ", ".join(f"{name} {s:.0f}" for name, s in seconds.items())
    )


if __name__ == "__main__":
    main()
