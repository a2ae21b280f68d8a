"""Apply one classifier to many files; one bad file does not stop the rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tdseg.batch.contact_sheet import Pair, Sheets, check_pages, small_pair
from tdseg.batch.existing import Decision, decide, kept_labels
from tdseg.batch.inputs import ENDINGS, IMAGEJ_ENDINGS, find_sources
from tdseg.batch.job_progress import JobProgress
from tdseg.batch.measures import Agreement, agreement, facts_of
from tdseg.batch.outcome import FileOutcome
from tdseg.batch.partners import partner
from tdseg.batch.pipeline import Finished, WriteBehind, read_ahead
from tdseg.batch.provenance import Recipe, file_facts, info_line
from tdseg.batch.report import Report
from tdseg.batch.reserve import reserved
from tdseg.batch.targets import Planned, plan_targets
from tdseg.classifiers.model import Model
from tdseg.errors import Cancelled, TdsegError
from tdseg.images.image import Image
from tdseg.images.image_files import (
    read_image,
    write_labels,
    write_probabilities,
    write_uncertainty,
)
from tdseg.images.planes import plane_grid, planes_of_slices
from tdseg.options.groups import ApplyJobOptions
from tdseg.options.settings import Settings
from tdseg.runtime.files import look_up, make_folder
from tdseg.runtime.leftovers import sweep
from tdseg.runtime.progress import Progress, Silent
from tdseg.workflow.apply import Result, apply

Read = Callable[[Path], Image]
"""Reads an image file."""


def apply_to_files(
    model: Model,
    inputs: Iterable[Path],
    folder: Path,
    *,
    slices: str = "all",
    settings: Settings | None = None,
    progress: Progress | None = None,
    read: Read | None = None,
    **options: Any,
) -> list[FileOutcome]:
    """Segment files, patterns and folders; results appear only when complete.

    While one image is segmented, the next is read and the one before is written. A job that was
    killed goes on where it stopped when it is started again.

    Parameters
    ----------
    model
        Loaded once for all files.
    inputs
        Image files, folders, and patterns with ``*``.
    folder
        Where ``<stem>-labels.tif``, ``<stem>-probabilities.tif``, ``<stem>-uncertainty.tif`` go,
        in subfolders as the images are; made if missing. Besides: ``report.csv``,
        ``report-classes.csv``, and contact sheets.
    slices
        As the macro key; "current" is the first plane.
    settings
        Overrides, as for `tdseg.apply`.
    progress
        Hears of files and planes; may cancel between them.
    read
        Reads the files, on the caller's thread, instead of `tdseg.read_image`.
    **options
        Keys of `ApplyJobOptions`: output, existing, filter, recursive, suffix, truth, particles,
        contact_sheet.

    Returns
    -------
    list[FileOutcome]
        One per image, in their order.

    Raises
    ------
    TdsegError
        Before anything is written: if there are no images, the folder cannot be made, two images
        would write the same file, or a file of the report's name is none.
    """
    job = ApplyJobOptions.from_mapping(options)
    progress = progress or Silent()
    endings = ENDINGS if read is None else IMAGEJ_ENDINGS
    sources = find_sources(
        [Path(given) for given in inputs],
        filter=job.filter,
        recursive=job.recursive,
        leave_out=folder,
        endings=endings,
    )
    planned = plan_targets(sources, folder, job.output, job.suffix)
    make_folder(folder)
    return _Job(
        model, planned, folder, job, slices, settings or model.settings, read, progress
    ).run()


@dataclass
class _Read:
    """An image that was read, with the facts of its file."""

    image: Image
    facts: dict[str, Any]
    seconds: float


@dataclass
class _Done:
    """An image that was segmented."""

    number: int
    read: _Read
    result: Result
    seconds: float


class _Job:
    def __init__(
        self,
        model: Model,
        planned: Sequence[Planned],
        folder: Path,
        options: ApplyJobOptions,
        slices: str,
        settings: Settings,
        read: Read | None,
        progress: Progress,
    ) -> None:
        self._model, self._planned, self._folder = model, planned, folder
        self._options, self._slices, self._settings = options, slices, settings
        self._reader, self._progress = read, progress
        self._values = [v + settings.first_label - 1 for v in model.class_values]
        self._recipe = Recipe.of(model, settings, slices)
        self._outcomes: list[FileOutcome | None] = [None] * len(planned)
        self._pairs: dict[int, Pair] = {}
        self._finished = Finished()
        self._report = Report(
            folder, model.class_names, self._values, options.particles, bool(options.truth)
        )
        self._sheets: Sheets | None = None
        if options.contact_sheet:
            self._sheets = Sheets(folder, len(planned), self._pair_of, self._fact_of)

    def run(self) -> list[FileOutcome]:
        """Do all files; what is known is in the report, however the job ends."""
        self._report.check()
        if self._sheets is not None:
            check_pages(self._folder, len(self._planned))
        for parent in {path.parent for p in self._planned for path in p.targets.values()}:
            sweep(parent)
        with reserved(self._folder, len(self._planned)) as give_room:
            try:
                todo = self._decide()
                self._segment(todo)
            finally:
                self._take_finished()
                give_room()
                self._write_report()
        return self._known()

    def _decide(self) -> dict[int, Decision]:
        """Look at results that exist; return what is to be done, by number."""
        todo = {}
        for number, one in enumerate(self._planned):
            self._progress.update(0.0, "looking at results that exist")
            outcome = FileOutcome(one.source.path, place=one.source.place.as_posix())
            try:
                decision = decide(one, self._options.existing, self._recipe)
            except TdsegError as error:
                self._settle(number, replace(outcome, error=str(error)))
                continue
            if decision.todo:
                todo[number] = decision
                continue
            outcome = replace(outcome, skipped=True, note=decision.note, results=dict(one.targets))
            self._settle(number, self._measured(outcome, one, decision))
        return todo

    def _measured(self, outcome: FileOutcome, one: Planned, decision: Decision) -> FileOutcome:
        """Add what a result says of itself; measure it where it says nothing."""
        row = (decision.made or {}).get("row", {})
        wanted = row.get("values") == self._values
        wanted = wanted and ("particles" in row or not self._options.particles)
        if wanted and not self._options.truth:
            return replace(outcome, facts=row)
        try:
            labels, image = kept_labels(one.targets, self._values)
            if not wanted:
                seconds = float(row.get("seconds", 0.0))
                row = facts_of(labels, image, self._values, seconds, self._options.particles)
            agreed, note = self._compared(one, labels)
        except Exception as error:  # a result of somebody else's may be anything
            note = f"{outcome.note} its pixels cannot be measured: {error}".strip()
            return replace(outcome, note=note)
        notes = " ".join(text for text in (outcome.note, note) if text)
        return replace(outcome, facts=row, agreement=agreed, note=notes)

    def _segment(self, todo: dict[int, Decision]) -> None:
        job = JobProgress(self._progress, len(todo))
        writer = WriteBehind[_Done](lambda done: self._finish(done, todo[done.number]))
        try:
            for number, read in read_ahead(todo, self._read, self._reader is None):
                self._one(number, read, todo[number], job, writer)
                del read
                job.next_file()
                self._take_finished()
                self._report.now_and_then(self._known())
        finally:
            writer.close()
        if todo:
            self._progress.update(1.0)

    def _one(
        self,
        number: int,
        read: _Read | Exception,
        decision: Decision,
        job: JobProgress,
        writer: WriteBehind[_Done],
    ) -> None:
        began = time.monotonic()
        try:
            if isinstance(read, Exception):
                raise read
            for sentence in read.image.notes:
                job.note(sentence)
            result = apply(
                self._model,
                read.image,
                probabilities="probabilities" in decision.todo,
                uncertainty="uncertainty" in decision.todo,
                planes=planes_of_slices(read.image, self._slices),
                settings=self._settings,
                progress=job,
            )
        except Cancelled:
            raise
        except Exception as error:  # one bad file must not stop the rest
            self._failed(number, error)
        else:
            seconds = round(read.seconds + time.monotonic() - began, 3)
            writer.put(_Done(number, read, result, seconds))

    def _read(self, number: int) -> _Read:
        """Read an image; runs on the reader's thread."""
        began, path = time.monotonic(), self._planned[number].source.path
        image = (self._reader or read_image)(path)
        return _Read(image, file_facts(path), time.monotonic() - began)

    def _finish(self, done: _Done, decision: Decision) -> None:
        """Measure and write one result; runs on the writer's thread."""
        try:
            self._finished.add((done.number, self._written(done, decision)))
        except Exception as error:
            self._failed(done.number, error)

    def _written(self, done: _Done, decision: Decision) -> FileOutcome:
        one, image, result = self._planned[done.number], done.read.image, done.result
        facts = facts_of(result.labels, image, self._values, done.seconds, self._options.particles)
        agreed, note = self._compared(one, result.labels)
        info = {**result.info, **info_line(self._recipe, done.read.facts, facts)}
        written = []
        for kind, path in decision.todo.items():
            make_folder(path.parent)
            if _write(kind, path, result, image, info, decision.mode):
                written.append(path)  # else another job was faster
        if self._sheets is not None:
            chosen, _ = plane_grid(image, planes_of_slices(image, self._slices))
            place = one.source.place.as_posix()
            self._pairs[done.number] = small_pair(place, image, result.labels, chosen)
        return FileOutcome(
            one.source.path,
            tuple(written),
            skipped=not written,
            seconds=done.seconds,
            place=one.source.place.as_posix(),
            note=" ".join(text for text in (decision.note, note) if text),
            results=dict(one.targets),
            facts=facts,
            agreement=agreed,
        )

    def _compared(self, one: Planned, labels: Any) -> tuple[Agreement | None, str]:
        """Compare labels with the image's truth; say why if that can't be done."""
        if not self._options.truth:
            return None, ""
        try:
            path = partner(one.source, self._options.truth, ENDINGS)
            if path is None:
                return None, "There is no truth for it."
            shift = self._settings.first_label - 1  # the truth has values as drawn
            found = labels if shift == 0 else labels.astype(np.int32) - shift
            agreed = agreement(found, read_image(path), self._model.class_values)
        except TdsegError as error:
            return None, str(error)
        if agreed is None:
            return None, f"Its truth '{path.name}' is of another size."
        return agreed, ""

    def _failed(self, number: int, error: Exception) -> None:
        source = self._planned[number].source
        sentence = str(error)
        if isinstance(error, MemoryError):
            sentence = f"File '{source.path}' does not fit into memory; cut it into parts."
        elif not isinstance(error, TdsegError):
            sentence = f"File '{source.path}': {type(error).__name__}: {error}"
        place = source.place.as_posix()
        self._finished.add((number, FileOutcome(source.path, error=sentence, place=place)))

    def _take_finished(self) -> None:
        for number, outcome in self._finished.take():
            self._settle(number, outcome)

    def _settle(self, number: int, outcome: FileOutcome) -> None:
        self._outcomes[number] = outcome
        if self._sheets is None:
            return
        try:
            self._sheets.done(number, self._pairs.pop(number, None))
        except TdsegError as error:  # a full disk: the results count, not their pictures
            self._progress.note(str(error))

    def _pair_of(self, number: int) -> Pair:
        """Make the small pictures of a result that an earlier run wrote, or of none."""
        one, outcome = self._planned[number], self._outcomes[number]
        place = one.source.place.as_posix()
        if outcome is None or outcome.error:
            return Pair(f"{place}: failed", failed=True)
        try:
            image = (self._reader or read_image)(one.source.path)
            labels, _ = kept_labels(one.targets, self._values)
            chosen, _ = plane_grid(image, planes_of_slices(image, self._slices))
            return small_pair(place, image, labels, chosen)
        except Exception:  # whatever a file that was changed meanwhile provokes
            return Pair(f"{place}: cannot be shown", failed=True)

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

    def _write_report(self) -> None:
        try:
            self._report.close(self._known())
        except TdsegError as error:  # the outcomes are told all the same
            self._progress.note(str(error))

    def _known(self) -> list[FileOutcome]:
        return [outcome for outcome in self._outcomes if outcome is not None]


def _write(
    kind: str, path: Path, result: Result, image: Image, info: dict[str, str], existing: str
) -> bool:
    if kind == "labels":
        return write_labels(path, result.labels, image, info, existing=existing)
    if kind == "uncertainty":
        assert result.uncertainty is not None
        return write_uncertainty(path, result.uncertainty, image, info, existing=existing)
    assert result.probabilities is not None
    return write_probabilities(
        path, result.probabilities, image, result.class_names, info, existing=existing
    )
