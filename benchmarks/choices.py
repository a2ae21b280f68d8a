"""Does ``classifier=auto`` choose well? Every single choice beside it, on redrawn strokes.

A row is a task and a drawing of its strokes; a column is the mIoU of one choice of features and
classifier, scored on a sample of the truth's pixels. Then follows how far hybrid features lie below
the better of their halves, and how far ``auto`` is below the best single choice (its regret).

    python benchmarks/choices.py [--groups m1 alloy] [--draws 0 4 5 6]
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np
from sklearn.metrics import jaccard_score

import tdseg
from data import DRAWN, Task, drawings
from tdseg.features.extractors import build_extraction
from tdseg.features.token_cache import TokenCache
from tdseg.images.intensity import Intensity, backbone_ranges

CACHE = TokenCache(2 * 1024**3)
GROUPS = (*DRAWN, "rgb")
SINGLE = [
    (features, classifier)
    for features in ("classical", "deep", "hybrid")
    for classifier in ("random_forest", "logistic_regression")
]
AUTO = ("hybrid", "auto")
PER_CLASS = 5000


class Sample:
    """Features of the truth's pixels, at most `PER_CLASS` of each class, weighted to all."""

    def __init__(self, task: Task) -> None:
        rng = np.random.default_rng(0)
        places, weights = [], []
        for value in range(1, len(task.class_names) + 1):
            all_places = np.argwhere(task.truth == value)
            drawn = rng.permutation(all_places)[:PER_CLASS]
            places.append(drawn)
            weights.append(np.full(len(drawn), len(all_places) / max(len(drawn), 1)))
        self.rows, self.cols = np.concatenate(places).T
        self.weights = np.concatenate(weights)
        self.truth = task.truth[self.rows, self.cols]
        self.image = task.test_image
        self._known: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}

    def score(self, model: tdseg.Model) -> float:
        """Return the mIoU of a classifier."""
        names, known = self._features(model.settings.with_(features="hybrid"))
        columns = [names.index(name) for name in model.feature_names]
        features = np.ascontiguousarray(known[:, columns])
        found = np.asarray(model.class_values)[model.classifier.predict(features)]
        values = np.unique(self.truth)
        iou = jaccard_score(
            self.truth, found, labels=values, average=None, sample_weight=self.weights
        )
        return float(iou.mean())

    def _features(self, settings: tdseg.Settings) -> tuple[tuple[str, ...], np.ndarray]:
        """Return all names, and the features of the sample, computed once for the same levels."""
        if settings.levels not in self._known:
            channels = list(range(len(self.image.channels)))
            ranges = backbone_ranges([self.image], channels)
            plane = Intensity(self.image, channels, "none", ranges).plane(0)
            # Classical choices do not say which network: they are asked for the default.
            features = build_extraction(settings, CACHE).extractor.extract(plane)
            found = features.at(self.rows, self.cols)
            self._known[settings.levels] = (tuple(features.names), found)
        return self._known[settings.levels]


def scores(task: Task, seed: int) -> dict[tuple[str, str], float]:
    """Train every choice on a task, and score it."""
    sample, found = Sample(task), {}
    for features, classifier in (*SINGLE, AUTO):
        settings = tdseg.Settings(
            features=features, classifier=classifier, seed=seed, held_out=False
        )
        model = tdseg.train([(task.train_image, task.train_labels)], settings, cache=CACHE)
        found[features, classifier] = sample.score(model)
        if (features, classifier) == AUTO:
            print(f"<!-- {task.name}: {model.settings.features} {model.settings.shares} -->")
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", nargs="+", default=GROUPS)
    parser.add_argument("--draws", nargs="+", type=int, default=[0, 4, 5, 6])
    options = parser.parse_args()
    head = [f"{f}, {c}" for f, c in (*SINGLE, AUTO)]
    print("| task | drawing |", " | ".join(head), "|")
    print("|---|---|" + "---|" * len(head))
    by_group: dict[str, list[dict[tuple[str, str], float]]] = defaultdict(list)
    for group in options.groups:
        for draw in options.draws:
            for task in drawings(group, draw):
                found = scores(task, draw)
                by_group[group].append(found)
                figures = " | ".join(f"{v:.3f}" for v in found.values())
                print(f"| {task.name} | {draw} | {figures} |", flush=True)
    print("\n| images | hybrid forest below the better half, of | by | auto: mean | best single,")
    print("of the mean | regret, of the mean | of each drawing |\n|---|---|---|---|---|---|---|")
    for group, rows in by_group.items():
        forest = [
            max(r["classical", "random_forest"], r["deep", "random_forest"])
            - r["hybrid", "random_forest"]
            for r in rows
        ]
        below = sum(gap > 0 for gap in forest)
        mean = {choice: float(np.mean([r[choice] for r in rows])) for choice in rows[0]}
        best = max(mean[choice] for choice in SINGLE)
        each = np.mean([max(r[c] for c in SINGLE) - r[AUTO] for r in rows])
        print(
            f"| {group} | {below} of {len(rows)} | {max(*forest, 0.0):.3f} | {mean[AUTO]:.3f} | "
            f"{best:.3f} | {best - mean[AUTO]:.3f} | {each:.3f} |"
        )


if __name__ == "__main__":
    main()
