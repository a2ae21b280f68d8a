"""One protocol for progress and cancelling; a terminal bar or Fiji's bar stands behind it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, Protocol, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm

_MOMENT = 0.1  # seconds between two looks whether the user cancelled
_BAR = "{percentage:3.0f} % |{bar:30}| {elapsed}<{remaining} {desc}"


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
    """A bar on standard error, where that is a terminal; elsewhere only the notes."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._shows = self._stream.isatty()
        self._bar: tqdm[NoReturn] | None = None

    def update(self, fraction: float, message: str = "") -> None:
        """Draw the bar, at most ten times a second; it goes when all is done."""
        if not self._shows:
            return
        if fraction >= 1:
            self.close()
            return
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(
                desc=message[:60],
                total=1.0,
                file=self._stream,
                leave=False,
                dynamic_ncols=True,
                bar_format=_BAR,
            )
        self._bar.set_description_str(message[:60], refresh=False)
        self._bar.update(max(fraction, 0.0) - self._bar.n)

    def note(self, message: str) -> None:
        """Print the line above the bar."""
        if self._bar is not None:
            self._bar.clear()
        self._stream.write(message + "\n")
        self._stream.flush()
        if self._bar is not None:
            self._bar.refresh()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class Counted:
    """Progress that says what repeats once, with a count, and can be asked again.

    The last note waits for the next, for the next `update` or for the end, so that forty equal
    notes in a row are one line "... (40 times)". One that comes again after it was said is counted
    and said once more at the end.

    Parameters
    ----------
    whole
        Who hears the rest.
    """

    def __init__(self, whole: Progress) -> None:
        self._whole = whole
        self._waiting, self._count = "", 0
        self._again: dict[str, int] = {}
        self._last = (0.0, "")
        self._asked = 0.0

    def update(self, fraction: float, message: str = "") -> None:
        """Say what waits and report to the whole."""
        self._say()
        self._last, self._asked = (fraction, message), time.monotonic()
        self._whole.update(fraction, message)

    def check(self) -> None:
        """Report the last step again, if that is a moment ago: the whole may raise `Cancelled`."""
        if time.monotonic() - self._asked > _MOMENT:
            self._whole.update(*self._last)
            self._asked = time.monotonic()

    def note(self, message: str) -> None:
        """Say the line now, or count it."""
        if message in self._again:
            self._again[message] += 1
        elif self._count and message == self._waiting:
            self._count += 1
        else:
            self._say()
            self._waiting, self._count = message, 1

    def close(self) -> None:
        """Say what waits, and how often what was said came again."""
        self._say()
        for message, count in self._again.items():
            if count:
                self._whole.note(f"{message} ({_times(count)} more)")
        self._again.clear()

    def _say(self) -> None:
        if not self._count:
            return
        message, count = self._waiting, self._count
        self._waiting, self._count = "", 0
        self._again[message] = 0
        self._whole.note(message if count == 1 else f"{message} ({_times(count)})")


@contextmanager
def counted(whole: Progress) -> Iterator[Counted]:
    """Give a job a progress that counts its repeated notes; see `Counted`."""
    progress = Counted(whole)
    try:
        yield progress
    finally:
        progress.close()


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


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
