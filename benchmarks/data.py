"""Images, sparse labels and truth that the benchmarks are measured on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile

import tdseg
from tdseg.images.samples import CLASS_NAMES, texture_mosaic

MICROGRAPHS = Path(__file__).resolve().parents[1] / "tests" / "data" / "micrographs"
GROUPS = ("alloy", "cells", "mosaic")
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
