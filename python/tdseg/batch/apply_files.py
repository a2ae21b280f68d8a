"""Apply one classifier to many files; one bad file does not stop the rest."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tdseg.batch.collecting import Collected
from tdseg.batch.existing import Decision, decide
from tdseg.batch.inputs import ENDINGS, IMAGEJ_ENDINGS, find_sources
from tdseg.batch.job_progress import JobProgress
from tdseg.batch.one_file import FileWork, JobSpec, Read, ReadFile, Segmented
from tdseg.batch.outcome import FileOutcome
from tdseg.batch.parts import Share
from tdseg.batch.pipeline import Finished, WriteBehind, read_ahead
from tdseg.batch.reserve import reserved
from tdseg.batch.targets import Planned, plan_targets
from tdseg.classifiers.model import Model
from tdseg.errors import Cancelled, TdsegError
from tdseg.options.groups import ApplyJobOptions
from tdseg.options.settings import Settings
from tdseg.runtime.files import is_folder, make_folder, user_path
from tdseg.runtime.leftovers import sweep
from tdseg.runtime.progress import Progress, Silent


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
        Where ``<stem>-labels.tif``, ``<stem>-probabilities.tif``, ``<stem>-uncertainty.tif`` go
        (``.ome.zarr`` instead of ``.tif`` as `format` has it),
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
        Keys of `ApplyJobOptions`: output, format, existing, filter, recursive, suffix, truth,
        particles, contact_sheet, part, scheduler.

    Returns
    -------
    list[FileOutcome]
        One per image, in their order; of those of the part only.

    Raises
    ------
    TdsegError
        Before anything is written: if there are no images, the folder cannot be made, two images
        would write the same file, or a file of the report's name is none.
    """
    job = ApplyJobOptions.from_mapping(options)
    progress = progress or Silent()
    endings = ENDINGS if read is None else IMAGEJ_ENDINGS
    inputs = [Path(given) for given in inputs]
    if job.scheduler:
        _check_distributable(read)
        inputs = [Path(os.path.abspath(given)) for given in inputs]  # workers run elsewhere
        folder = Path(os.path.abspath(folder))
        if job.truth and "*" not in job.truth and is_folder(user_path(job.truth)):
            job = job.with_(truth=os.path.abspath(user_path(job.truth)))
    sources = find_sources(
        inputs,
        filter=job.filter,
        recursive=job.recursive,
        leave_out=folder,
        endings=endings,
    )
    planned = plan_targets(sources, folder, job.output, job.suffix, job.format)
    share = Share.parse(job.part, planned)
    if share is not None:
        planned = [planned[number] for number in share.numbers(len(planned))]
    make_folder(folder)
    work = FileWork(JobSpec(model, settings or model.settings, slices, job), read)
    return _Job(work, planned, folder, share, read is None, progress).run()


def _check_distributable(read: Read | None) -> None:
    if read is not None:
        raise TdsegError(
            "Key 'scheduler': workers read images themselves, without ImageJ; use reader=tdseg."
        )


@dataclass
class _Done:
    """An image that was segmented, on its way to the writer."""

    number: int
    segmented: Segmented


class _Job:
    def __init__(
        self,
        work: FileWork,
        planned: Sequence[Planned],
        folder: Path,
        share: Share | None,
        threaded: bool,
        progress: Progress,
    ) -> None:
        self._work, self._planned, self._folder = work, planned, folder
        self._threaded, self._progress = threaded, progress
        self._finished = Finished()
        self._collected = Collected(work, planned, folder, share, progress)

    def run(self) -> list[FileOutcome]:
        """Do all files; what is known is in the report, however the job ends."""
        self._collected.check()
        for parent in {path.parent for p in self._planned for path in p.targets.values()}:
            sweep(parent)
        with reserved(self._folder, len(self._planned)) as give_room:
            try:
                if self._work.spec.options.scheduler:
                    self._distribute()
                else:
                    self._segment(dict(self._decide(self._progress)))
            finally:
                self._take_finished()
                give_room()
                self._collected.close()
        return self._collected.known()

    def _distribute(self) -> None:
        """Let workers do the files."""
        options = self._work.spec.options
        try:
            from tdseg.batch.cluster import segment_on_cluster
        except ModuleNotFoundError as error:
            raise TdsegError(
                f"Key 'scheduler' needs the package '{error.name}'; install it with "
                "`pip install tdseg[cluster]`."
            ) from None
        job = JobProgress(self._progress, len(self._planned))
        segment_on_cluster(
            options.scheduler,
            self._work,
            self._planned,
            self._decide(job),
            self._collected,
            self._folder,
            job,
        )
        self._progress.update(1.0)

    def _decide(self, progress: Progress) -> Iterator[tuple[int, Decision]]:
        """Look at results that exist; yield what is to be done, by number."""
        for number, one in enumerate(self._planned):
            progress.update(0.0, "looking at results that exist")
            try:
                decision = decide(one, self._work.spec.options.existing, self._work.spec.recipe)
            except TdsegError as error:
                self._collected.settle(number, self._work.failed(one, error))
                continue
            if decision.todo:
                yield number, decision
            else:
                seconds = self._collected.earlier_seconds(one)
                self._collected.settle(number, self._work.kept(one, decision, seconds))

    def _segment(self, todo: dict[int, Decision]) -> None:
        job = JobProgress(self._progress, len(todo))
        writer = WriteBehind[_Done](lambda done: self._write(done, todo[done.number]))
        try:
            for number, read in read_ahead(todo, self._read, self._threaded):
                self._one(number, read, todo[number], job, writer)
                del read
                job.next_file()
                self._take_finished()
                self._collected.write_now_and_then()
        finally:
            writer.close()
        if todo:
            self._progress.update(1.0)

    def _read(self, number: int) -> ReadFile:
        """Read an image; runs on the reader's thread."""
        return self._work.read(self._planned[number])

    def _one(
        self,
        number: int,
        read: ReadFile | Exception,
        decision: Decision,
        job: JobProgress,
        writer: WriteBehind[_Done],
    ) -> None:
        try:
            if isinstance(read, Exception):
                raise read
            segmented = self._work.segment(read, decision, job)
        except Cancelled:
            raise
        except Exception as error:  # one bad file must not stop the rest
            self._failed(number, error)
        else:
            writer.put(_Done(number, segmented))

    def _write(self, done: _Done, decision: Decision) -> None:
        """Measure and write one result; runs on the writer's thread."""
        one = self._planned[done.number]
        try:
            outcome = self._work.write(one, decision, done.segmented)
            pair = self._work.pair(one, done.segmented)
        except Exception as error:
            self._failed(done.number, error)
        else:
            self._finished.add((done.number, outcome, pair))

    def _failed(self, number: int, error: Exception) -> None:
        self._finished.add((number, self._work.failed(self._planned[number], error), None))

    def _take_finished(self) -> None:
        for number, outcome, pair in self._finished.take():
            self._collected.settle(number, outcome, pair)
