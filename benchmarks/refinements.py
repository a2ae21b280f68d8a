"""Does ``refine=auto`` choose well? mIoU unrefined, with ``refine=crf``, and with ``auto``.

A row is a task, a drawing of its strokes and a classifier. Drawing 0 is the strokes that came with
the image; others are redrawn inside the truth.

    python benchmarks/refinements.py [--groups m1 alloy] [--draws 0 4 5] [--classifiers auto]
"""

from __future__ import annotations

import argparse

import numpy as np
from sklearn.metrics import jaccard_score

import tdseg
from data import DRAWN, Task, drawings
from tdseg.features.token_cache import TokenCache

CACHE = TokenCache(2 * 1024**3)
GROUPS = (*DRAWN, "rgb")


def score(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Return the mIoU of probabilities (1, 1, K, Y, X) where the truth is above 0."""
    scored = truth > 0
    found = probabilities[0, 0].argmax(axis=0)[scored] + 1
    values = np.unique(truth[scored])
    return float(jaccard_score(truth[scored], found, labels=values, average=None).mean())


def row(task: Task, classifier: str, seed: int) -> tuple[str, float, float, float, float]:
    """Return the strength chosen, the seconds it cost, and the three scores."""
    settings = tdseg.Settings(classifier=classifier, refine="auto", seed=seed, held_out=False)
    model = tdseg.train([(task.train_image, task.train_labels)], settings, cache=CACHE)
    plain = model.settings.with_(refine="none")
    found = tdseg.apply(model, task.test_image, settings=plain, cache=CACHE).probabilities
    assert found is not None
    fixed = tdseg.refine_crf(found, task.test_image, settings)
    chosen = model.summary["refinement"]
    auto = found
    if model.settings.refine == "crf":
        auto = tdseg.refine_crf(found, task.test_image, model.settings)
    scores = [score(p, task.truth) for p in (found, fixed, auto)]
    return chosen["chosen"], chosen["seconds"], *scores


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", nargs="+", default=GROUPS)
    parser.add_argument("--draws", nargs="+", type=int, default=[0, 4, 5, 6])
    parser.add_argument("--classifiers", nargs="+", default=["auto", "random_forest"])
    options = parser.parse_args()
    print("| task | drawing | classifier | none | crf | auto | gain | chosen | s |")
    print("|---|---|---|---|---|---|---|---|---|")
    gains = []
    for group in options.groups:
        for draw in options.draws:
            for task in drawings(group, draw):
                for classifier in options.classifiers:
                    chosen, seconds, none, fixed, auto = row(task, classifier, draw)
                    gains.append((fixed - none, auto - none))
                    print(
                        f"| {task.name} | {draw} | {classifier} | {none:.3f} | {fixed:.3f} | "
                        f"{auto:.3f} | {auto - none:+.3f} | {chosen} | {seconds:.0f} |",
                        flush=True,
                    )
    for name, gain in zip(("crf", "auto"), np.transpose(gains), strict=True):
        print(f"\nrefine={name}: {gain.mean():+.3f} on average, {gain.min():+.3f} at worst.")


if __name__ == "__main__":
    main()
