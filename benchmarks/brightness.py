"""What `augment=` is worth where brightness differs from image to image, and where it does not.

Mosaics of brick, grass and gravel (exact truth, redrawn strokes) are exposed alike, under a gamma
of their own, or with a contrast and a brightness of their own. Some train, others are scored.
`auto` is one of the two others; the table says which. The two cells train one at a time, where
`auto` is off.

    python benchmarks/brightness.py [--exposures alike gamma offset cells] [--counts 2 4]
"""

from __future__ import annotations

import argparse

import numpy as np
from sklearn.metrics import jaccard_score

import tdseg
from data import drawings
from mosaics import brick_mosaic
from strokes import redraw
from tdseg.features.token_cache import TokenCache

CACHE = TokenCache(2 * 1024**3)
EXPOSURES = ("alike", "gamma", "offset", "cells")
CLASSIFIERS = ("random_forest", "logistic_regression", "auto")
UNSEEN = 2
NAMES = ("brick", "grass", "gravel")
Example = tuple[tdseg.Image, tdseg.SparseLabels, np.ndarray]


def exposed(pixels: np.ndarray, exposure: str, rng: np.random.Generator) -> np.ndarray:
    """Return (Y, X) uint8 pixels as another exposure would show them."""
    share = pixels / 255
    if exposure == "gamma":
        share = share ** np.exp(rng.uniform(-0.7, 0.7))
    elif exposure == "offset":
        share = 0.5 + rng.uniform(0.5, 1) * (share - 0.5) + rng.uniform(-0.2, 0.2)
    return np.clip(np.rint(255 * share), 0, 255).astype(np.uint8)


def example(number: int, exposure: str) -> Example:
    """Return an image, its strokes and its truth."""
    pixels, truth = brick_mosaic(number)
    pixels = exposed(pixels, exposure, np.random.default_rng(1000 + number))
    drawn = redraw(truth, number, strokes=3, length=(15, 50), radius=1)
    labels = tdseg.SparseLabels.from_label_image(drawn, NAMES)
    return tdseg.Image.from_array(pixels, name=f"mosaic {number}"), labels, truth


def score(model: tdseg.Model, unseen: list[tuple[tdseg.Image, np.ndarray]]) -> float:
    """Return the mIoU over all scored pixels of unseen images."""
    pairs = []
    for image, truth in unseen:
        found = tdseg.apply(model, image, probabilities=False, cache=CACHE).labels[0, 0]
        pairs.append((truth[truth > 0], found[truth > 0]))
    truths, founds = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    return float(jaccard_score(truths, founds, average="macro"))


def row(
    name: str,
    trained: list[tuple[tdseg.Image, tdseg.SparseLabels]],
    unseen: list[tuple[tdseg.Image, np.ndarray]],
    features: str,
    classifier: str,
) -> str:
    """Train without and with changes, and say which `auto` takes."""
    values = {"features": features, "classifier": classifier, "held_out": False}
    scores, chosen, losses = {}, "off", ""
    for augment in ("auto", "none", "grey"):
        if augment in scores:  # what auto has become trains to the same pixels
            continue
        model = tdseg.train(trained, tdseg.Settings(augment=augment, **values), cache=CACHE)
        scores[model.settings.augment] = score(model, unseen)
        if augment == "auto" and "augment" in model.summary:
            facts = model.summary["augment"]
            chosen = facts["chosen"]
            losses = f"{facts['losses']['none']:.3f}, {facts['losses']['grey']:.3f}"
    cells = [f"{scores['none']:.3f}", f"{scores['grey']:.3f}", chosen, losses]
    return f"| {name} | {len(trained)} | {features}, {classifier} | {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--exposures", nargs="+", choices=EXPOSURES, default=EXPOSURES)
    parser.add_argument("--counts", nargs="+", type=int, default=[2, 4])
    parser.add_argument("--features", nargs="+", default=["classical", "hybrid"])
    parser.add_argument("--classifiers", nargs="+", default=CLASSIFIERS)
    options = parser.parse_args()
    print("| images | trained on | choice | none | grey | auto | losses of none, grey |")
    print("|---|---|---|---|---|---|---|")
    for exposure in options.exposures:
        sets = []
        if exposure == "cells":
            for draw in (0, 4):
                for task in drawings("cells", draw):
                    pair = [(task.train_image, task.train_labels)]
                    name = task.name + (f", drawing {draw}" if draw else "")
                    sets.append((name, pair, [(task.test_image, task.truth)]))
        else:
            for count in options.counts:
                made = [example(number, exposure) for number in range(count + UNSEEN)]
                trained = [(image, labels) for image, labels, _ in made[:count]]
                unseen = [(image, truth) for image, _, truth in made[count:]]
                sets.append((f"mosaics, {exposure}", trained, unseen))
        for name, trained, unseen in sets:
            for features in options.features:
                for classifier in options.classifiers:
                    print(row(name, trained, unseen, features, classifier), flush=True)


if __name__ == "__main__":
    main()
