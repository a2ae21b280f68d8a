"""The tables of `quality.py`, and pictures of its worst rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

import tdseg
from data import Task, drawings
from scoring import AUTO, CACHE, CHOICES, SINGLE

Row = Mapping[str, Any]
NAMES = [", ".join(choice) for choice in CHOICES]
SINGLE_NAMES = [", ".join(choice) for choice in SINGLE]
DEFAULT = ", ".join(AUTO)
FIELDS = "fields"
"""The group of images without truth."""
KINDS = ("random_forest", "logistic_regression", "auto")
WORST = 4
COLOURS = np.array([[0, 0, 0], [230, 85, 60], [60, 170, 90], [70, 110, 220], [240, 200, 60]])


def report(rows: Sequence[Row], pictures: Path | None = None) -> None:
    """Print all tables; write pictures of the rows that the default loses most on."""
    whole = [row for row in rows if set(row["scores"]) == set(NAMES)]
    for row in rows:
        if row not in whole:
            print(f"Measured in part: {row['task']}, drawing {row['draw']}")
    rows = whole
    fields = [row for row in rows if row["group"] == FIELDS]
    scored = [row for row in rows if row["group"] != FIELDS]
    if scored:
        _table(scored)
        _summary(scored)
    if fields:
        _fields(fields)
    if scored and pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        for row in sorted(scored, key=_regret)[: -WORST - 1 : -1]:
            print(f"\n{_draw(row, pictures)}: regret {_regret(row):.3f}")


def _regret(row: Row) -> float:
    """Return how far the default is below the best single choice."""
    return float(max(row["scores"][name] for name in SINGLE_NAMES) - row["scores"][DEFAULT])


def _below(row: Row, kind: str) -> float:
    """Return how far hybrid is below the better of its halves, by one kind of classifier.

    The halves of the default are those of all single choices.
    """
    kinds = KINDS[:-1] if kind == KINDS[-1] else (kind,)
    halves = [row["scores"][f"{half}, {k}"] for half in ("classical", "deep") for k in kinds]
    return float(max(halves) - row["scores"][f"hybrid, {kind}"])


def _line(*cells: object) -> None:
    print("|", " | ".join(str(cell) for cell in cells), "|")


def _table(rows: Sequence[Row]) -> None:
    _line("trained on", "drawing", *(n.replace("_", " ") for n in NAMES), "its shares", "CPU s")
    print("|---" * (len(NAMES) + 4) + "|")
    for row in rows:
        values = [f"{row['scores'][name]:.3f}" for name in NAMES]
        _line(row["task"], row["draw"], *values, row["shares"], row["seconds"])


def _summary(rows: Sequence[Row]) -> None:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["group"]].append(row)
    groups["all"] = list(rows)
    print("\nHow often and how far hybrid is below the better of its halves\n")
    _line("images", "rows", *(f"{kind.replace('_', ' ')}: rows, mean, most" for kind in KINDS))
    print("|---" * (len(KINDS) + 2) + "|")
    for group, members in groups.items():
        cells = []
        for kind in KINDS:
            gaps = np.array([_below(row, kind) for row in members])
            cells.append(f"{(gaps > 0).sum()}, {gaps.mean():.3f}, {gaps.max():.3f}")
        _line(group, len(members), *cells)
    print("\nThe default beside the single choices\n")
    heads = ("best single choice", "its mean", "regret of the mean", "of each row", "at most")
    _line("images", "rows", "default, mean", *heads)
    print("|---" * 8 + "|")
    for group, members in groups.items():
        mean = {name: np.mean([row["scores"][name] for row in members]) for name in NAMES}
        best = max(SINGLE_NAMES, key=lambda name: mean[name])
        regrets = [_regret(row) for row in members]
        _line(
            group,
            len(members),
            f"{mean[DEFAULT]:.3f}",
            best.replace("_", " "),
            f"{mean[best]:.3f}",
            f"{mean[best] - mean[DEFAULT]:.3f}",
            f"{np.mean(regrets):.3f}",
            f"{max(regrets):.3f}",
        )


def _fields(rows: Sequence[Row]) -> None:
    print("\nShare of the first phase in nine fields: largest less smallest (mean)\n")
    _line("image", *(name.replace("_", " ") for name in NAMES), "its shares")
    print("|---" * (len(NAMES) + 2) + "|")
    for row in rows:
        values = [f"{row['scores'][n][0]:.3f} ({row['scores'][n][1]:.2f})" for n in NAMES]
        _line(row["task"], *values, row["shares"])


def _draw(row: Row, folder: Path) -> Path:
    """Write image, strokes, truth, the default and the best single choice side by side."""
    [task] = [t for t in drawings(row["group"], row["draw"]) if t.name == row["task"]]
    best = max(SINGLE_NAMES, key=lambda name: row["scores"][name])
    grey = _grey(task.test_image)
    strokes = task.train_labels.to_label_image()[0, 0]
    tiles = [
        ("image", grey),
        ("trained on", _tinted(_grey(task.train_image), strokes, 1.0)),
        ("truth", _tinted(grey, task.truth)),
    ]
    for name in (DEFAULT, best):
        features, classifier = name.split(", ")
        settings = tdseg.Settings(
            features=features, classifier=classifier, seed=row["draw"], held_out=False
        )
        found = _labels(task, settings)
        tiles.append((f"{name} {row['scores'][name]:.3f}", _tinted(grey, found)))
    height = max(len(picture) for _, picture in tiles)
    sheet = Picture.new("RGB", (sum(p.shape[1] + 4 for _, p in tiles), height + 14), "white")
    left = 0
    for caption, picture in tiles:
        ImageDraw.Draw(sheet).text((left + 2, 1), caption, fill="black")
        sheet.paste(Picture.fromarray(picture), (left, 14))
        left += picture.shape[1] + 4
    path = folder / f"{row['task'].replace(', ', '-').replace(' ', '-')}-{row['draw']}.png"
    sheet.save(path)
    return path


def _labels(task: Task, settings: tdseg.Settings) -> np.ndarray:
    model = tdseg.train([(task.train_image, task.train_labels)], settings, cache=CACHE)
    result = tdseg.apply(model, task.test_image, probabilities=False, cache=CACHE)
    return np.asarray(result.labels[0, 0])


def _grey(image: tdseg.Image) -> np.ndarray:
    pixels = image.plane(0)
    return np.repeat(pixels, 3, 2) if pixels.shape[2] == 1 else pixels


def _tinted(grey: np.ndarray, labels: np.ndarray, strength: float = 0.5) -> np.ndarray:
    colours = COLOURS[np.minimum(labels, len(COLOURS) - 1)]
    mixed = (1 - strength) * grey + strength * colours
    return np.where((labels > 0)[:, :, None], mixed, grey).astype(np.uint8)
