"""One protocol for progress and cancelling; a terminal bar or Fiji's bar stands behind it."""

from __future__ import annotations

import sys
import time
from typing import Protocol, TextIO


class Progress(Protocol):
    """Told how far a job is; may raise `Cancelled` to stop it at the next step."""

    def update(self, fraction: float, message: str = "") -> None:
        """Report the finished fraction, 0 to 1; raises `Cancelled` when the user asked to stop."""

    def note(self, message: str) -> None:
        """Tell the user something worth a line in the Log."""


class Silent:
    """Progress for code that nobody watches; remembers the notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def update(self, fraction: float, message: str = "") -> None:
        """Do nothing."""

    def note(self, message: str) -> None:
        """Keep the line."""
        self.notes.append(message)


class TerminalProgress:
    """A bar on a terminal; plain lines, and few of them, where the output is not a terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._tty = self._stream.isatty()
        self._last = 0.0
        self._open = False

    def update(self, fraction: float, message: str = "") -> None:
        """Draw the bar, at most ten times a second."""
        now = time.monotonic()
        done = fraction >= 1
        if not self._tty or (now - self._last < 0.1 and not done):
            return
        self._last = now
        filled = int(30 * min(max(fraction, 0), 1))
        bar = "#" * filled + "." * (30 - filled)
        self._stream.write(f"\r[{bar}] {100 * fraction:3.0f} % {message[:60]:<60}")
        self._open = not done
        if done:
            self._stream.write("\r" + " " * 100 + "\r")
        self._stream.flush()

    def note(self, message: str) -> None:
        """Print the line above the bar."""
        if self._open:
            self._stream.write("\r" + " " * 100 + "\r")
        self._stream.write(message + "\n")
        self._stream.flush()


class Part:
    """The part ``start..stop`` of another progress, seen as 0..1."""

    def __init__(self, whole: Progress, start: float, stop: float) -> None:
        self._whole, self._start, self._stop = whole, start, stop

    def update(self, fraction: float, message: str = "") -> None:
        """Report to the whole."""
        self._whole.update(self._start + (self._stop - self._start) * fraction, message)

    def note(self, message: str) -> None:
        """Pass the line on."""
        self._whole.note(message)
