import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdseg.commands.macro_line import macro_line
from tdseg.commands.parsing import format_options, parse_options, tokenize
from tdseg.commands.table import BY_NAME, COMMANDS
from tdseg.errors import TdsegError

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


@given(st.text(min_size=1) | st.text("[]= \\\"'ab\t", min_size=1))
def test_every_path_that_is_accepted_reads_back(path):
    try:
        accepted = SAVE.key("path").check(path)
    except TdsegError:
        return
    line = format_options({"path": accepted}, SAVE.keys)
    assert parse_options(line, SAVE.keys, SAVE.name) == {"path": accepted}


def _values(key):
    """Return a strategy of values for a key, inside and outside its bounds."""
    if key.kind == "bool":
        return st.booleans()
    if key.kind == "choice":
        return st.sampled_from(key.all_choices)
    words = st.sampled_from(key.words) if key.words else st.nothing()
    if key.kind == "int":
        return st.integers(-(2**40), 2**40) | st.just(key.minimum) | st.just(key.maximum) | words
    if key.kind == "float":
        return st.floats() | st.just(key.minimum) | st.just(key.maximum) | words
    return st.text() | st.text("ab1,- []=.\\", max_size=9)


@given(st.data())
def test_every_accepted_value_of_every_key_survives_line_and_replay(data):
    """Parser, recorder and replay agree: macro_line quotes for ImageJ, which unquotes again."""
    command = data.draw(st.sampled_from(COMMANDS).filter(lambda c: c.keys))
    key = data.draw(st.sampled_from(command.keys))
    value = data.draw(_values(key))
    try:
        accepted = key.check(value)
    except TdsegError:
        return
    if accepted is None:
        return
    line = macro_line(command, {key.name: accepted})
    inside = line.removeprefix(f'run("{command.name}", "').removesuffix('");')
    unquoted = re.sub(r"\\(.)", r"\1", inside)
    assert parse_options(unquoted, command.keys, command.name) == {key.name: accepted}


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
    assert all(callable(command.load()) for command in COMMANDS)


def test_defaults_are_valid_and_read_back():
    for command in COMMANDS:
        defaults = {key.name: key.default for key in command.keys if key.default not in (None, "")}
        line = format_options(defaults, command.keys)
        assert parse_options(line, command.keys, command.name) == defaults


def test_odd_characters_leave_a_message_on_one_line():
    with pytest.raises(TdsegError) as caught:
        parse_options("trees=5 !\n\x1b\u202ex", TRAIN.keys, TRAIN.name)
    assert str(caught.value).isprintable()
