"""Macro lines: what the Recorder prints replays to identical pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tdseg.commands.parsing import format_options
from tdseg.commands.table import Command


def macro_line(command: Command, values: Mapping[str, Any]) -> str:
    """Return the macro call that repeats a command.

    Parameters
    ----------
    command
        The command.
    values
        Its resolved values by key name, nothing left on ``auto``.
    """
    options = format_options(values, command.keys)
    quoted = options.replace("\\", "\\\\").replace('"', '\\"')
    return f'run("{command.name}", "{quoted}");'
