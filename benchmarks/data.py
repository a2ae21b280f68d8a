"""Images, sparse labels and truth that the benchmarks are measured on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tifffile

import tdseg
from tdseg.samples.mosaic import CLASS_NAMES, texture_mosaic
from tdseg.samples.strokes import redraw

MICROGRAPHS = Path(__file__).resolve().parents[1] / "tests" / "data" / "micrographs"
GROUPS = ("alloy", "cells", "mosaic")
DRAWN = {
    # Strokes of each class, shortest and longest, and the radius of the brush.
    "m1": (3, (15, 60), 3),
    "alloy": (10, (15, 60), 1),
    "cells": (7, (40, 120), 2),
    "mosaic": (3, (30, 90), 0),
}
"""How strokes are redrawn; the cells' inside their labels, since there is no other truth."""
OUTPUT = Path(__file__).resolve().parent / "output"


@dataclass(frozen=True)
class Task:
    """Train on one image's labels, score on another's truth (0 = not scored)."""

    name: str
    train_image: tdseg.Image
    train_labels: tdseg.SparseLabels
    test_image: tdseg.Image
    truth: np.ndarray
    class_names: tuple[str, ...]


def _task(
    name: str,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    names: tuple[str, ...],
) -> Task:
    image, labels = train
    return Task(
        name,
        tdseg.Image.from_array(image, name=name),
        tdseg.SparseLabels.from_label_image(labels, names),
        tdseg.Image.from_array(test[0], name=f"{name} (test)"),
        test[1],
        names,
    )


def read(name: str) -> np.ndarray:
    """Read a micrograph, its labels or its truth."""
    return np.asarray(tifffile.imread(MICROGRAPHS / f"{name}.tif"))


def drawings(group: str, draw: int) -> list[Task]:
    """Return the tasks of a group with strokes of their own.

    Parameters
    ----------
    group
        A group of `tasks`, or "rgb", half of whose strokes train and half are scored.
    draw
        0: the strokes that came with the image; others: seeds of redrawn ones.
    """
    if group == "rgb":
        return [_halves(draw)]
    if draw == 0:
        return tasks(group)
    strokes, length, radius = DRAWN[group]
    redrawn = []
    for task in tasks(group):
        # The cells' and the second mosaic's truth are those of another image.
        source = tasks("mosaic")[0].truth if group == "mosaic" else task.truth
        if group == "cells":
            source = task.train_labels.to_label_image()[0, 0]
        drawn = redraw(source, draw, strokes=strokes, length=length, radius=radius)
        labels = tdseg.SparseLabels.from_label_image(drawn, task.class_names)
        redrawn.append(replace(task, train_labels=labels))
    return redrawn


def _halves(draw: int) -> Task:
    """Return the colour micrograph: half of the strokes of each class train, drawn by seed."""
    labels = tdseg.SparseLabels.from_label_image(read("rgb_labels"), ("1", "2", "3"))
    rng = np.random.default_rng(draw)
    trained = np.zeros(len(labels), bool)
    for value in labels.values:
        strokes = rng.permutation(np.unique(labels.group[labels.value == value]))
        trained |= np.isin(labels.group, strokes[: (len(strokes) + 1) // 2])
    image = tdseg.Image.from_array(read("rgb_image"), name="rgb")
    truth = labels.select(~trained).to_label_image()[0, 0]
    return Task("rgb", image, labels.select(trained), image, truth, ("1", "2", "3"))


def tasks(group: str) -> list[Task]:
    """Return the tasks of a group: "alloy", "m1", "cells" (both directions) or "mosaic"."""
    if group == "alloy":
        image = read("alloy_image")
        names = ("matrix", "gamma prime", "rare phase")
        return [_task("alloy", (image, read("alloy_labels")), (image, read("alloy_truth")), names)]
    if group == "m1":
        image, names = read("m1_image"), ("dark", "bright")
        return [_task("m1", (image, read("m1_labels")), (image, read("m1_truth")), names)]
    if group == "cells":
        cells = {k: (read(f"tcell_{k}_image"), read(f"tcell_{k}_labels")) for k in "ab"}
        names = ("nucleus", "cytoplasm", "background")
        return [_task(f"cell {a} to {b}", cells[a], cells[b], names) for a, b in ("ab", "ba")]
    if group == "mosaic":
        sample, unseen = texture_mosaic(), texture_mosaic(mirrored=True)
        pair = (sample.image, sample.labels)
        return [
            _task("mosaic", pair, (sample.image, sample.truth), CLASS_NAMES),
            _task("mosaic, unseen", pair, (unseen.image, unseen.truth), CLASS_NAMES),
        ]
    raise ValueError(group)
