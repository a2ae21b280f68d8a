"""What a command asks Fiji while it works, so that nothing is copied that it does not need."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tdseg.errors import Cancelled, TdsegError
from tdseg.worker.task import Task

_LOOK_SECONDS = 0.1  # between two looks whether the user cancelled


class _Question:
    def __init__(self) -> None:
        self.answered = threading.Event()
        self.answer: dict[str, Any] = {}
        self.error: str | None = None


class Questions:
    """Questions on their way: asked by an update of the running task, answered by another task."""

    def __init__(self) -> None:
        self._open: dict[int, _Question] = {}
        self._numbers = itertools.count(1)
        self._task: Task | None = None

    @contextmanager
    def of(self, task: Task) -> Iterator[None]:
        """Ask through a task while the body runs: images that were read earlier ask anew there."""
        before, self._task = self._task, task
        try:
            yield
        finally:
            self._task = before

    def ask(self, what: str, **facts: Any) -> dict[str, Any]:
        """Ask Fiji and wait for its answer.

        Parameters
        ----------
        what
            The question's kind.
        **facts
            Plain data, or an array in shared memory.

        Returns
        -------
        dict
            The answer.

        Raises
        ------
        Cancelled
            If the user pressed Esc while waiting.
        TdsegError
            If Fiji has no answer; the sentence is Fiji's.
        """
        task = self._task
        if task is None:
            raise TdsegError("No command of Fiji runs that could be asked for the image.")
        number, question = next(self._numbers), _Question()
        self._open[number] = question
        try:
            task.update(info={"ask": number, "what": what, **facts})
            while not question.answered.wait(_LOOK_SECONDS):
                if task.cancel_requested:
                    raise Cancelled()
        finally:
            del self._open[number]
        if question.error is not None:
            raise TdsegError(question.error)
        return question.answer

    def answer(self, number: int, answer: dict[str, Any], error: str | None) -> None:
        """Take an answer; nobody may wait for it any more."""
        question = self._open.get(number)
        if question is not None:
            question.answer, question.error = answer, error
            question.answered.set()
