"""The tasks of a job on a Dask cluster: handed in a few ahead of the workers, taken as they end."""

from __future__ import annotations

import contextlib
import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from distributed import Client, Future
from distributed.scheduler import KilledWorker

from tdseg.batch.collecting import Collected
from tdseg.batch.existing import Decision
from tdseg.batch.job_progress import JobProgress
from tdseg.batch.on_worker import FileDone, do_block, do_file
from tdseg.batch.one_file import FileWork
from tdseg.batch.targets import Planned
from tdseg.errors import TdsegError

_AHEAD = 3  # tasks for each thread of the workers that are handed in before the first ends
_LOOK_SECONDS = 0.1
_COUNT_SECONDS = 5.0
_GONE = "The Dask scheduler does not answer any more; start the job again: what is done is skipped."


def resources_of(work: FileWork) -> dict[str, int] | None:
    """Return what Dask is to keep for each task: a GPU, where the job asks for one."""
    return {"GPU": 1} if work.spec.settings.device == "cuda" else None


@dataclass(frozen=True)
class _Task:
    """A file (no block), or a block of one."""

    number: int
    block: int | None = None


@dataclass
class _Blocks:
    """An image that goes by blocks."""

    facts: Mapping[str, Any]
    count: int
    left: int


class Tasks:
    """The tasks of a job; few are handed in at a time, so that a million need no memory.

    Parameters
    ----------
    client
        Of the cluster.
    job
        Its identity on the workers.
    work, planned
        What is done with a file, and the files.
    collected
        Takes the outcomes.
    progress
        Hears of each file, and may cancel.
    """

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
        self._decisions: dict[int, Decision] = {}
        self._blocks: dict[int, _Blocks] = {}
        self._waiting: deque[_Task] = deque()  # blocks, and files whose blocks are done
        self._ready: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        self._pending: dict[Any, tuple[_Task, Future[Any]]] = {}
        self._threads, self._asked, self._made = 1, 0.0, 0

    def do(self, todo: Iterable[tuple[int, Decision]]) -> None:
        """Do all."""
        before = -1
        for number, decision in todo:
            self._progress.leave_out(number - before - 1)
            before = number
            self._decisions[number] = decision
            self._work_off(self._most)
            self._submit(_Task(number))
        self._progress.leave_out(len(self._planned) - before - 1)
        self._work_off(lambda: 1)

    def drop(self) -> None:
        """Forget the tasks that have not ended."""
        futures = [future for _, future in self._pending.values()]
        self._pending.clear()
        if futures:
            with contextlib.suppress(Exception):  # of a scheduler that is gone
                self._client.cancel(futures, force=True)

    def _work_off(self, most: Callable[[], int]) -> None:
        """Take what ends, until nothing waits and fewer than so many are under way."""
        while self._waiting or len(self._pending) >= most():
            while self._waiting and len(self._pending) < self._most():
                self._submit(self._waiting.popleft())
            self._take()

    def _submit(self, task: _Task) -> None:
        planned, decision = self._planned[task.number], self._decisions[task.number]
        blocks = self._blocks.get(task.number)
        facts = None if blocks is None else dict(blocks.facts)
        self._made += 1
        options = {
            "key": f"tdseg-{self._job}-{self._made}",
            "resources": resources_of(self._work),
            "pure": False,
        }
        if task.block is None:
            future = self._client.submit(do_file, self._job, planned, decision, facts, **options)
        else:
            line = (self._job, planned, decision, facts, task.block)
            future = self._client.submit(do_block, *line, **options)
        self._pending[future.key] = (task, future)
        future.add_done_callback(self._ready.put)

    def _most(self) -> int:
        """Return how many tasks may be under way; workers come and go."""
        now = time.monotonic()
        if now - self._asked > _COUNT_SECONDS:
            self._threads = max(sum(self._client.nthreads().values()), 1)
            self._asked = now
        return _AHEAD * self._threads

    def _take(self) -> None:
        """Wait for a task to end; take what all that have ended give back."""
        ended = [self._wait()]
        while True:
            try:
                ended.append(self._ready.get_nowait())
            except queue.Empty:
                break
        good = [future for future in ended if future.status == "finished"]
        found = dict(zip((f.key for f in good), self._client.gather(good), strict=True))
        for future in ended:
            task, _ = self._pending.pop(future.key)
            done = found.get(future.key) or self._lost(task, future)
            for note in done.notes:
                self._progress.note(note)
            self._taken(task, done)
        self._collected.write_now_and_then()

    def _taken(self, task: _Task, done: FileDone) -> None:
        blocks = self._blocks.get(task.number)
        if done.outcome is not None:
            if self._decisions.pop(task.number, None) is None:
                return  # another of its blocks had failed
            self._blocks.pop(task.number, None)
            self._waiting = deque(one for one in self._waiting if one.number != task.number)
            self._collected.settle(task.number, done.outcome, done.pair)
            self._progress.next_file()
        elif done.blocks:
            self._blocks[task.number] = _Blocks(done.facts, len(done.blocks), len(done.blocks))
            self._waiting.extend(_Task(task.number, block) for block in done.blocks)
        elif blocks is not None:
            blocks.left -= 1
            if not blocks.left:
                self._waiting.append(_Task(task.number))

    def _wait(self) -> Future[Any]:
        while True:
            text = f"{self._threads} threads of workers"
            for number, blocks in self._blocks.items():
                done = blocks.count - blocks.left
                text += (
                    f"; {self._planned[number].source.path.name}: {done} of {blocks.count} blocks"
                )
            self._progress.update(0.0, text)
            try:
                return self._ready.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                if self._client.status not in ("running", "connecting"):
                    raise TdsegError(_GONE) from None

    def _lost(self, task: _Task, future: Future[Any]) -> FileDone:
        """Return the outcome of a task that no worker could do."""
        one = self._planned[task.number]
        if future.status != "error":
            raise TdsegError(_GONE)
        error: Any = future.exception()
        if isinstance(error, KilledWorker):
            error = TdsegError(
                f"File '{one.source.path}' was at work when {error.allowed_failures + 1} workers "
                "died; they may need more memory, or the image must be cut into parts."
            )
        return FileDone(self._work.failed(one, error))
