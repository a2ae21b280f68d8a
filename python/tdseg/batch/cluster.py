"""The files of a job on the workers of a Dask cluster.

Dask moves tasks, starts them again when a worker is lost, and tells when they end. What a file's
task does is `tdseg.batch.one_file`, as in this process.
"""

from __future__ import annotations

import contextlib
import logging
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from distributed import Client, LocalCluster

from tdseg.batch.cluster_tasks import Tasks, resources_of
from tdseg.batch.collecting import Collected
from tdseg.batch.existing import Decision
from tdseg.batch.job_progress import JobProgress
from tdseg.batch.on_worker import JobPlugin, absent, bytes_of, other_version, versions
from tdseg.batch.one_file import FileWork
from tdseg.batch.targets import Planned
from tdseg.errors import TdsegError
from tdseg.runtime.leftovers import claim, part_name
from tdseg.runtime.progress import Progress
from tdseg.runtime.threads import thread_count

LOCAL = "local"
_LOOK_SECONDS = 0.1
_CONNECT_SECONDS = 20


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
        running = Tasks(client, job, work, planned, collected, progress)
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
    if resources_of(work) and not any(
        info["resources"].get("GPU") for info in client.scheduler_info()["workers"].values()
    ):
        raise TdsegError(
            "Key 'device' is 'cuda', but no worker has the resource GPU; start workers with "
            "`dask worker ... --resources GPU=1`, or use device=auto."
        )
