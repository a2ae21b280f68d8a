"""The server behind the tasks of one Fiji: one command at a time, one sentence for each fault."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tdseg._version import __version__
from tdseg.commands.extensions import FUNCTIONS
from tdseg.commands.plain_reply import plain_reply
from tdseg.commands.run import run_command, unexpected
from tdseg.commands.table import BY_NAME, Command
from tdseg.errors import Cancelled, TdsegError
from tdseg.fiji_install.versions import version_problem
from tdseg.worker.autosave import Autosave
from tdseg.worker.console import log_file
from tdseg.worker.memory import give_back
from tdseg.worker.open_images import OpenImages
from tdseg.worker.questions import Questions
from tdseg.worker.results import Results
from tdseg.worker.segments import Segments
from tdseg.worker.task import Task, TaskProgress
from tdseg.workflow.session import Session

_LOOK_SECONDS = 0.1  # between two looks whether the user cancelled


class Server:
    """What a worker remembers between tasks, and does for each.

    Attributes
    ----------
    session
        Classes, classifier, tokens.
    segments
        Shared memory that is in use.
    questions
        What commands ask Fiji.
    results
        Images that Fiji has not fetched yet.
    """

    def __init__(self) -> None:
        self.session = Session()
        self.segments = Segments()
        self.questions = Questions()
        self.results = Results(self.segments)
        self._images = OpenImages(self.questions, self.segments)
        self._autosave: Autosave | None = None
        self._turn = threading.Lock()
        self._last_use = time.monotonic()

    def hello(self, version: str, session: str, restore: bool) -> dict[str, Any]:
        """Answer the first task of a Fiji.

        Parameters
        ----------
        version
            Of the plugin.
        session
            A name of that Fiji's own, under which its classifier is kept; empty: it is not kept.
        restore
            Whether an earlier worker of that Fiji has died.

        Returns
        -------
        dict
            ``version`` of this package, ``python``, ``pid``, ``log`` (a file, or None),
            ``problem`` (one sentence if the versions differ, else None) and ``restored`` (what
            there is again, else None).
        """
        if self._autosave is None:
            self._autosave = Autosave(session)
            restored = self._autosave.restore(self.session) if restore else None
        else:
            restored = None
        log = log_file()
        return {
            "version": __version__,
            "python": sys.executable,
            "pid": os.getpid(),
            "log": None if log is None else str(log),
            "problem": version_problem(version),
            "restored": restored,
        }

    def run(self, task: Task, request: Mapping[str, Any]) -> dict[str, Any]:
        """Do a command.

        Parameters
        ----------
        task
            Hears of progress and asks what the command needs.
        request
            The command's name, its options, the images.

        Returns
        -------
        dict
            ``reply`` and the macro ``line``; or ``error``, a sentence; or ``cancelled`` and a
            ``message``.
        """
        name = str(request.get("command"))
        command = BY_NAME.get(name)
        if command is None:
            return {"error": f"The Python package has no command '{name}'; update it."}
        try:
            with self._in_turn(task, command):
                return self._run(task, command, request)
        except Cancelled as error:
            return {"cancelled": True, "message": str(error)}
        except TdsegError as error:
            return {"error": str(error)}
        except MemoryError:
            return {
                "error": f"{command.name} ran out of memory; set memory_limit, or close images "
                "and programs."
            }
        except BaseException as error:  # an escaping exception would show a raw trace
            traceback.print_exc()
            return {"error": unexpected(command, f"{type(error).__name__}: {error}")}
        finally:
            self._last_use = time.monotonic()

    def _run(self, task: Task, command: Command, request: Mapping[str, Any]) -> dict[str, Any]:
        active = request["active"]
        progress = TaskProgress(task)
        reply, line = run_command(
            command,
            request["options"],
            self.session,
            progress,
            None if active is None else self._images.image(active),
            self._images.host(request),
        )
        if self._autosave is not None:
            try:
                self._autosave.keep(self.session)
            except (TdsegError, OSError) as error:
                progress.note(f"The classifier would be lost if Python ended: {error}")
        return {"reply": plain_reply(reply, command, self.results.keep), "line": line}

    @contextmanager
    def _in_turn(self, task: Task, command: Command) -> Iterator[None]:
        """Wait for the commands before; Esc ends the waiting."""
        if not command.queued:
            yield
            return
        self.session.waiting += 1
        try:
            while not self._turn.acquire(timeout=_LOOK_SECONDS):
                if task.cancel_requested:
                    raise Cancelled()
        finally:
            self.session.waiting -= 1
        try:
            with self.questions.of(task):
                yield
        finally:
            self._turn.release()

    def fetch(self, result: int, first: int, count: int) -> dict[str, Any]:
        """Hand over planes of a result: ``array``, or ``error``."""
        try:
            return {"array": self.results.fetch(int(result), int(first), int(count))}
        except TdsegError as error:
            return {"error": str(error)}

    def release(self, result: int | None, array: str | None) -> None:
        """Forget a result, a segment, or both."""
        if result is not None:
            self.results.release(int(result))
        if array is not None:
            self.segments.remove(array)

    def extension(self, name: str, arguments: list[Any]) -> dict[str, Any]:
        """Answer a function for macros: ``value``, or ``error``."""
        try:
            _, function = FUNCTIONS[name]
            return {"value": function(self.session, *arguments)}
        except TdsegError as error:
            return {"error": str(error)}
        except Exception as error:
            traceback.print_exc()
            return {"error": f"Ext.{name} failed: {error}"}

    def unload(self) -> dict[str, Any]:
        """Give memory back, unless a command runs: ``unloaded`` says whether."""
        if not self._turn.acquire(blocking=False):
            return {"unloaded": False}
        try:
            give_back(self.session)
        finally:
            self._turn.release()
        return {"unloaded": True}

    @property
    def idle_seconds(self) -> float:
        """Seconds since the last command ended; 0 while one runs."""
        return 0.0 if self._turn.locked() else time.monotonic() - self._last_use
