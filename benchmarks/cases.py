"""The case studies: how good each way of working is on images that nobody labelled.

A row is a case, a drawing of its strokes, and a choice of features, classifier and `augment`; it
is trained on the labelled images with ``refine=auto`` and applied to the unseen ones, whose mIoU
is told without a CRF, with the fixed one and as `auto` chose. Rows are written to a file; results
for pictures to ``output/cases`` beside this file.

    python benchmarks/cases.py cells --features classical deep hybrid --results cells.jsonl
    python benchmarks/cases.py micrographs --drawings 0 1 2 --results micrographs.jsonl
    python benchmarks/cases.py --report cells.jsonl
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import tdseg
from data import DRAWN, OUTPUT, drawings
from tdseg.batch.measures import Agreement, agreement, pooled
from tdseg.runtime.progress import Silent
from tdseg.samples.case_folders import (
    LABELLED,
    TRUTH,
    UNSEEN,
    case_of_cells,
    case_of_micrographs,
    write_case,
)

CASES = {"cells": case_of_cells, "micrographs": case_of_micrographs}
REFINEMENTS = ("none", "crf", "auto")
FEATURES = ("classical", "deep", "hybrid")
CHECKOUT = ("alloy", "m1", "cells")
"""Groups of ``data.py`` with strokes of their own that join the micrographs as drawing 0."""

Pair = tuple[tdseg.Image, tdseg.SparseLabels]


class Notes(Silent):
    """Keeps what is said of choices."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def note(self, message: str) -> None:
        """Keep a line that tells what was chosen."""
        if message.startswith(("Brightness", "Features that", "refine=auto")):
            self.lines.append(message)


class Kind:
    """Images of one kind: labelled ones, unseen ones, and the truth of these."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.labelled: list[Pair] = []
        self.unseen: list[tuple[str, tdseg.Image, tdseg.Image | None]] = []

    @classmethod
    def of_folder(cls, folder: Path, name: str) -> Kind:
        """Read what `write_case` wrote."""
        kind = cls(name)
        for path in sorted((folder / LABELLED).iterdir()):
            image = tdseg.read_image(path)
            kind.labelled.append((image, tdseg.read_labels(path, image)))
        for path in sorted((folder / UNSEEN).iterdir()):
            truth = folder / TRUTH / path.name
            known = tdseg.read_image(truth) if truth.is_file() else None
            kind.unseen.append((path.stem, tdseg.read_image(path), known))
        return kind


def kinds_of(case: str, drawing: int) -> Iterator[Kind]:
    """Yield the kinds of images of a case, from the TIFFs that users get."""
    folder = OUTPUT / "cases" / f"{case}-{drawing}"
    write_case(folder, partial(CASES[case], drawing=drawing)())
    if case == "cells":
        yield Kind.of_folder(folder, case)
        return
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        yield Kind.of_folder(place, place.name)
    for group in CHECKOUT if drawing == 0 else set(CHECKOUT) & set(DRAWN):
        for task in drawings(group, drawing):
            kind = Kind(task.name)
            kind.labelled = [(task.train_image, task.train_labels)]
            truth = tdseg.Image.from_array(task.truth)
            kind.unseen = [(task.name, task.test_image, truth)]
            yield kind


def measured(kind: Kind, drawing: int, seed: int, values: dict[str, Any]) -> dict[str, Any]:
    """Train and apply; return the row, and write the labels for pictures."""
    notes, started = Notes(), time.process_time()
    settings = tdseg.Settings(refine="auto", seed=seed, **values)
    model = tdseg.train(kind.labelled, settings, progress=notes)
    trained = time.process_time() - started
    found: dict[str, list[Agreement | None]] = defaultdict(list)
    spent = dict.fromkeys(REFINEMENTS, 0.0)
    labels = {}
    for name, image, truth in kind.unseen:
        for how, result in refined(model, image, spent):
            labels[f"{name} {how}"] = result[0, 0]
            if truth is not None:
                found[how].append(agreement(result, truth, model.class_values))
    row = {
        "kind": kind.name,
        "drawing": drawing,
        "seed": seed,
        **values,
        "held_out": model.report.iou if model.report else [],
        "chosen": model.summary.get("refinement", {}).get("chosen", ""),
        "notes": notes.lines,
        "train_s": round(trained, 1),
        "apply_s": {how: round(s / len(kind.unseen), 2) for how, s in spent.items()},
        "scores": {},
    }
    for how, each in found.items():
        joined = pooled(a for a in each if a is not None)
        if joined is not None:
            row["scores"][how] = {
                "mean": joined.per_image,
                "spread": joined.spread,
                "pooled": joined.iou,
                "each": [a.mean_iou for a in each if a is not None],
            }
    what = "-".join([kind.name, str(drawing), *(str(v) for v in values.values())])
    np.savez_compressed(OUTPUT / "cases" / f"{what.replace(' ', '_')}.npz", **labels)
    return row


def refined(
    model: tdseg.Model, image: tdseg.Image, spent: dict[str, float]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield labels (T, Z, Y, X) without a CRF, with the fixed one, and as `auto` chose."""
    started = time.process_time()
    plain = model.settings.with_(refine="none")
    result = tdseg.apply(model, image, settings=plain)
    assert result.probabilities is not None
    spent["none"] += time.process_time() - started
    yield "none", result.labels
    for how, settings in (("crf", tdseg.Settings(refine="crf")), ("auto", model.settings)):
        started = time.process_time()
        if settings.refine == "none":
            yield how, result.labels
            continue
        better = tdseg.refine_crf(result.probabilities, image, settings)
        spent[how] += time.process_time() - started
        values = np.asarray(model.class_values)
        yield how, values[better.argmax(axis=2)].astype(result.labels.dtype)


def report(rows: Sequence[dict[str, Any]]) -> None:
    """Print a line for each kind and choice: means over drawings."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        backbone = row.get("backbone", "offline")
        key = (row["kind"], row["features"], row["classifier"], row["augment"], backbone)
        groups[key].append(row)
    print("| images | features | classifier | augment | network | drawings | refine | mIoU | "
          "spread | pooled IoU | held out | chosen | CPU s: train, an image |")  # fmt: skip
    print("|---|" + "---|" * 12)
    for key, each in groups.items():
        for how in REFINEMENTS:
            scores = [row["scores"][how] for row in each if how in row["scores"]]
            if not scores:
                continue
            means = [s["mean"] for s in scores]
            cells = [*key, " ".join(str(row["drawing"]) for row in each), how]
            cells += [f"{np.mean(means):.3f} ({' '.join(f'{m:.3f}' for m in means)})"]
            cells += [f"{np.mean([s['spread'] for s in scores]):.3f}"]
            cells += [_numbers(np.mean([s["pooled"] for s in scores], axis=0))]
            held = [row["held_out"] for row in each if None not in row["held_out"]]
            cells += [_numbers(np.mean(held, axis=0)) if held and held[0] else ""]
            cells += [" ".join(row["chosen"] for row in each) if how == "auto" else ""]
            once = np.mean([row["train_s"] for row in each])
            cells += [f"{once:.0f}, {np.mean([row['apply_s'][how] for row in each]):.2f}"]
            print("|", " | ".join(str(cell) for cell in cells), "|")


def _numbers(values: np.ndarray) -> str:
    return " ".join(f"{v:.3f}" for v in np.atleast_1d(values))


def main() -> None:
    """Measure and write rows, or print the table of rows that were written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", nargs="?", choices=CASES)
    parser.add_argument("--kinds", nargs="+", help="only these kinds of micrographs")
    parser.add_argument("--features", nargs="+", choices=FEATURES, default=["hybrid"])
    parser.add_argument("--classifiers", nargs="+", default=["auto"])
    parser.add_argument("--augment", nargs="+", default=["auto"])
    parser.add_argument("--backbone", default="offline")
    parser.add_argument("--drawings", nargs="+", type=int, default=[0])
    parser.add_argument("--results", type=Path, help="file that rows are added to")
    parser.add_argument("--report", type=Path, nargs="+", help="files of rows; measures nothing")
    options = parser.parse_args()
    rows = []
    for path in options.report or ():
        rows += [json.loads(line) for line in path.read_text().splitlines()]
    for drawing in options.drawings if options.case else ():
        for kind in kinds_of(options.case, drawing):
            if options.kinds and kind.name not in options.kinds:
                continue
            for features in options.features:
                for classifier in options.classifiers:
                    for augment in options.augment:
                        values = {
                            "features": features,
                            "classifier": classifier,
                            "augment": augment,
                            "backbone": options.backbone,
                        }
                        rows.append(measured(kind, drawing, drawing, values))
                        if options.results:
                            with options.results.open("a") as file:
                                file.write(json.dumps(rows[-1]) + "\n")
    report(rows)


if __name__ == "__main__":
    main()
