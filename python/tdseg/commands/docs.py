"""``docs/commands.md``, made from the command table: ``python -m tdseg.commands.docs``."""

from __future__ import annotations

from tdseg.commands.table import COMMANDS, Command
from tdseg.options.keys import SETTING_KEYS, Key

HEAD = """# Commands and keys

Made from the command table by `python -m tdseg.commands.docs`; do not edit.

In a macro: `run("TDS Train...", "features=hybrid trees=100");`. Write `key=value`,
`key=[value with spaces]`, `flag` or `flag=true`. An unknown key or a value that is not valid
stops the macro with one sentence that lists the valid ones. The Recorder writes every key that
changes pixels, with what `auto` stood for. On the command line the same keys are options:
`--features hybrid`.
"""


def commands_markdown() -> str:
    """Return the page: the commands with their own keys, then the keys that settings share."""
    shared = {key.name for key in SETTING_KEYS}
    lines = [HEAD]
    for command in COMMANDS:
        lines += _command(command, shared)
    lines += ["## Settings", "", "Keys that change pixels or resources, wherever they apply.", ""]
    lines += _table(list(SETTING_KEYS))
    return "\n".join(lines).rstrip() + "\n"


def _command(command: Command, shared: set[str]) -> list[str]:
    own = [key for key in command.keys if key.name not in shared]
    settings = [key.name for key in command.keys if key.name in shared]
    lines = [f"## {command.name}", "", command.help, ""]
    if own:
        lines += [*_table(own), ""]
    if settings:
        lines += ["Settings: " + ", ".join(f"`{name}`" for name in settings) + ".", ""]
    return lines


def _table(keys: list[Key]) -> list[str]:
    rows = ["| key | default | values | meaning |", "|---|---|---|---|"]
    for key in keys:
        default = "" if key.default in (None, "") else f"`{_plain(key.default)}`"
        rows.append(f"| `{key.name}` | {default} | {_values(key)} | {key.help} |")
    return rows


def _values(key: Key) -> str:
    if key.choices:
        return " ".join(f"`{choice}`" for choice in key.choices)
    if key.kind == "bool":
        return "`true` `false`"
    if key.kind in ("int", "float"):
        return key.valid().removeprefix("use ").replace("'", "`")
    return f"`{key.example}`" if key.example else key.kind


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    print(commands_markdown(), end="")
