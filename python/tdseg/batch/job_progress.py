"""Progress of a job over many files: which one, of how many, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable

from tdseg.runtime.progress import Progress


class JobProgress:
    """Progress of files, each 0 to 1, as one with the time that is left.

    Parameters
    ----------
    whole
        Who hears it.
    count
        How many files there are to do.
    clock
        Seconds, for tests.
    """

    def __init__(
        self, whole: Progress, count: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._whole, self._count, self._clock = whole, count, clock
        self._done, self._began = 0, clock()

    def next_file(self) -> None:
        """Count one file as done."""
        self._done += 1

    def leave_out(self, count: int) -> None:
        """Hear that so many files need not be done."""
        self._count -= count

    def update(self, fraction: float, message: str = "") -> None:
        """Report how far the file at work is."""
        done = min(self._done + min(max(fraction, 0.0), 1.0), self._count)
        text = f"{min(self._done + 1, self._count)} of {self._count}"
        if self._done:  # the first file also loads networks and compiles
            seconds = (self._clock() - self._began) / done * (self._count - done)
            text += f", {time_left(seconds)}"
        self._whole.update(done / max(self._count, 1), f"{text}: {message}" if message else text)

    def note(self, message: str) -> None:
        """Pass the line on."""
        self._whole.note(message)


def time_left(seconds: float) -> str:
    """Say how long something will take, as exactly as can be known."""
    if seconds < 90:
        return f"{max(round(seconds / 5), 1) * 5} s left"
    if seconds < 5400:
        return f"{round(seconds / 60)} min left"
    hours = seconds / 3600
    return f"{hours:.1f} h left" if hours < 48 else f"{round(hours / 24)} days left"
