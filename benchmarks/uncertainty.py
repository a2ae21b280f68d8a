"""Is a segmentation wrong where it is unsure? Errors against uncertainty, with pictures.

For each image and classifier: the area under the ROC curve with which a measure of uncertainty
tells wrong pixels from right ones (0.5: not at all), the share of wrong pixels in each tenth of the
pixels, from the surest to the least sure, and the share of all errors in the least sure tenth. The
measures: one minus the margin (`output=uncertainty`), entropy, with a CRF the margin of its result;
of a forest what its trees say one by one: the standard deviation of their shares of the winning
class, and the mutual information of class and tree.

    python benchmarks/uncertainty.py [--groups alloy m1 mosaic] [--trees] [--pictures]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw
from sklearn.metrics import roc_auc_score

import tdseg
from data import OUTPUT, Task, tasks
from tdseg.classifiers.base import Classifier
from tdseg.classifiers.forest import RandomForest
from tdseg.features.token_cache import TokenCache

CACHE = TokenCache(1024**3)
ROWS: tuple[dict[str, Any], ...] = (
    {"classifier": "random_forest"},
    {"classifier": "logistic_regression"},
    {"classifier": "random_forest", "refine": "crf"},
)
COLOURS = ((220, 60, 40), (40, 110, 220), (60, 160, 80), (150, 90, 190))


class TreeByTree(Classifier):
    """Gives in place of probabilities how far the trees of a forest differ."""

    kind, array_names = "tree_by_tree", frozenset[str]()

    def __init__(self, forest: RandomForest) -> None:
        self.n_classes, self.n_features = forest.n_classes, forest.n_features
        arrays = forest.arrays()
        ends = np.cumsum(arrays["sizes"])
        leaf = arrays["feature"] < 0
        votes = arrays["votes"].T
        self.trees = []
        for start, stop in zip(ends - arrays["sizes"], ends, strict=True):
            inner, leaves = (np.cumsum(x)[[start - 1, stop - 1]] for x in (~leaf, leaf))
            if start == 0:
                inner[0] = leaves[0] = 0
            self.trees.append(
                RandomForest(
                    np.array([stop - start], np.int32),
                    arrays["feature"][start:stop],
                    arrays["threshold"][slice(*inner)],
                    votes[slice(*leaves)],
                    arrays["importance"],
                )
            )

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """Return standard deviation and mutual information in place of two classes."""
        mean, square, own = 0.0, 0.0, 0.0
        for tree in self.trees:
            shares = tree.predict_proba(features).astype(np.float64)
            mean, square = mean + shares, square + shares**2
            own += entropy(shares, axis=1)
        count = len(self.trees)
        mean, own = mean / count, own / count
        best = mean.argmax(axis=1)[:, None]
        variance = np.take_along_axis(square / count - mean**2, best, axis=1)[:, 0]
        out = np.zeros((len(features), self.n_classes), np.float32)
        out[:, 0] = np.sqrt(np.maximum(variance, 0))
        out[:, 1] = entropy(mean, axis=1) - own
        return out

    def importances(self) -> np.ndarray:
        """Know nothing of it."""
        raise NotImplementedError

    header = arrays = from_storage = importances


def entropy(shares: np.ndarray, axis: int) -> np.ndarray:
    return -(shares * np.log(np.maximum(shares, 1e-12))).sum(axis=axis)


def measures(
    model: tdseg.Model, task: Task, trees: bool
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return the labels, and each measure of uncertainty, (Y, X)."""
    result = tdseg.apply(model, task.test_image, cache=CACHE)
    found = {"margin": result.uncertainty[0, 0], "entropy": entropy(result.probabilities[0, 0], 0)}
    if model.settings.refine != "none":
        found["margin after refining"] = tdseg.uncertainty(result.probabilities[0, 0])
    if trees and isinstance(model.classifier, RandomForest) and model.settings.refine == "none":
        by_tree = replace(model, classifier=TreeByTree(model.classifier))
        spread = tdseg.apply(by_tree, task.test_image, uncertainty=False, cache=CACHE)
        found["spread over trees"] = spread.probabilities[0, 0, 0]
        found["mutual information"] = spread.probabilities[0, 0, 1]
    return result.labels[0, 0], found


def tenths(wrong: np.ndarray, doubt: np.ndarray) -> np.ndarray:
    """Return the share of wrong pixels in each tenth of the pixels, the surest first."""
    order = np.argsort(doubt, kind="stable")
    return np.array([part.mean() for part in np.array_split(wrong[order], 10)])


def curves(lines: Sequence[tuple[str, np.ndarray]], side: int = 330) -> Picture.Image:
    """Draw the share of wrong pixels over the tenths of the pixels."""
    left, bottom = 44, 34
    canvas = Picture.new("RGB", (side, side), "white")
    pen = ImageDraw.Draw(canvas)
    top = max(0.1, np.ceil(10 * max(values.max() for _, values in lines)) / 10)
    width, height = side - left - 10, side - bottom - 10
    for share in np.linspace(0, top, 6):
        y = 10 + height * (1 - share / top)
        pen.line([(left, y), (left + width, y)], fill=(225, 225, 225))
        pen.text((6, y - 6), f"{100 * share:.0f} %", fill="black")
    for k, (name, values) in enumerate(lines):
        points = [
            (left + width * (i + 0.5) / 10, 10 + height * (1 - v / top))
            for i, v in enumerate(values)
        ]
        pen.line(points, fill=COLOURS[k], width=2)
        pen.text((left + 8, 14 + 14 * k), name, fill=COLOURS[k])
    for i in range(10):
        pen.text((left + width * (i + 0.5) / 10 - 4, side - bottom + 2), str(i + 1), fill="black")
    pen.text((left + 8, side - 16), "tenth of the pixels, surest first", fill="black")
    return canvas


def panel(task: Task, wrong: np.ndarray, doubt: np.ndarray, side: int = 330) -> list[Picture.Image]:
    """Draw the image, its wrong pixels in red, and its uncertainty."""
    pixels = task.test_image.plane(0)
    grey = np.repeat(pixels, 3, 2) if pixels.shape[2] == 1 else pixels
    marked = grey // 2 + 64
    marked[wrong] = (230, 40, 30)
    shown = np.repeat((255 * doubt).astype(np.uint8)[:, :, None], 3, 2)
    return [
        Picture.fromarray(part.astype(np.uint8)).resize((side, side), Picture.Resampling.BOX)
        for part in (grey, marked, shown)
    ]


def main() -> None:
    """Print the table, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", nargs="+", default=["alloy", "m1", "mosaic"])
    parser.add_argument("--trees", action="store_true", help="ask each tree, which takes minutes")
    parser.add_argument("--pictures", action="store_true")
    options = parser.parse_args()
    print(
        "| image | classifier | wrong | measure | ROC area | wrong in each tenth, % | in the last |"
    )
    print("|---|---|---|---|---|---|---|")
    strips = []
    for task in [task for group in options.groups for task in tasks(group)]:
        lines, pictures = [], []
        for row in ROWS:
            settings = tdseg.Settings(held_out=False, **row)
            model = tdseg.train([(task.train_image, task.train_labels)], settings, cache=CACHE)
            labels, found = measures(model, task, options.trees)
            scored = task.truth > 0
            wrong = labels != task.truth
            name = ", ".join(str(v) for v in row.values())
            for measure, doubt in found.items():
                shares = tenths(wrong[scored], doubt[scored])
                last = shares[-1] / shares.sum()
                print(
                    f"| {task.name} | {name} | {wrong[scored].mean():.3f} | {measure} | "
                    f"{roc_auc_score(wrong[scored], doubt[scored]):.3f} | "
                    f"{' '.join(f'{100 * s:.0f}' for s in shares)} | {last:.2f} |",
                    flush=True,
                )
            lines.append((name, tenths(wrong[scored], found["margin"][scored])))
            pictures = pictures or panel(task, wrong & scored, found["margin"])
        strips.append([*pictures, curves(lines)])
    if options.pictures:
        side = 330
        sheet = Picture.new("RGB", (4 * side + 24, (side + 8) * len(strips)), "white")
        for k, strip in enumerate(strips):
            for j, picture in enumerate(strip):
                sheet.paste(picture, (j * (side + 8), k * (side + 8)))
        OUTPUT.mkdir(exist_ok=True)
        sheet.save(OUTPUT / "uncertainty.png", optimize=True)


if __name__ == "__main__":
    main()
