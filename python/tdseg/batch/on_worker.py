"""What runs in a worker process of Dask: a file of a job at a time, or a block of one.

The job, with its classifier, travels once to each worker, also to one that comes later or comes
back; a task is one file, or one block of a file that goes by blocks. Only `tdseg.batch.cluster`
and `cluster_tasks` import this module, and Dask's workers.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from distributed import WorkerPlugin

from tdseg._version import __version__
from tdseg.batch.block_job import BlockJob
from tdseg.batch.contact_sheet import Pair
from tdseg.batch.existing import Decision
from tdseg.batch.one_file import FileWork, JobSpec
from tdseg.batch.outcome import FileOutcome
from tdseg.batch.provenance import difference, read_made
from tdseg.batch.targets import Planned
from tdseg.classifiers.model import Model, load
from tdseg.errors import Cancelled, TdsegError
from tdseg.options.groups import ApplyJobOptions
from tdseg.options.settings import Settings
from tdseg.runtime.cancelling import cancelled_by
from tdseg.runtime.files import exists
from tdseg.runtime.memory import set_memory_cap
from tdseg.runtime.telling import telling
from tdseg.runtime.threads import set_thread_count

COMPUTING = (
    *("numpy", "scipy", "scikit-image", "scikit-learn", "numba"),
    *("torch", "timm", "tifffile", "imagecodecs", "pillow"),
)
"""Packages that decide about pixels, read or computed."""


def versions() -> dict[str, str]:
    """Return the versions of tdseg and of what it computes with."""
    found = {"tdseg": __version__}
    for name in COMPUTING:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def other_version(theirs: Mapping[str, str], ours: Mapping[str, str]) -> str:
    """Say which package differs first; empty if none does."""
    for name in ours:
        if theirs.get(name) != ours[name]:
            return f"has {name} {theirs.get(name, '(none)')}, the job {ours[name]}"
    return ""


def jobs_here() -> int:
    """Return how many jobs this worker holds."""
    return len(_jobs)


def absent(paths: list[str]) -> list[str]:
    """Return which of these paths are not there."""
    return [path for path in paths if not exists(path)]


@dataclass(frozen=True)
class FileDone:
    """What a task gives back.

    Attributes
    ----------
    outcome
        What became of the image; None: its `blocks` come first.
    pair
        Its small pictures, if the job wants contact sheets and there are any.
    notes
        What it told.
    blocks
        Numbers of the blocks to do, of an image that goes by blocks.
    facts
        Of its file, for the tasks of its blocks.
    """

    outcome: FileOutcome | None
    pair: Pair | None = None
    notes: tuple[str, ...] = ()
    blocks: tuple[int, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


class JobPlugin(WorkerPlugin):
    """A job on a worker: comes with its first message, goes when the job ends.

    Parameters
    ----------
    job
        Its identity.
    classifier, name
        The bytes of its ``.tdseg`` file, and the classifier's name.
    settings, slices, options
        As of `JobSpec`.
    probe
        A file in the results' folder that every worker must see.
    threads
        Of each worker; 0: ``TDSEG_THREADS`` there, else one.
    """

    def __init__(
        self,
        job: str,
        classifier: bytes,
        name: str,
        settings: Settings,
        slices: str,
        options: ApplyJobOptions,
        probe: str,
        threads: int = 0,
    ) -> None:
        self.job, self.classifier, self.name = job, classifier, name
        self.settings, self.slices, self.options = settings, slices, options
        self.probe, self.threads = probe, threads
        self.versions = versions()

    def setup(self, worker: Any) -> None:
        """Take the job; what is wrong here is told by its tasks."""
        problem = other_version(versions(), self.versions)
        if not problem and absent([self.probe]):
            folder = Path(self.probe).parent
            problem = f"does not see '{folder}', the results' folder, under this path"
        if problem:
            problem = f"Worker {worker.address} {problem}; all machines must be alike in this."
        given = os.environ.get("TDSEG_THREADS", "")
        set_thread_count(self.threads or (int(given) if given.isdecimal() else 0) or 1)
        set_memory_cap(getattr(worker.memory_manager, "memory_limit", None))
        _jobs[self.job] = _Job(self, problem)

    def teardown(self, worker: Any) -> None:
        """Drop the job; tasks that run end at their next step."""
        found = _jobs.pop(self.job, None)
        if found is not None:
            found.ended.set()
        if not _jobs:
            set_thread_count(None)
            set_memory_cap(None)


@dataclass
class _Job:
    plugin: JobPlugin
    problem: str
    ended: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    work: FileWork | None = None
    blocks: BlockJob | None = None  # of the image whose blocks were done here last

    def ready(self) -> FileWork:
        """Return what does the files; the classifier is loaded once."""
        if self.problem:
            raise TdsegError(self.problem)
        with self.lock:
            if self.work is None:
                plugin = self.plugin
                model = model_of(plugin.classifier, plugin.name)
                spec = JobSpec(model, plugin.settings, plugin.slices, plugin.options)
                self.work = FileWork(spec)
            return self.work


_jobs: dict[str, _Job] = {}
_computing = threading.Lock()  # one image at a time, as everywhere; others are read and written


def bytes_of(model: Model) -> bytes:
    """Return a model as the content of a ``.tdseg`` file."""
    with tempfile.TemporaryDirectory() as folder:
        return model.save(Path(folder) / "c.tdseg").read_bytes()


def model_of(content: bytes, name: str) -> Model:
    """Read a model from the content of a ``.tdseg`` file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.tdseg"
        path.write_bytes(content)
        return replace(load(path), name=name)


class _Told:
    """Progress on a worker: keeps the notes, and stops when the job has ended."""

    def __init__(self, ended: threading.Event) -> None:
        self._ended = ended
        self.notes: list[str] = []

    def update(self, fraction: float = 0.0, message: str = "") -> None:
        """Stop if the job has ended."""
        if self._ended.is_set():
            raise Cancelled

    def note(self, message: str) -> None:
        """Keep the line."""
        self.notes.append(message)


def do_file(
    job: str, planned: Planned, decision: Decision, facts: Mapping[str, Any] | None = None
) -> FileDone:
    """Do one file of a job; a bad file is an outcome.

    May be tried again after a worker died, whatever that had done: what an earlier try wrote is
    found and counts as written.

    Parameters
    ----------
    job
        Its identity.
    planned, decision
        The image, and what is to be written.
    facts
        Of its file, if its blocks are done: what is left is to finish it.

    Returns
    -------
    FileDone
        The outcome, or the blocks that come first.
    """
    found, told = _here(job)
    work = found.ready()
    try:
        told.update()
        done = _done(work, planned, decision, told, facts)
    except Cancelled:
        raise
    except Exception as error:  # one bad file must not stop the rest
        done = FileDone(work.failed(planned, error))
    return replace(done, notes=tuple(told.notes))


def do_block(
    job: str, planned: Planned, decision: Decision, facts: Mapping[str, Any], number: int
) -> FileDone:
    """Do one block of an image; done again, it gives the same. An outcome means a failure."""
    found, told = _here(job)
    work = found.ready()
    try:
        with _computing, cancelled_by(told.update), telling(told.note):
            blocks = found.blocks
            if blocks is None or blocks.planned != planned:
                found.blocks = None  # before the next takes memory
                read = work.opened(planned, facts)
                blocks = BlockJob(work.spec, planned, decision, read.image, facts, told)
                blocks.begin()
                found.blocks = blocks
            blocks.run(number, told)
    except Cancelled:
        raise
    except Exception as error:
        return FileDone(work.failed(planned, error), None, tuple(told.notes))
    return FileDone(None, None, tuple(told.notes))


def _here(job: str) -> tuple[_Job, _Told]:
    found = _jobs.get(job)
    if found is None:
        raise Cancelled
    return found, _Told(found.ended)


def _done(
    work: FileWork,
    planned: Planned,
    decision: Decision,
    told: _Told,
    facts: Mapping[str, Any] | None = None,
) -> FileDone:
    sheet = work.spec.options.contact_sheet
    before = _of_earlier_try(work, planned, decision)
    written = tuple(decision.todo[kind] for kind in before)
    rest = {kind: path for kind, path in decision.todo.items() if kind not in before}
    if before and not rest:
        made = next(iter(before.values()))
        outcome = work.kept(planned, replace(decision, made=made))
        outcome = replace(outcome, skipped=False, written=written)
        return FileDone(outcome, work.pair_of_files(planned) if sheet else None)
    decision = replace(decision, todo=rest)
    read = work.read(planned) if facts is None else work.opened(planned, facts)
    with _computing, cancelled_by(told.update), telling(told.note):
        if facts is None and work.by_blocks(read, decision):
            blocks = BlockJob(work.spec, planned, decision, read.image, read.facts, told)
            blocks.begin()
            todo = tuple(blocks.todo())
            if len(todo) > 1:
                return FileDone(None, blocks=todo, facts=read.facts)
        done = work.segment(read, decision, told)
    outcome = work.write(planned, decision, done)
    if written:
        outcome = replace(outcome, skipped=False, written=(*written, *outcome.written))
    return FileDone(outcome, work.pair(planned, done) if sheet else None)


def _of_earlier_try(
    work: FileWork, planned: Planned, decision: Decision
) -> dict[str, dict[str, Any]]:
    """Return what stands in results that an earlier try of this task wrote, by kind.

    None of them was there, or was to stay, when the task was made.
    """
    found = {}
    if decision.mode != "overwrite":  # that writes the same again
        for kind, path in decision.todo.items():
            made = read_made(path) if exists(path) else None
            if made is not None and not difference(made, work.spec.recipe, planned.source.path):
                found[kind] = made
    return found
