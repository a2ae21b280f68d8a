"""What `augment=` is worth where brightness differs from image to image, and where it does not.

Sets of images with exact truth and redrawn strokes: mosaics of brick, grass and gravel, and the
corners of m1 and of the alloy. They are exposed alike, each under a gamma of its own, or each with
a contrast and a brightness of its own. Two or four images train, the others are scored; `auto` is
what held-out training images choose.

    python benchmarks/brightness.py [--sets mosaic m1 alloy] [--exposures alike gamma offset]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import jaccard_score

import tdseg
from data import read
from mosaics import brick_mosaic
from tdseg.classifiers.fitting import fit
from tdseg.features.extractors import build_extraction
from tdseg.images.grey_changes import CHANGES, change_grey
from tdseg.images.intensity import Intensity
from tdseg.runtime.feature_map import feature_sources
from tdseg.runtime.progress import Silent
from tdseg.samples.strokes import redraw
from tdseg.workflow.augment import GREY, better, held_out_losses
from tdseg.workflow.learning import LabelledPixels

EXPOSURES = ("alike", "gamma", "offset")
SPLITS = {"mosaic": [(0, 1, 2, 3), (2, 3), (4, 5)], "m1": [(0, 1), (2, 3)]}
SPLITS["alloy"] = SPLITS["m1"]
KINDS = ("random_forest", "logistic_regression")
SIDE = 256
SCORED = 1000
TREES = 40
RANGES = np.array([[0.0, 255.0]])
"""Of 8-bit images."""


@dataclass
class Part:
    """One image: features of its strokes under each view, and of pixels that are scored as it is.

    Features (V, n, F) and (m, F), classes (n,) and (m,), strokes (n,).
    """

    views: np.ndarray
    classes: np.ndarray
    strokes: np.ndarray
    scored: np.ndarray
    truth: np.ndarray


def exposed(pixels: np.ndarray, exposure: str, seed: int) -> np.ndarray:
    """Return (Y, X) uint8 pixels as another exposure would show them."""
    rng, share = np.random.default_rng(1000 + seed), pixels / 255
    if exposure == "gamma":
        share = share ** np.exp(rng.uniform(-0.7, 0.7))
    elif exposure == "offset":
        share = 0.5 + (share - 0.5) * rng.uniform(0.5, 1) + rng.uniform(-0.2, 0.2)
    return np.clip(np.rint(255 * share), 0, 255).astype(np.uint8)


def images_of(name: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return image and truth of each member of a set."""
    if name == "mosaic":
        return [brick_mosaic(number, SIDE) for number in range(6)]
    image, truth = read(f"{name}_image"), read(f"{name}_truth")
    ends = [(slice(0, SIDE), slice(size - SIDE, size)) for size in image.shape[:2]]
    return [(image[y, x], truth[y, x]) for y in ends[0] for x in ends[1]]


class Views:
    """The default's features of 8-bit images."""

    def __init__(self) -> None:
        self._extractor = build_extraction(tdseg.Settings()).extractor
        self.names: tuple[str, ...] = ()

    def at(self, image: np.ndarray, rows: np.ndarray, cols: np.ndarray, views: int) -> np.ndarray:
        """Return features (views, n, F): of the image as it is, then of changed ones."""
        plane = Intensity(tdseg.Image.from_array(image), [0], "none", RANGES).plane(0)
        found = []
        for change in (None, *CHANGES)[:views]:
            seen = self._extractor.extract(change_grey(plane, change) if change else plane)
            found.append(seen.at(rows, cols))
            self.names = tuple(seen.names)
        return np.stack(found)

    def part(self, image: np.ndarray, truth: np.ndarray, drawn: np.ndarray, seed: int) -> Part:
        """Return what is known of one image."""
        labels = tdseg.SparseLabels.from_label_image(drawn)
        places = np.argwhere(truth > 0)
        rows, cols = np.random.default_rng(seed).permutation(places)[:SCORED].T
        return Part(
            self.at(image, labels.y, labels.x, len(CHANGES) + 1),
            labels.value.astype(int) - 1,
            labels.group,
            self.at(image, rows, cols, 1)[0],
            truth[rows, cols].astype(int) - 1,
        )


def trained(parts: list[Part], columns: np.ndarray, seed: int) -> LabelledPixels:
    """Put the strokes of several images together, each pixel under one view as well."""
    views = np.concatenate([part.views for part in parts], axis=1)[:, :, columns]
    numbers = np.repeat(np.arange(len(parts)), [len(part.classes) for part in parts])
    drawn = np.random.default_rng(seed).integers(0, len(views), len(numbers))
    strokes = np.concatenate([part.strokes for part in parts]) + 1000 * numbers
    classes = np.concatenate([part.classes for part in parts])
    changed = np.ascontiguousarray(views[drawn, np.arange(len(numbers))])
    nowhere = np.zeros(len(numbers), int)
    return LabelledPixels(
        np.ascontiguousarray(views[0]), classes, strokes, numbers, nowhere, nowhere, nowhere,
        changed=changed,
    )  # fmt: skip


def scores(
    parts: list[Part], unseen: list[Part], names: np.ndarray, keep: np.ndarray, kind: str
) -> tuple[float, float, str]:
    """Return the mIoU of none and of grey, and which of them `auto` is."""
    data, sources = trained(parts, keep, len(parts)), feature_sources(names[keep])
    count = int(data.classes.max()) + 1
    test = np.concatenate([part.scored for part in unseen])[:, keep]
    truth = np.concatenate([part.truth for part in unseen])
    found = []
    for features in (data.features, data.trained_on):
        learned = fit(kind, features, data.classes, count, sources=sources, trees=TREES)
        found.append(float(jaccard_score(truth, learned.predict(test), average="macro")))
    settings = tdseg.Settings(classifier=kind, trees=TREES)
    _, losses = held_out_losses(
        data, data.trained_on, settings, count, names[keep].tolist(), Silent()
    )
    return found[0], found[1], better(losses)


def main() -> None:
    """Print the table: means over splits and classifiers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", choices=list(SPLITS), default=list(SPLITS))
    parser.add_argument("--exposures", nargs="+", choices=EXPOSURES, default=EXPOSURES)
    options = parser.parse_args()
    print("| images | exposed | features | trainings | none | grey | auto | grey chosen |")
    print("|---|---|---|---|---|---|---|---|")
    every = []
    for name in options.sets:
        for exposure in options.exposures:
            views, parts = Views(), []
            for number, (image, truth) in enumerate(images_of(name)):
                drawn = redraw(truth, number, strokes=3, length=(15, 50), radius=1)
                parts.append(views.part(exposed(image, exposure, number), truth, drawn, number))
            names = np.array(views.names)
            for features in ("classical", "hybrid"):
                keep = (feature_sources(views.names) == 0) | (features == "hybrid")
                found = [
                    scores(
                        [parts[k] for k in split],
                        [part for k, part in enumerate(parts) if k not in split],
                        names,
                        keep,
                        kind,
                    )
                    for split in SPLITS[name]
                    for kind in KINDS
                ]
                print(_line(name, exposure, features, found), flush=True)
                every += found
    print(_line("all", "", "", every))


def _line(name: str, exposure: str, features: str, found: list[tuple[float, float, str]]) -> str:
    none, grey = np.mean([(each[0], each[1]) for each in found], axis=0)
    chosen = [each[2] == GREY for each in found]
    auto = np.mean([each[1] if each[2] == GREY else each[0] for each in found])
    cells = [name, exposure, features, len(found), f"{none:.3f}", f"{grey:.3f}", f"{auto:.3f}"]
    return f"| {' | '.join(str(cell) for cell in cells)} | {sum(chosen)} |"


if __name__ == "__main__":
    main()
