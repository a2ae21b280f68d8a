"""How good segmentations are, and whether the default is ever the worse choice.

A row is a task and a drawing of its strokes: 0 are the strokes that came with the image, others are
redrawn inside the truth (of the cells inside their labels; of the colour image other halves of its
strokes). A column is a choice of features and classifier: the mIoU on a sample of the truth, mean
of the seeds. Of an image with labels in one part and no truth (`--fields`), which should be the
same everywhere, it is the share of the first phase in nine fields.

The whole takes hours of CPU time; parts are written to a file, one line a row, and put together:

    python benchmarks/quality.py --groups m1 cells --draws 0 4 --results FILE.jsonl
    python benchmarks/quality.py --groups alloy --classifiers auto --results FILE.jsonl
    python benchmarks/quality.py --groups --fields IMAGE.tif LABELS.tif --results FILE.jsonl
    python benchmarks/quality.py --report FILE.jsonl [--pictures FOLDER]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

import tdseg
from data import DRAWN, Task, drawings
from quality_report import FIELDS, KINDS, report
from scoring import CHOICES, Prepared

GROUPS = (*DRAWN, "rgb")
DRAWS = (0, 4, 5, 12)
"""The constants of the default were chosen on drawings 6 to 11."""
SEEDS = (0, 1, 2)


def measured(
    task: Task, draw: int, seeds: Sequence[int], classifiers: Sequence[str]
) -> dict[str, Any]:
    """Return the row of a task with a drawing of its strokes."""
    started = time.process_time()
    prepared = Prepared(task, draw)
    scores, shares = {}, []
    for features, classifier in CHOICES:
        if classifier not in classifiers:
            continue
        found = []
        # A logistic regression draws nothing: all seeds give the same.
        for seed in seeds[:1] if classifier == "logistic_regression" else seeds:
            learned = prepared.learned(features, classifier, seed)
            found.append(prepared.score(learned))
            if (features, classifier) == ("hybrid", "auto"):
                shares.append(learned.settings.shares or learned.settings.features)
        scores[f"{features}, {classifier}"] = np.mean(found, axis=0).tolist()
    return {
        "task": task.name,
        "draw": draw,
        "seeds": list(seeds),
        "scores": scores,
        "shares": shares[0] if shares else "",
        "seconds": round(time.process_time() - started),
    }


def without_truth(image: Path, labels: Path) -> Task:
    """Return a task of an image whose labels have two values."""
    drawn = np.asarray(tifffile.imread(labels))
    values = np.unique(drawn[drawn > 0])
    codes = np.where(drawn > 0, np.searchsorted(values, drawn) + 1, 0).astype(np.uint8)
    sparse = tdseg.SparseLabels.from_label_image(codes, [str(value) for value in values])
    opened = tdseg.read_image(image)
    name = image.stem.removesuffix("_image")
    names = tuple(str(value) for value in values)
    return Task(name, opened, sparse, opened, np.zeros_like(codes), names)


def chosen(options: argparse.Namespace) -> Iterator[tuple[str, int, Task]]:
    """Yield group, drawing and task of what was asked for."""
    for group in options.groups:
        for draw in options.draws:
            for task in drawings(group, draw):
                yield group, draw, task
    if options.fields:
        yield FIELDS, 0, without_truth(*options.fields)


def joined(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put rows of one task and drawing together that were measured in parts."""
    found: dict[tuple[str, str, int], dict[str, Any]] = {}
    for row in rows:
        known = found.setdefault((row["group"], row["task"], row["draw"]), row)
        if known is not row:
            known["scores"] |= row["scores"]
            known["shares"] = row["shares"] or known["shares"]
            known["seconds"] += row["seconds"]
    order = [*GROUPS, FIELDS]
    return sorted(found.values(), key=lambda row: (order.index(row["group"]), row["draw"]))


def main() -> None:
    """Measure and write rows, or print the tables of rows that were written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", nargs="*", choices=GROUPS, default=GROUPS)
    parser.add_argument("--draws", nargs="+", type=int, default=DRAWS)
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    parser.add_argument("--classifiers", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--fields", nargs=2, type=Path, help="image and labels, without truth")
    parser.add_argument("--results", type=Path, help="file that rows are added to")
    parser.add_argument("--report", type=Path, nargs="+", help="files of rows; measures nothing")
    parser.add_argument("--pictures", type=Path, help="folder for pictures of the worst rows")
    options = parser.parse_args()
    rows = []
    for path in options.report or ():
        rows += [json.loads(line) for line in path.read_text().splitlines()]
    for group, draw, task in () if options.report else chosen(options):
        row = {"group": group, **measured(task, draw, options.seeds, options.classifiers)}
        rows.append(row)
        print(task.name, draw, f"{row['seconds']} s", flush=True)
        if options.results:
            with options.results.open("a") as file:
                file.write(json.dumps(row) + "\n")
    report(joined(rows), options.pictures)


if __name__ == "__main__":
    main()
