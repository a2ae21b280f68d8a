"""``docs/commands.md``, made from the command table: ``python -m tdseg.commands.docs``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tdseg.commands.table import COMMANDS, Command
from tdseg.options.key import Key

HEAD = """# Commands and keys

Made from the command table by `python -m tdseg.commands.docs`; do not edit.

In a macro: `run("TDS Train...", "features=hybrid trees=100");`. Write `key=value`,
`key=[value with spaces]`, `flag` or `flag=true`. An unknown key or a value that is not valid
stops the macro with one sentence that lists the valid ones. The Recorder writes every key that
changes pixels, with what `auto` stood for. On the command line the same keys are options:
`--features hybrid`.
"""


def commands_markdown(commands: Sequence[Command] = COMMANDS) -> str:
    """Return the page: the commands with their own keys, then the groups that they share."""
    groups: dict[str, dict[str, Key]] = {}
    users: dict[str, int] = {}
    for command in commands:
        for title in {key.group for key in command.keys if key.group}:
            users[title] = users.get(title, 0) + 1
        for key in command.keys:
            groups.setdefault(key.group, {}).setdefault(key.name, key)
    shared = {title for title, count in users.items() if count > 1}
    lines = [HEAD]
    for command in commands:
        lines += _command(command, shared)
    lines += ["## Groups of keys", "", "Keys that several commands take.", ""]
    for title, keys in groups.items():
        if title in shared:
            lines += [f"### {title}", "", *_table(list(keys.values())), ""]
    return "\n".join(lines).rstrip() + "\n"


def _command(command: Command, shared: set[str]) -> list[str]:
    own = [key for key in command.keys if key.group not in shared]
    taken = dict.fromkeys(key.group for key in command.keys if key.group in shared)
    lines = [f"## {command.name}", "", command.help, ""]
    if own:
        lines += [*_table(own), ""]
    if taken:
        links = ", ".join(f"[{title}](#{title.lower().replace(' ', '-')})" for title in taken)
        lines += [f"Groups: {links}.", ""]
    changed = [
        f"`{key.name}={_plain(key.default)}`"
        for key in command.keys
        if key.group in shared and key.name == "features" and key.default != "hybrid"
    ]
    if changed:
        lines += [f"Default here: {', '.join(changed)}.", ""]
    if command.overrides:
        lines += ["Keys of these groups that are not given stay as the classifier has them.", ""]
    return lines


def _table(keys: list[Key]) -> list[str]:
    rows = ["| key | default | values | meaning |", "|---|---|---|---|"]
    for key in keys:
        default = "" if key.default in (None, "") else f"`{_plain(key.default)}`"
        rows.append(f"| `{key.name}` | {default} | {_values(key)} | {key.help} |")
    return rows


def _values(key: Key) -> str:
    if key.all_choices:
        return " ".join(f"`{choice}`" for choice in key.all_choices)
    if key.kind == "bool":
        return "`true` `false`"
    if key.kind in ("int", "float"):
        valid = key.valid().removeprefix("use ").replace("'", "`")
        return re.sub(r"1e\+(\d+)", lambda power: f"{10 ** int(power[1]):,}", valid)
    return f"`{key.example}`" if key.example else key.kind


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    print(commands_markdown(), end="")
