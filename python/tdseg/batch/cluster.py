"""The files of a job on the workers of a Dask cluster.

Dask moves tasks, starts them again when a worker is lost, and tells when they end. What a file's
task does is `tdseg.batch.one_file`, as in this process.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from distributed import Client, Future, LocalCluster
from distributed.scheduler import KilledWorker

from tdseg.batch.collecting import Collected
from tdseg.batch.existing import Decision
from tdseg.batch.job_progress import JobProgress
from tdseg.batch.on_worker import (
    FileDone,
    JobPlugin,
    absent,
    bytes_of,
    do_file,
    other_version,
    versions,
)
from tdseg.batch.one_file import FileWork
from tdseg.batch.targets import Planned
from tdseg.errors import TdsegError
from tdseg.runtime.leftovers import claim, part_name
from tdseg.runtime.progress import Progress
from tdseg.runtime.threads import thread_count

LOCAL = "local"
_AHEAD = 3  # tasks for each thread of the workers that are handed in before the first ends
_LOOK_SECONDS = 0.1
_COUNT_SECONDS = 5.0
_CONNECT_SECONDS = 20
_GONE = "The Dask scheduler does not answer any more; start the job again: what is done is skipped."


@contextlib.contextmanager
def _connected(scheduler: str) -> Iterator[Client]:
    """Connect to a scheduler, or start workers on this machine, which end with the job.

    Raises
    ------
    TdsegError
        If nobody answers at the address.
    """
    with contextlib.ExitStack() as stack:
        if scheduler == LOCAL:
            cluster = LocalCluster(
                n_workers=thread_count(),
                threads_per_worker=1,
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.ERROR,  # a worker that dies is no news: others do its tasks
            )
            address: Any = stack.enter_context(cluster)
        else:
            address = scheduler
        try:
            client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise TdsegError(
                f"No Dask scheduler answers at '{scheduler}' ({error!s:.80}); start `dask "
                "scheduler`, and give the address that it prints, such as tcp://10.0.0.1:8786."
            ) from None
        yield stack.enter_context(client)


def segment_on_cluster(
    scheduler: str,
    work: FileWork,
    planned: Sequence[Planned],
    todo: Iterable[tuple[int, Decision]],
    collected: Collected,
    folder: Path,
    progress: JobProgress,
) -> None:
    """Do the files of a job on workers.

    Parameters
    ----------
    scheduler
        Address of a Dask scheduler, or "local".
    work
        Of the job.
    planned
        Its images, with absolute paths.
    todo
        Numbers of the images to do, with what is to be done; looked through as workers get free.
    collected
        Takes the outcomes.
    folder
        Of the results.
    progress
        Hears of each file, and may cancel: what was not begun is dropped, what runs ends at its
        next step.

    Raises
    ------
    TdsegError
        If nobody answers, or the workers are not like this machine.
    """
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(_connected(scheduler))
        probe = stack.enter_context(claim(folder / part_name()))
        _check(client, work, [str(probe)], planned, progress)
        job = uuid.uuid4().hex
        spec = work.spec
        plugin = JobPlugin(
            job,
            bytes_of(spec.model),
            spec.model.name,
            spec.settings,
            spec.slices,
            spec.options,
            str(probe),
            1 if scheduler == LOCAL else 0,
        )
        client.register_plugin(plugin, name=f"tdseg-{job}")
        running = _Running(client, job, work, planned, collected, progress)
        try:
            running.do(todo)
        finally:
            running.drop()
            with contextlib.suppress(Exception):  # of a scheduler that is gone
                client.unregister_worker_plugin(f"tdseg-{job}")


def _check(
    client: Client,
    work: FileWork,
    probes: list[str],
    planned: Sequence[Planned],
    progress: Progress,
) -> None:
    """Wait for a worker; see that all are like this machine and see its folders."""
    while not client.nthreads():
        progress.update(0.0, "waiting for workers")
        time.sleep(_LOOK_SECONDS)
    try:
        found = client.run(versions)
    except Exception as error:
        raise TdsegError(
            f"The workers cannot import tdseg ({error!s:.100}); install tdseg "
            f"{versions()['tdseg']} there, with the extra 'cluster'."
        ) from None
    for address, theirs in found.items():
        other = other_version(theirs, versions())
        if other:
            raise TdsegError(f"Worker {address} {other}; install the same on all machines.")
    folders = sorted({str(one.source.path.parent) for one in planned[:1]})
    for address, missing in client.run(absent, [*folders, *probes]).items():
        if missing:
            where = missing[0] if missing[0] in folders else str(Path(missing[0]).parent)
            raise TdsegError(
                f"Worker {address} does not see folder '{where}' as this machine does; share it "
                "under the same path on all machines."
            )
    if _resources(work) and not any(
        info["resources"].get("GPU") for info in client.scheduler_info()["workers"].values()
    ):
        raise TdsegError(
            "Key 'device' is 'cuda', but no worker has the resource GPU; start workers with "
            "`dask worker ... --resources GPU=1`, or use device=auto."
        )


def _resources(work: FileWork) -> dict[str, int] | None:
    """Return what Dask is to keep for each task: a GPU, where the job asks for one."""
    return {"GPU": 1} if work.spec.settings.device == "cuda" else None


class _Running:
    """The tasks of a job: few ahead of the workers, so that a million need no memory."""

    def __init__(
        self,
        client: Client,
        job: str,
        work: FileWork,
        planned: Sequence[Planned],
        collected: Collected,
        progress: JobProgress,
    ) -> None:
        self._client, self._job, self._work = client, job, work
        self._planned, self._collected, self._progress = planned, collected, progress
        self._ready: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        self._pending: dict[Any, tuple[int, Future[Any]]] = {}
        self._threads, self._asked = 1, 0.0

    def do(self, todo: Iterable[tuple[int, Decision]]) -> None:
        """Do all."""
        before = -1
        for number, decision in todo:
            self._progress.leave_out(number - before - 1)
            before = number
            while len(self._pending) >= self._most():
                self._take()
            self._submit(number, decision)
        self._progress.leave_out(len(self._planned) - before - 1)
        while self._pending:
            self._take()

    def drop(self) -> None:
        """Forget the tasks that have not ended."""
        futures = [future for _, future in self._pending.values()]
        self._pending.clear()
        if futures:
            with contextlib.suppress(Exception):  # of a scheduler that is gone
                self._client.cancel(futures, force=True)

    def _submit(self, number: int, decision: Decision) -> None:
        future = self._client.submit(
            do_file,
            self._job,
            self._planned[number],
            decision,
            key=f"tdseg-{self._job}-{number}",
            resources=_resources(self._work),
            pure=False,
        )
        self._pending[future.key] = (number, future)
        future.add_done_callback(self._ready.put)

    def _most(self) -> int:
        """Return how many tasks may be under way; workers come and go."""
        now = time.monotonic()
        if now - self._asked > _COUNT_SECONDS:
            self._threads = max(sum(self._client.nthreads().values()), 1)
            self._asked = now
        return _AHEAD * self._threads

    def _take(self) -> None:
        """Wait for a task to end; take the outcomes of all that have."""
        ended = [self._wait()]
        while True:
            try:
                ended.append(self._ready.get_nowait())
            except queue.Empty:
                break
        good = [future for future in ended if future.status == "finished"]
        found = dict(zip((f.key for f in good), self._client.gather(good), strict=True))
        for future in ended:
            number, _ = self._pending.pop(future.key)
            done = found.get(future.key) or self._lost(number, future)
            for note in done.notes:
                self._progress.note(note)
            self._collected.settle(number, done.outcome, done.pair)
            self._progress.next_file()
        self._collected.write_now_and_then()

    def _wait(self) -> Future[Any]:
        while True:
            self._progress.update(0.0, f"{self._threads} threads of workers")
            try:
                return self._ready.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                if self._client.status not in ("running", "connecting"):
                    raise TdsegError(_GONE) from None

    def _lost(self, number: int, future: Future[Any]) -> FileDone:
        """Return the outcome of a task that no worker could do."""
        one = self._planned[number]
        if future.status != "error":
            raise TdsegError(_GONE)
        error: Any = future.exception()
        if isinstance(error, KilledWorker):
            error = TdsegError(
                f"File '{one.source.path}' was at work when {error.allowed_failures + 1} workers "
                "died; they may need more memory, or the image must be cut into parts."
            )
        return FileDone(self._work.failed(one, error))
