"""The table of commands as JSON, for the Fiji plugin: ``python -m tdseg.commands.json_table``.

The plugin's menu, parser and dialogs are made from the file; a test compares it with the table.
"""

from __future__ import annotations

import json
from typing import Any

from tdseg._version import __version__
from tdseg.commands.extensions import FUNCTIONS
from tdseg.commands.table import COMMANDS, MENU, Command
from tdseg.labels.colours import colours_apart, glasbey
from tdseg.options.key import Key
from tdseg.options.settings import RETIRED


def json_table() -> dict[str, Any]:
    """Return the table in plain data.

    Returns
    -------
    dict
        ``version`` of this package; ``menu``, the name of the submenu; ``retired``, keys of
        earlier versions that are ignored, and why; ``colours`` of label values 0 to 255 as
        hexadecimal digits, and ``colours_apart``, those for colour-blind users; ``extensions``,
        the kinds of the arguments ("text", "number") of each ``Ext.`` function; ``commands`` in
        the order of the menu, each with its ``keys``, where "open" means that more choices may be
        registered, "several" that values for several backbones may be joined by ``+``.
    """
    return {
        "version": __version__,
        "menu": MENU,
        "commands": [_command(command) for command in COMMANDS],
        "retired": dict(RETIRED),
        "colours": glasbey().tobytes().hex(),
        "colours_apart": colours_apart().tobytes().hex(),
        "extensions": {name: list(kinds) for name, (kinds, _) in FUNCTIONS.items()},
    }


def as_text() -> str:
    """Return the table as the text of the file: one line a key, so that changes are read well."""
    table = json_table()
    commands = table.pop("commands")
    blocks = []
    for command in commands:
        keys = [json.dumps(key, allow_nan=False) for key in command.pop("keys")]
        inside = "\n   " + ",\n   ".join(keys) + "\n  " if keys else ""
        blocks.append(f'  {json.dumps(command)[:-1]}, "keys": [{inside}]}}')
    head = ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in table.items())
    return f'{{\n{head},\n "commands": [\n' + ",\n".join(blocks) + "\n ]\n}\n"


def _command(command: Command) -> dict[str, Any]:
    return {
        "name": command.name,
        "help": command.help,
        "needs_image": command.needs_image,
        "queued": command.queued,
        "keys": [_key(key) for key in command.keys],
    }


def _key(key: Key) -> dict[str, Any]:
    """Return a key; what is empty, absent or false is left out, but for the default."""
    found = {
        "name": key.name,
        "kind": key.kind,
        "help": key.help,
        "valid": key.valid(),
        "group": key.group,
        "basic": key.basic,
        "needed": key.needed,
        "choices": list(key.all_choices),
        "open": bool(key.registry),
        "several": key.several,
        "words": list(key.words),
        "pattern": key.pattern,
        "example": key.example,
        "aliases": list(key.aliases),
        "saves": key.saves,
        "ending": key.ending,
        "folder": key.folder,
    }
    bounds = {"minimum": key.minimum, "maximum": key.maximum}
    return {
        **{name: value for name, value in found.items() if value},
        **{name: value for name, value in bounds.items() if value is not None},
        "default": key.default,
    }


if __name__ == "__main__":
    print(as_text(), end="")
