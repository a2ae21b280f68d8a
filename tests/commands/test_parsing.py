import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdseg.commands.parsing import format_options, parse_options, tokenize
from tdseg.commands.table import BY_NAME, COMMANDS
from tdseg.errors import TdsegError
from tdseg.imagej import handlers
from tdseg.imagej.recorder import macro_line

TRAIN = BY_NAME["TDS Train..."]
SAVE = BY_NAME["TDS Save Classifier..."]


def test_both_dialects_and_brackets():
    values = parse_options(
        "append features=deep trees=50 labels_path=[C:\\my data\\µ [1].zip] balance=false ",
        TRAIN.keys,
        TRAIN.name,
    )
    assert values == {
        "append": True,
        "features": "deep",
        "trees": 50,
        "labels_path": "C:\\my data\\µ [1].zip",
        "balance": False,
    }
    assert parse_options(None, TRAIN.keys, TRAIN.name) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("featuers=deep", ["TDS Train...", "featuers", "Did you mean 'features'", "Valid keys"]),
        ("features=deeep", ["features", "deeep", "'hybrid', 'deep', 'classical'"]),
        ("features", ["features", "lacks a value"]),
        ("trees=", ["trees", "lacks a value"]),
        ("trees=many", ["trees", "many", "whole number"]),
        ("trees=10 trees=20", ["trees", "twice"]),
        ("labels_path=[/a b", ["labels_path", "not closed"]),
        ("append=perhaps", ["append", "perhaps", "true or false"]),
        ("=3", ["'=3' is neither"]),
        ("trees!3", ["'trees!3' is neither"]),
    ],
)
def test_mistakes_are_named(text, words):
    with pytest.raises(TdsegError) as caught:
        parse_options(text, TRAIN.keys, TRAIN.name)
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words)


def _balanced(text: str) -> bool:
    depth = 0
    for letter in text:
        depth += {"[": 1, "]": -1}.get(letter, 0)
        if depth < 0:
            return False
    return depth == 0


@given(st.text(min_size=1).filter(lambda s: _balanced(s) and s.strip() == s and s != ""))
def test_any_path_reads_back(path):
    line = format_options({"path": path}, SAVE.keys)
    assert parse_options(line, SAVE.keys, SAVE.name) == {"path": path}


@given(st.text())
def test_the_tokenizer_never_fails_with_anything_but_a_sentence(text):
    names = []
    with contextlib.suppress(TdsegError):
        names = [name for name, _ in tokenize(text)]
    assert all(name and not name[0].isdigit() for name in names)


def test_macro_lines_quote_backslashes():
    line = macro_line(SAVE, {"path": "C:\\a b\\c.tdseg", "existing": "error"})
    expected = 'run("TDS Save Classifier...", "path=[C:\\\\a b\\\\c.tdseg] existing=error");'
    assert line == expected


def test_every_command_has_a_function():
    missing = [c.name for c in COMMANDS if c.handler not in handlers.__all__]
    assert missing == []


def test_defaults_are_valid_and_read_back():
    for command in COMMANDS:
        defaults = {key.name: key.default for key in command.keys if key.default not in (None, "")}
        line = format_options(defaults, command.keys)
        assert parse_options(line, command.keys, command.name) == defaults
