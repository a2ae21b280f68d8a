"""What a job left in its folder, and a small classifier."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

import tdseg


def train(seed: int = 0, **settings) -> tdseg.Model:
    rng = np.random.default_rng(0)
    pixels = np.concatenate([rng.integers(0, 90, (30, 20)), rng.integers(150, 255, (30, 20))], 1)
    labels = np.zeros((30, 40), np.uint8)
    labels[5:20, 3:8], labels[5:20, 30:35] = 1, 2
    options = {"features": "classical", "trees": 10, "held_out": False, "seed": seed}
    options |= {"classifier": "random_forest", **settings}
    image = tdseg.Image.from_array(pixels.astype(np.uint8), name="training")
    names = {1: "dark", 2: "bright"}
    return tdseg.train(
        [(image, tdseg.SparseLabels.from_label_image(labels, names))], tdseg.Settings(**options)
    )


def results(out: Path) -> list[str]:
    """Names in the results' folder, but for reports and contact sheets."""
    names = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    return [name for name in names if not name.startswith(("report", "contact-sheet"))]


def report(out: Path, name: str = "report.csv") -> list[dict[str, str]]:
    with (out / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
