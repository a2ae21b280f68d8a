"""What a job has found out of its images: outcomes, report and contact sheets, as they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tdseg.batch.contact_sheet import Pair, Sheets, check_pages
from tdseg.batch.one_file import FileWork
from tdseg.batch.outcome import FileOutcome
from tdseg.batch.parts import PartReport, Share
from tdseg.batch.report import Report, file_cell
from tdseg.batch.targets import Planned
from tdseg.errors import TdsegError
from tdseg.runtime.files import look_up
from tdseg.runtime.progress import Progress


class Collected:
    """The outcomes of a job's images; all calls come from one thread.

    Parameters
    ----------
    work
        Of the job.
    planned
        Its images: their numbers are their places here.
    folder
        Of the results.
    share
        Which part of a larger job these images are.
    progress
        Hears why a page or a report could not be written.
    """

    def __init__(
        self,
        work: FileWork,
        planned: Sequence[Planned],
        folder: Path,
        share: Share | None,
        progress: Progress,
    ) -> None:
        self._work, self._planned, self._folder = work, planned, folder
        self._share, self._progress = share, progress
        self._outcomes: list[FileOutcome | None] = [None] * len(planned)
        self._earlier: dict[str, float] | None = None
        spec = work.spec
        table = Report(
            folder,
            spec.model.class_names,
            spec.values,
            spec.options.particles,
            bool(spec.options.truth),
        )
        self._report: Report | PartReport = table
        part = ""
        if share is not None:
            self._report, part = PartReport(table, share, spec.recipe), share.name
        self._sheets: Sheets | None = None
        if spec.options.contact_sheet:
            self._sheets = Sheets(folder, len(planned), self._pair_of, self._fact_of, part)
        self._part = part

    def check(self) -> None:
        """Refuse to replace files of somebody else's that have the names of ours.

        Raises
        ------
        TdsegError
            If there is one.
        """
        self._report.check()
        if self._sheets is not None:
            check_pages(self._folder, len(self._planned), self._part)

    def settle(self, number: int, outcome: FileOutcome, pair: Pair | None = None) -> None:
        """Take the outcome of an image, and its small pictures if there are any already."""
        first, step = (0, 1) if self._share is None else (self._share.number - 1, self._share.count)
        self._outcomes[number] = replace(outcome, number=first + step * number)
        if self._sheets is None:
            return
        try:
            self._sheets.done(number, pair)
        except TdsegError as error:  # a full disk: the results count, not their pictures
            self._progress.note(str(error))

    def earlier_seconds(self, planned: Planned) -> float:
        """Return how long an image took in the run that made its results; 0 if nobody knows."""
        if self._earlier is None:
            self._earlier = self._report.earlier_seconds()
        outcome = FileOutcome(planned.source.path, place=planned.source.place.as_posix())
        return self._earlier.get(file_cell(outcome), 0.0)

    def known(self) -> list[FileOutcome]:
        """Return the outcomes that are known, in the images' order."""
        return [outcome for outcome in self._outcomes if outcome is not None]

    def write_now_and_then(self) -> None:
        """Write the report, if that was not done lately."""
        self._report.now_and_then(self.known)

    def close(self) -> None:
        """Write the report for good."""
        known = self.known()
        try:
            if isinstance(self._report, PartReport) and len(known) == len(self._planned):
                self._progress.note(self._report.end(known))
            else:
                self._report.close(known)
        except TdsegError as error:  # the outcomes are told all the same
            self._progress.note(str(error))

    def _pair_of(self, number: int) -> Pair:
        """Make the small pictures of a result that an earlier run wrote, or of none."""
        one, outcome = self._planned[number], self._outcomes[number]
        if outcome is None or outcome.error:
            return Pair(f"{one.source.place.as_posix()}: failed", failed=True)
        return self._work.pair_of_files(one)

    def _fact_of(self, number: int) -> str:
        """Return what tells one result on a contact sheet from another."""
        outcome = self._outcomes[number]
        assert outcome is not None
        facts = [outcome.place, outcome.error]
        for path in () if outcome.error else outcome.results.values():
            found = look_up(path)
            if found is not None:
                facts.append(f"{found.st_size} {found.st_mtime_ns}")
        return " ".join(facts)
