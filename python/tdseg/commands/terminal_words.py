"""Messages in the words of the command line: its options, not the keys of a macro."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tdseg.errors import TdsegError
from tdseg.options.key import Key

HINTS = {
    "label": "Save each image with its ROIs in the overlay, or name label files: --labels file or "
    "--labels image, and --labels-path.",
}
"""How users of the command line get what a `TdsegError` says they lack."""

# Commas and dots are part of a value inside it, not at its end.
_VALUE = r"(?:\[([^\[\]]*)\]|([\w:+-]+(?:[.,][\w:+-]+)*))?"


def sentence(error: TdsegError, keys: Iterable[Key] = ()) -> str:
    """Return what an error says to a user of a subcommand with these keys."""
    hint = HINTS.get(error.hint)
    return with_options(f"{error} {hint}" if hint else str(error), keys)


def with_options(message: str, keys: Iterable[Key]) -> str:
    """Write ``key=value`` as ``--key value``, for the keys that a subcommand has as options."""
    names = "|".join(re.escape(key.name) for key in keys)
    if not names:
        return message

    def option(match: re.Match[str]) -> str:
        name, bracketed, plain = match.groups()
        value = bracketed or plain
        return f"--{name.replace('_', '-')}" + (f" {value}" if value else "")

    return re.sub(rf"(?<![\w'\"./-])({names})={_VALUE}", option, message)
