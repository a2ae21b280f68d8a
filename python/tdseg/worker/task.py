"""What the worker needs of an Appose task."""

from __future__ import annotations

from typing import Any, Protocol

from tdseg.errors import Cancelled


class Task(Protocol):
    """A task of ``appose.python_worker``."""

    cancel_requested: bool

    def update(
        self,
        message: str | None = None,
        current: int | None = None,
        maximum: int | None = None,
        info: dict[str, Any] | None = None,
    ) -> None:
        """Tell Fiji something."""


STEPS = 1000
"""What all of the progress is: Appose counts in whole numbers."""


class TaskProgress:
    """Progress that Fiji shows; notes go to its Log; Esc there cancels.

    Parameters
    ----------
    task
        The task of the command.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._last = (-1, "")

    def update(self, fraction: float, message: str = "") -> None:
        """Tell Fiji how far the work is, if that has changed.

        Raises
        ------
        Cancelled
            If the user pressed Esc.
        """
        if self._task.cancel_requested:
            raise Cancelled()
        # Not a number, as of nothing out of nothing, would stop Fiji's bar.
        done = round(min(max(fraction, 0.0), 1.0) * STEPS) if fraction == fraction else 0
        if (done, message) != self._last:
            self._last = done, message
            self._task.update(message, done, STEPS)

    def note(self, message: str) -> None:
        """Send a line for the Log."""
        self._task.update(info={"log": message})
