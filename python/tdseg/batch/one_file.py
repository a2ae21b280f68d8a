"""What a job does with one image: read, segment, measure, write; the same here and on workers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tdseg.batch.block_job import BlockJob, Quiet, run_all
from tdseg.batch.contact_sheet import Pair, pair_of_images, small_pair
from tdseg.batch.existing import Decision, kept_labels
from tdseg.batch.inputs import ENDINGS, is_zarr_name
from tdseg.batch.measures import Agreement, agreement, agreement_of_images, facts_of
from tdseg.batch.outcome import FileOutcome
from tdseg.batch.partners import partner
from tdseg.batch.provenance import Recipe, file_facts, info_line
from tdseg.batch.targets import Planned
from tdseg.batch.whole_planes import fits_whole
from tdseg.classifiers.model import Model
from tdseg.errors import TdsegError
from tdseg.images.image import Image
from tdseg.images.image_files import (
    read_image,
    write_labels,
    write_probabilities,
    write_uncertainty,
)
from tdseg.images.intensity import is_lazy
from tdseg.images.planes import plane_grid, planes_of_slices
from tdseg.options.groups import ApplyJobOptions
from tdseg.options.settings import Settings
from tdseg.runtime.files import make_folder
from tdseg.runtime.progress import Progress
from tdseg.workflow.apply import Result, apply

NO_PARTICLES = "Particles are not counted in images that go by blocks."

Read = Callable[[Path], Image]
"""Reads an image file."""


@dataclass(frozen=True)
class JobSpec:
    """What all files of a job have in common.

    Attributes
    ----------
    model
        The classifier.
    settings
        With which it is applied.
    slices
        As the macro key.
    options
        What is written and measured.
    """

    model: Model
    settings: Settings
    slices: str
    options: ApplyJobOptions

    @cached_property
    def values(self) -> list[int]:
        """Label values of the classes in the results."""
        return [v + self.settings.first_label - 1 for v in self.model.class_values]

    @cached_property
    def recipe(self) -> Recipe:
        """How the job makes results."""
        return Recipe.of(self.model, self.settings, self.slices)


@dataclass(frozen=True)
class ReadFile:
    """An image that was read, with the facts of its file, and how long that took."""

    planned: Planned
    image: Image
    facts: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True)
class Segmented:
    """An image that was segmented; `seconds` are those of reading and segmenting.

    Of one that went by blocks there is no result in memory, but what is to be finished.
    """

    read: ReadFile
    result: Result | BlockJob
    seconds: float


class FileWork:
    """The steps of one file; each may run on a thread of its own.

    Parameters
    ----------
    spec
        Of the job.
    read
        Reads the files instead of `tdseg.read_image`.
    """

    def __init__(self, spec: JobSpec, read: Read | None = None) -> None:
        self.spec = spec
        self._reader = read or read_image

    def read(self, planned: Planned) -> ReadFile:
        """Read an image."""
        began, path = time.monotonic(), planned.source.path
        return ReadFile(planned, self._reader(path), file_facts(path), time.monotonic() - began)

    def opened(self, planned: Planned, facts: Mapping[str, Any]) -> ReadFile:
        """Read an image whose file's facts are known: those of a large one take a while."""
        return ReadFile(planned, self._reader(planned.source.path), facts, 0.0)

    def segment(self, read: ReadFile, decision: Decision, progress: Progress) -> Segmented:
        """Segment what was read."""
        began = time.monotonic()
        for sentence in read.image.notes:
            progress.note(sentence)
        result: Result | BlockJob
        if self.by_blocks(read, decision):
            quiet = Quiet(progress)
            result = BlockJob(self.spec, read.planned, decision, read.image, read.facts, quiet)
            result.begin()
            run_all(result, quiet)
        else:
            result = apply(
                self.spec.model,
                read.image,
                probabilities="probabilities" in decision.todo,
                uncertainty="uncertainty" in decision.todo,
                planes=planes_of_slices(read.image, self.spec.slices),
                settings=self.spec.settings,
                progress=progress,
            )
        return Segmented(read, result, round(read.seconds + time.monotonic() - began, 3))

    def by_blocks(self, read: ReadFile, decision: Decision) -> bool:
        """Tell whether an image goes by blocks: as OME-Zarr, or because it is large."""
        if any(is_zarr_name(path) for path in decision.todo.values()):
            return True
        planes = plane_grid(read.image, planes_of_slices(read.image, self.spec.slices))[0]
        classes = len(self.spec.values)
        return not fits_whole(read.image, decision.todo, classes, len(planes), self.spec.settings)

    def write(self, planned: Planned, decision: Decision, done: Segmented) -> FileOutcome:
        """Measure and write a result."""
        image, result, spec = done.read.image, done.result, self.spec
        if isinstance(result, BlockJob):
            facts = result.facts()
            written = result.finish(facts)
            agreed, note = self._compared_on_disk(planned)
            if spec.options.particles:
                note = f"{note} {NO_PARTICLES}".strip()
            return self._outcome(planned, decision, written, done.seconds, facts, agreed, note)
        facts = facts_of(result.labels, image, spec.values, spec.options.particles)
        agreed, note = self.compared(planned, result.labels)
        info = {**result.info, **info_line(spec.recipe, done.read.facts, facts)}
        written = []
        for kind, path in decision.todo.items():
            make_folder(path.parent)
            if _write(kind, path, result, image, info, decision.mode):
                written.append(path)  # else another job was faster
        return self._outcome(planned, decision, written, done.seconds, facts, agreed, note)

    def _outcome(
        self,
        planned: Planned,
        decision: Decision,
        written: list[Path],
        seconds: float,
        facts: Mapping[str, Any],
        agreed: Agreement | None,
        note: str,
    ) -> FileOutcome:
        return FileOutcome(
            planned.source.path,
            tuple(written),
            skipped=not written,
            seconds=seconds,
            place=planned.source.place.as_posix(),
            note=" ".join(text for text in (decision.note, note) if text),
            results=dict(planned.targets),
            facts=facts,
            agreement=agreed,
            otherwise=not written and bool(decision.note),
        )

    def kept(self, planned: Planned, decision: Decision, seconds: float = 0.0) -> FileOutcome:
        """Return the outcome of results that are kept.

        What they say of themselves is believed; where they say nothing, they are measured.

        Parameters
        ----------
        planned, decision
            The image, and what was found of it.
        seconds
            That the run which made them took; 0 if nobody knows.
        """
        source, options = planned.source, self.spec.options
        row = dict((decision.made or {}).get("row", {}))
        seconds = float(row.pop("seconds", 0.0)) or seconds  # of results of older versions
        outcome = FileOutcome(
            source.path,
            skipped=True,
            seconds=seconds,
            place=source.place.as_posix(),
            note=decision.note,
            results=dict(planned.targets),
            otherwise=bool(decision.note),
        )
        known = row.get("values") == self.spec.values
        by_blocks = "by_blocks" in row
        known = known and ("particles" in row or not options.particles or by_blocks)
        if known and by_blocks and options.truth:
            agreed, note = self._compared_on_disk(planned)
            return _with(outcome, facts=row, agreement=agreed, note=note)
        if known and not options.truth:
            return _with(outcome, facts=row)
        try:
            labels, image = kept_labels(planned.targets, self.spec.values)
            if not known:
                row = facts_of(labels, image, self.spec.values, options.particles)
            agreed, note = self.compared(planned, labels)
        except Exception as error:  # a result of somebody else's may be anything
            return _with(outcome, note=f"its pixels cannot be measured: {error}")
        return _with(outcome, facts=row, agreement=agreed, note=note)

    def compared(self, planned: Planned, labels: Any) -> tuple[Agreement | None, str]:
        """Compare labels with the image's truth; say why if that can't be done."""
        truth, model = self.spec.options.truth, self.spec.model
        if not truth:
            return None, ""
        try:
            path = partner(planned.source, truth, ENDINGS)
            if path is None:
                return None, "There is no truth for it."
            shift = self.spec.settings.first_label - 1  # the truth has values as drawn
            found = labels if shift == 0 else labels.astype(np.int32) - shift
            agreed = agreement(found, read_image(path), model.class_values)
        except TdsegError as error:
            return None, str(error)
        if agreed is None:
            return None, f"Its truth '{path.name}' is of another size."
        return agreed, ""

    def _compared_on_disk(self, planned: Planned) -> tuple[Agreement | None, str]:
        """Compare a large result that is complete with its truth, a part at a time."""
        if not self.spec.options.truth:
            return None, ""
        path = planned.targets.get("labels")
        if path is None:
            return None, "Without labels it is not compared with its truth."
        try:
            truth = partner(planned.source, self.spec.options.truth, ENDINGS)
            if truth is None:
                return None, "There is no truth for it."
            agreed = agreement_of_images(
                read_image(path),
                read_image(truth),
                self.spec.model.class_values,
                self.spec.settings.first_label - 1,
            )
        except TdsegError as error:
            return None, str(error)
        if agreed is None:
            return None, f"Its truth '{truth.name}' is of another size."
        return agreed, ""

    def failed(self, planned: Planned, error: Exception) -> FileOutcome:
        """Return the outcome of an image that provoked an error."""
        source, sentence = planned.source, str(error)
        if isinstance(error, MemoryError):
            sentence = f"File '{source.path}' does not fit into memory; cut it into parts."
        elif not isinstance(error, TdsegError):
            sentence = f"File '{source.path}': {type(error).__name__}: {error}"
        return FileOutcome(source.path, error=sentence, place=source.place.as_posix())

    def pair(self, planned: Planned, done: Segmented) -> Pair:
        """Return the small pictures of an image and its result."""
        if isinstance(done.result, BlockJob):
            return self.pair_of_files(planned)
        return self._pair(planned, done.read.image, done.result.labels)

    def pair_of_files(self, planned: Planned) -> Pair:
        """Make the small pictures of a result that lies on disk."""
        try:
            image = self._reader(planned.source.path)
            path = planned.targets.get("labels")
            if is_lazy(image) and path is not None:
                chosen, _ = plane_grid(image, planes_of_slices(image, self.spec.slices))
                place = planned.source.place.as_posix()
                return pair_of_images(place, image, read_image(path), chosen)
            labels, _ = kept_labels(planned.targets, self.spec.values)
            return self._pair(planned, image, labels)
        except Exception:  # whatever a file that was changed meanwhile provokes
            place = planned.source.place.as_posix()
            return Pair(f"{place}: cannot be shown", failed=True)

    def _pair(self, planned: Planned, image: Image, labels: Any) -> Pair:
        chosen, _ = plane_grid(image, planes_of_slices(image, self.spec.slices))
        return small_pair(planned.source.place.as_posix(), image, labels, chosen)


def _with(outcome: FileOutcome, note: str = "", **more: Any) -> FileOutcome:
    notes = " ".join(text for text in (outcome.note, note) if text)
    return replace(outcome, note=notes, **more)


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
