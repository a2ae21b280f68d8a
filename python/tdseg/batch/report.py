"""``report.csv``: a row an image; ``report-classes.csv``: a row a class, over all images."""

from __future__ import annotations

import contextlib
import csv
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tdseg.batch.measures import Pooled, pooled
from tdseg.batch.outcome import FileOutcome
from tdseg.errors import TdsegError
from tdseg.runtime.files import is_file, name_of, write_file

NAME, CLASSES_NAME = "report.csv", "report-classes.csv"
Outcomes = Sequence[FileOutcome]
_FIRST = {NAME: "file,status,", CLASSES_NAME: "class,label,"}
_LEAST_SECONDS = 5.0
_SHARE = 20
"""Writing the report again and again takes at most this part of the time."""


class Report:
    """The report of a job; complete on disk after `close`, and now and then before.

    Parameters
    ----------
    folder
        Of the results.
    names, values
        Names and label values of the classes.
    particles, truth
        Whether particles were measured, and results compared with a truth.
    """

    def __init__(
        self,
        folder: Path,
        names: Sequence[str],
        values: Sequence[int],
        particles: bool = False,
        truth: bool = False,
    ) -> None:
        self.folder, self._names, self._values = folder, list(names), list(values)
        self._particles, self._truth = particles, truth
        self._next = time.monotonic() + _LEAST_SECONDS

    def check(self) -> None:
        """Refuse to replace files of these names that are no reports.

        Raises
        ------
        TdsegError
            If there is such a file.
        """
        for name, first in _FIRST.items():
            path = self.folder / name
            if not is_file(path):
                continue
            try:
                with path.open(encoding="utf-8", errors="replace") as stream:
                    ours = stream.read(len(first)) == first
            except OSError as error:
                raise TdsegError(f"File '{path}' cannot be read: {error.strerror}.") from None
            if not ours:
                raise TdsegError(
                    f"File '{path}' is not a report of tdseg and would be replaced; rename it, or "
                    "choose another output folder."
                )

    def shape(self) -> dict[str, Any]:
        """Return what makes another report of the same columns: `Report(folder, **shape)`."""
        return {
            "names": self._names,
            "values": self._values,
            "particles": self._particles,
            "truth": self._truth,
        }

    def now_and_then(
        self, outcomes: Callable[[], Outcomes], write: Callable[[Outcomes], None] | None = None
    ) -> None:
        """Write what there is, if that was not done lately; a full disk is told at the end.

        Parameters
        ----------
        outcomes
            Returns what is known; asked only where it is to be written.
        write
            Writes it; default: `close`.
        """
        began = time.monotonic()
        if began >= self._next:
            with contextlib.suppress(TdsegError):
                (write or self.close)(outcomes())
            took = time.monotonic() - began
            self._next = time.monotonic() + max(_LEAST_SECONDS, _SHARE * took)

    def close(self, outcomes: Outcomes) -> None:
        """Write both files."""
        _write(self.folder / NAME, self.columns(), self.rows(outcomes))
        rows = self.class_rows(outcomes)
        _write(self.folder / CLASSES_NAME, list(rows[0]), rows)

    def earlier_seconds(self) -> dict[str, float]:
        """Return what the report of an earlier job says of how long each image took."""
        path, found = self.folder / NAME, {}
        with contextlib.suppress(OSError, csv.Error, TdsegError):
            if is_file(path):
                with path.open(encoding="utf-8", errors="replace", newline="") as stream:
                    for row in csv.DictReader(stream):
                        with contextlib.suppress(ValueError, TypeError):
                            found[str(row.get("file"))] = float(row.get("seconds") or "")
        return found

    def columns(self) -> list[str]:
        """Return the columns of `rows`."""
        names = ["file", "status", "seconds", "width", "height", "slices", "frames", "unit"]
        for name in self._names:
            names += [f"pixels {name}", f"area {name}", f"fraction {name}"]
            if self._particles:
                names += [f"{what} {name}" for what in _PARTICLES]
            if self._truth:
                names.append(f"IoU {name}")
        if self._truth:
            names.append("mIoU")
        return [*names, "results", "note"]

    def rows(self, outcomes: Outcomes) -> list[dict[str, Any]]:
        """Return a row an image; what is not known is empty."""
        return [self._row(outcome) for outcome in outcomes]

    def _row(self, outcome: FileOutcome) -> dict[str, Any]:
        facts = outcome.facts
        row: dict[str, Any] = {
            "file": file_cell(outcome),
            "status": outcome.status,
            "seconds": outcome.seconds or "",
            "results": " ".join(name_of(path) for path in outcome.results.values()),
            "note": _text(outcome.error or outcome.note),
        }
        if facts:
            frames, slices, height, width = facts["shape"]
            row |= {"width": width, "height": height, "slices": slices, "frames": frames}
            row["unit"] = f"{facts['unit']}^2"
            total = sum(facts["pixels"])
            for k, name in enumerate(self._names):
                pixels = facts["pixels"][k]
                row[f"pixels {name}"] = pixels
                row[f"area {name}"] = pixels * facts["pixel_area"]
                row[f"fraction {name}"] = round(pixels / total, 6) if total else 0.0
                if self._particles and "particles" in facts:
                    row |= _particle_cells(name, facts["particles"][k], facts["pixel_area"])
        if outcome.agreement is not None:
            for name, iou in zip(self._names, outcome.agreement.iou, strict=True):
                row[f"IoU {name}"] = _rounded(iou)
            row["mIoU"] = _rounded(outcome.agreement.mean_iou)
        return row

    def class_rows(self, outcomes: Outcomes) -> list[dict[str, Any]]:
        """Return a row a class with its totals, and where there is truth one with the means."""
        measured = [o.facts for o in outcomes if o.facts]
        areas = {(f["unit"]) for f in measured}
        total = sum(sum(f["pixels"]) for f in measured)
        agreed = self.agreement(outcomes)
        rows = []
        for k, (name, value) in enumerate(zip(self._names, self._values, strict=True)):
            pixels = sum(f["pixels"][k] for f in measured)
            row: dict[str, Any] = {"class": name, "label": value, "images": len(measured)}
            row["pixels"] = pixels
            row["area"] = ""
            if len(areas) == 1:  # else they cannot be added
                row["area"] = sum(f["pixels"][k] * f["pixel_area"] for f in measured)
            row["unit"] = f"{next(iter(areas))}^2" if len(areas) == 1 else ""
            row["fraction"] = round(pixels / total, 6) if total else 0.0
            if self._truth:
                row["pooled IoU"] = _rounded(agreed.iou[k]) if agreed else ""
                row |= {"mean of images": "", "spread of images": ""}
            rows.append(row)
        if self._truth and agreed is not None:
            rows.append(
                {
                    "class": "(mean of classes)",
                    "images": agreed.images,
                    "pooled IoU": _rounded(agreed.mean_iou),
                    "mean of images": _rounded(agreed.per_image),
                    "spread of images": _rounded(agreed.spread),
                }
            )
        return rows

    def agreement(self, outcomes: Outcomes) -> Pooled | None:
        """Join the agreement of all images with their truth."""
        return pooled(o.agreement for o in outcomes if o.agreement is not None)


def file_cell(outcome: FileOutcome) -> str:
    """Return what stands in the column ``file``."""
    return _text(outcome.place or str(outcome.source))


_PARTICLES = ("particles", "mean size", "median size", "largest size")


def _particle_cells(name: str, found: Mapping[str, float], area: float) -> dict[str, Any]:
    sizes = [found[key] * area for key in ("mean", "median", "largest")]
    values = [found["count"], *sizes]
    return {f"{what} {name}": value for what, value in zip(_PARTICLES, values, strict=True)}


def _rounded(value: float | None) -> float | str:
    return "" if value is None else round(value, 4)


def _text(text: str) -> str:
    """Return a text that a file can hold: bytes of names that are no text become U+FFFD."""
    return "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in text)


def _write(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    def write(part: Path) -> None:
        with part.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)

    write_file(path, write, "overwrite")
