"""A key is defined once, as a field: parser, command line, documentation and recorder know it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from tdseg.cli import build_parser
from tdseg.commands.command_options import TrainOptions
from tdseg.commands.docs import commands_markdown
from tdseg.commands.macro_line import macro_line
from tdseg.commands.parsing import parse_options
from tdseg.commands.request import Request
from tdseg.commands.table import BY_NAME, COMMANDS
from tdseg.errors import TdsegError
from tdseg.options.declare import keys_of, number
from tdseg.options.settings import RETIRED, Settings
from tdseg.runtime.progress import Silent


@dataclass(frozen=True, kw_only=True)
class WiderTrainOptions(TrainOptions):
    """The keys of TDS Train and one more."""

    patience: float = number(1.5, 0.0, 9.0, "how long to wait for a better tree")


WIDER = replace(BY_NAME["TDS Train..."], options=WiderTrainOptions)


def test_the_parser_knows_an_added_key() -> None:
    assert parse_options("patience=2.5", WIDER.keys, WIDER.name) == {"patience": 2.5}
    with pytest.raises(TdsegError, match=r"patience.*from 0 to 9"):
        parse_options("patience=10", WIDER.keys, WIDER.name)
    with pytest.raises(TdsegError, match="no key 'patience'"):
        parse_options("patience=2.5", BY_NAME[WIDER.name].keys, WIDER.name)


def test_the_command_line_knows_an_added_key() -> None:
    parser = build_parser({**BY_NAME, WIDER.name: WIDER})
    found = parser.parse_args(["train", "a.tif", "--model", "m", "--patience", "3"])
    assert found.key_patience == "3"


def test_documentation_and_recorder_know_an_added_key() -> None:
    page = commands_markdown([WIDER if c.name == WIDER.name else c for c in COMMANDS])
    assert (
        "| `patience` | `1.5` | a number from 0 to 9 | how long to wait for a better tree" in page
    )
    request = Request(WIDER, {"patience": 2.0}, None, Silent())  # type: ignore[arg-type]
    assert " patience=2" in macro_line(WIDER, request.resolved())
    assert request.options.patience == 2.0


def test_every_key_has_a_group_or_belongs_to_one_command() -> None:
    seen: dict[str, set[str]] = {}
    for command in COMMANDS:
        for key in command.keys:
            seen.setdefault(key.name, set()).add(key.kind)
    assert all(len(kinds) == 1 for kinds in seen.values())


def test_keys_of_earlier_versions_are_ignored_with_a_note() -> None:
    notes: list[str] = []
    given = parse_options("exact=true trees=7", WIDER.keys, WIDER.name, notes.append)
    assert given == {"trees": 7}
    assert len(notes) == 1
    assert "'exact' is ignored" in notes[0]
    old = {**Settings(trees=7).to_dict(), "exact": True, "classical_device": "cpu"}
    assert Settings.from_mapping(old) == Settings(trees=7)
    assert not set(RETIRED) & {key.name for key in keys_of(Settings)}
