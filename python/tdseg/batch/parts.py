"""A job in several parts, each a process of its own, without a scheduler: ``part=2/8``.

Each part does every n-th image, keeps its rows in a file of its own, and the last one to end joins
them into the report. Nobody waits for anybody, and no two write the same file.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tdseg.batch.measures import Agreement
from tdseg.batch.outcome import FileOutcome
from tdseg.batch.provenance import Recipe
from tdseg.batch.report import Report, file_cell
from tdseg.batch.targets import Planned
from tdseg.errors import TdsegError
from tdseg.runtime.files import is_folder, make_folder, write_file

FOLDER = "report-parts"
"""Beside the report; may be deleted once the report is there."""

_NAME = re.compile(r"part-(\d+)-of-(\d+)-([0-9a-f]{8})(-running)?\.json")


@dataclass(frozen=True)
class Share:
    """One part of a job.

    Attributes
    ----------
    number, count
        The k-th, counted from 1, of so many.
    listing
        What tells the job's list of images from another; parts that found different images are
        not joined.
    """

    number: int
    count: int
    listing: str = ""

    @classmethod
    def parse(cls, text: str, planned: Iterable[Planned] = ()) -> Share | None:
        """Read ``2/8``; None for an empty text.

        Raises
        ------
        TdsegError
            If there is no such part.
        """
        if not text:
            return None
        number, count = (int(word) for word in text.split("/"))
        if not 1 <= number <= count:
            raise TdsegError(
                f"Key 'part' is '{text}': parts of {count} are 1/{count} to {count}/{count}; "
                "a scheduler that counts from 0 needs one more."
            )
        listing = hashlib.sha256()
        for one in planned:
            names = [one.source.place.as_posix(), *(str(path) for path in one.targets.values())]
            listing.update("\0".join([*names, ""]).encode("utf-8", "surrogateescape"))
        return cls(number, count, listing.hexdigest())

    @property
    def name(self) -> str:
        """As in names of files: ``2-of-8``."""
        return f"{self.number}-of-{self.count}"

    def numbers(self, images: int) -> range:
        """Return which of so many images are its own."""
        return range(self.number - 1, images, self.count)


class PartReport:
    """The rows of one part, complete on disk after `close`, and now and then before.

    Parameters
    ----------
    report
        Of the whole job.
    share
        The part.
    recipe
        How the job makes results; parts that make others are not joined.
    """

    def __init__(self, report: Report, share: Share, recipe: Recipe) -> None:
        self._report, self._share = report, share
        facts = [recipe.to_dict(), report.shape(), share.listing]
        job = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]
        self._name, self._job = f"part-{share.name}-{job}", job
        self._folder = report.folder / FOLDER

    def check(self) -> None:
        """As `Report.check`."""
        self._report.check()

    def now_and_then(self, outcomes: Callable[[], Sequence[FileOutcome]]) -> None:
        """As `Report.now_and_then`."""
        self._report.now_and_then(outcomes, self.close)

    def close(self, outcomes: Sequence[FileOutcome]) -> None:
        """Write the rows that are known."""
        self._write(f"{self._name}-running.json", outcomes)

    def end(self, outcomes: Sequence[FileOutcome]) -> str:
        """Write all rows; the last part to end joins those of all.

        Returns
        -------
        str
            A sentence that says how many parts have ended.
        """
        self._write(f"{self._name}.json", outcomes)
        (self._folder / f"{self._name}-running.json").unlink(missing_ok=True)
        ended = _ended(self._folder, self._job)
        first = f"This was part {self._share.number} of {self._share.count}; "
        if len(ended) < self._share.count:
            return f"{first}{len(ended)} have ended, and the last to end writes the report."
        join_parts(self._report.folder, self._job)
        return f"{first}all have ended, and the report has the rows of all."

    def earlier_seconds(self) -> dict[str, float]:
        """As `Report.earlier_seconds`; also of what an earlier run of this part left."""
        found = self._report.earlier_seconds()
        for name in (f"{self._name}.json", f"{self._name}-running.json"):
            with contextlib.suppress(TdsegError):
                _, rows = _read(self._folder / name)
                found |= {file_cell(row): row.seconds for row in rows if row.seconds}
        return found

    def _write(self, name: str, outcomes: Sequence[FileOutcome]) -> None:
        make_folder(self._folder)
        content = {"report": self._report.shape(), "rows": [_stored(one) for one in outcomes]}
        text = json.dumps(content)  # of ASCII: names of any bytes survive
        write_file(self._folder / name, lambda part: part.write_text(text), "overwrite")


@dataclass(frozen=True)
class Joined:
    """The rows of all parts of a job.

    Attributes
    ----------
    outcomes
        In the order of the job's images.
    count
        How many parts the job has.
    ended, running
        Numbers of the parts that have ended, and of those whose rows are not complete: they run,
        or were killed.
    """

    outcomes: list[FileOutcome]
    count: int
    ended: list[int]
    running: list[int]

    def sentence(self) -> str:
        """Say what is joined, and what is missing."""
        absent = sorted(set(range(1, self.count + 1)) - {*self.ended, *self.running})
        text = f"{len(self.ended)} of {self.count} parts have ended"
        if self.running:
            text += f"; not complete: {_listed(self.running)}"
        if absent:
            text += f"; not begun: {_listed(absent)}"
        return f"{text}."


def join_parts(folder: Path, job: str = "") -> Joined:
    """Write the report of a job from the rows of its parts, as far as they are there.

    Parameters
    ----------
    folder
        Of the results.
    job
        Which, by its identity; default: the one whose rows were written last.

    Returns
    -------
    Joined
        What was joined.

    Raises
    ------
    TdsegError
        If there are no parts, or a file cannot be read or written.
    """
    parts = folder / FOLDER
    names = _names(parts)
    if not names:
        raise TdsegError(
            f"Folder '{folder}' has no rows of parts; name the output folder of a job with part=."
        )
    if not job:
        newest = max(names, key=lambda name: ((parts / name).stat().st_mtime_ns, name))
        job = _matched(newest).group(3)
    by_number: dict[int, str] = {}
    for name in sorted(names):  # "….json" comes after "…-running.json"
        found = _matched(name)
        if found.group(3) == job:
            by_number[int(found.group(1))] = name
    rows: list[FileOutcome] = []
    shape: dict[str, Any] = {}
    for name in by_number.values():
        shape, own = _read(parts / name)
        rows += own
    rows.sort(key=lambda one: one.number)
    report = Report(folder, **shape)
    report.check()
    report.close(rows)
    running = sorted(number for number, name in by_number.items() if "-running" in name)
    count = int(_matched(next(iter(by_number.values()))).group(2))
    return Joined(rows, count, sorted(set(by_number) - set(running)), running)


def _names(parts: Path) -> list[str]:
    if not is_folder(parts):
        return []
    return [path.name for path in parts.iterdir() if _NAME.fullmatch(path.name)]


def _matched(name: str) -> re.Match[str]:
    found = _NAME.fullmatch(name)
    assert found is not None
    return found


def _ended(parts: Path, job: str) -> set[int]:
    found = (_matched(name) for name in _names(parts))
    return {int(one.group(1)) for one in found if one.group(3) == job and not one.group(4)}


def _read(path: Path) -> tuple[dict[str, Any], list[FileOutcome]]:
    try:
        content = json.loads(path.read_text())
        return dict(content["report"]), [_restored(row) for row in content["rows"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TdsegError(
            f"File '{path}' cannot be read ({error}); delete it and start its part again."
        ) from None


def _stored(outcome: FileOutcome) -> dict[str, Any]:
    row: dict[str, Any] = {
        "number": outcome.number,
        "source": str(outcome.source),
        "place": outcome.place,
        "skipped": outcome.skipped,
        "error": outcome.error,
        "seconds": outcome.seconds,
        "note": outcome.note,
        "otherwise": outcome.otherwise,
        "written": [str(path) for path in outcome.written],
        "results": {kind: str(path) for kind, path in outcome.results.items()},
        "facts": dict(outcome.facts),
    }
    if outcome.agreement is not None:
        row["agreement"] = asdict(outcome.agreement)
    return row


def _restored(row: dict[str, Any]) -> FileOutcome:
    agreed = row.pop("agreement", None)
    if agreed is not None:
        agreed = Agreement(**{name: tuple(values) for name, values in agreed.items()})
    return FileOutcome(
        Path(row.pop("source")),
        tuple(Path(path) for path in row.pop("written")),
        results={kind: Path(path) for kind, path in row.pop("results").items()},
        agreement=agreed,
        **row,
    )


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:10])
    return f"{shown} and {len(numbers) - 10} more" if len(numbers) > 10 else shown
