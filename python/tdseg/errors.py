"""The errors that a user is meant to read."""

from __future__ import annotations

import re

_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class TdsegError(ValueError):
    """One sentence for the user: what is wrong, in which image, ROI, key or file, and the remedy.

    Every route (macro, command line, Python) shows the message as it is, without a traceback;
    anything else that escapes is a defect of tdseg.

    Parameters
    ----------
    message
        The sentence.
    hint
        What the user lacks or must change ("label", "classes", "classifier", "dimensions"), so that
        a route can add how it is done there: macros by a menu entry, the command line by an option.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(_one_line(message))
        self.hint = hint


def _one_line(text: str) -> str:
    """Replace what breaks a line or turns its direction, as names in ROIs and options may hold."""
    if text.isprintable():
        return text
    return _BREAKS.sub(lambda found: " " if found.group().isspace() else "?", text)


class Cancelled(TdsegError):  # noqa: N818 (an outcome, not a fault)
    """The user pressed Esc, Stop or Ctrl-C; nothing was written."""

    def __init__(self, message: str = "Cancelled; nothing was changed or written.") -> None:
        super().__init__(message)
