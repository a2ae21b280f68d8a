"""The option strings of ``run("Command", "key=value flag key=[a b]")``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tdseg.errors import TdsegError
from tdseg.options.key import Key, by_name, find_key
from tdseg.options.settings import RETIRED

_NAME = re.compile(r"[A-Za-z_][\w.-]*")


def tokenize(text: str) -> list[tuple[str, str | None]]:
    """Split an option string into names and values.

    Accepts what ImageJ 1 and SciJava write: ``flag``, ``key=value``, ``key=[value with spaces]``
    (brackets may nest). Backslashes and all other characters are taken as they are.

    Parameters
    ----------
    text
        The string, as ``Macro.getOptions()`` gives it.

    Returns
    -------
    list of (str, str or None)
        None: a bare flag.

    Raises
    ------
    TdsegError
        If a name is missing or a bracket is not closed; the message shows the place.
    """
    tokens: list[tuple[str, str | None]] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match = _NAME.match(text, position)
        if match is None:
            rest = text[position : position + 30].strip()
            raise TdsegError(
                f"Options are written key=value or key=[value with spaces]; '{rest}' is neither."
            )
        name, position = match.group(), match.end()
        if position >= len(text) or text[position].isspace():
            tokens.append((name, None))
            continue
        if text[position] != "=":
            rest = text[match.start() : match.start() + 30].split()[0]
            raise TdsegError(
                f"Options are written key=value or key=[value with spaces]; '{rest}' is neither."
            )
        value, position = _value(text, position + 1, name)
        tokens.append((name, value))
    return tokens


def _value(text: str, start: int, name: str) -> tuple[str, int]:
    if start < len(text) and text[start] == "[":
        depth = 0
        for end in range(start, len(text)):
            depth += {"[": 1, "]": -1}.get(text[end], 0)
            if depth == 0:
                return text[start + 1 : end], end + 1
        raise TdsegError(f"Key '{name}': the bracket after '=' is not closed; write {name}=[...].")
    end = start
    while end < len(text) and not text[end].isspace():
        end += 1
    return text[start:end], end


def parse_options(
    text: str | None,
    keys: Iterable[Key],
    command: str,
    note: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Parse and check an option string against the keys of a command.

    Parameters
    ----------
    text
        The option string; None or empty: every key has its default.
    keys
        The command's keys.
    command
        Its name, for messages.
    note
        Hears of keys of earlier versions, which are ignored.

    Returns
    -------
    dict
        The values of the keys that were given, by key name; nothing for absent keys.

    Raises
    ------
    TdsegError
        For an unknown key, a value that is not valid, a missing value, or a key given twice.
    """
    index = by_name(keys)
    values: dict[str, Any] = {}
    for name, raw in tokenize(text or ""):
        if name in RETIRED and name not in index:
            if note is not None:
                note(f"{command}: key '{name}' is ignored: {RETIRED[name]}.")
            continue
        key = find_key(name, index, command)
        if key.name in values:
            raise TdsegError(f"{command}: key '{key.name}' is given twice.")
        if raw is None:
            if key.kind == "bool" or set(key.choices) >= {"true", "false"}:
                values[key.name] = True if key.kind == "bool" else "true"
                continue
            raise TdsegError(f"Key '{key.name}' lacks a value; {key.valid()}.")
        values[key.name] = key.parse(raw)
    return values


def format_options(values: Mapping[str, Any], keys: Iterable[Key]) -> str:
    """Write values as an option string that `parse_options` reads back to the same values."""
    index = by_name(keys)
    return " ".join(index[name].format(value) for name, value in values.items())
