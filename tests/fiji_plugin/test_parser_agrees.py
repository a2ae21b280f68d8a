"""The plugin's parser refuses what Python's refuses, in the same words, and nothing else."""

import jpype
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tdseg
from tdseg.commands.parsing import parse_options
from tdseg.commands.table import COMMANDS

BY_PYTHON = {"backbone", "upsampling", "classifier"}
"""Keys with choices that only Python knows for certain."""

WORDS = (
    "1 0 -1 007 1_0 1__0 +3 1.5 .5 1e3 1e400 0x10 nan -inf auto AUTO true no 2147483648 ١٢ 1,3 1-4",
    "all current none crf CFR Deep gaussian,sobel c:/x a b µ ] [ \x07 \u2028 \u00a0",
)
VALUES = st.one_of(
    st.sampled_from(" ".join(WORDS).split(" ")),
    st.integers().map(str),
    st.floats().map(str),
    st.text(max_size=8),
    st.text("ab[]= \t\"\\'", max_size=6),
)
NAMES = st.one_of(
    st.sampled_from(sorted({key.name for command in COMMANDS for key in command.keys})),
    st.text("abcdefgimorst_", min_size=1, max_size=9),
    st.text(max_size=3),
)
PAIRS = st.one_of(
    NAMES,
    st.tuples(NAMES, VALUES).map("=".join),
    st.tuples(NAMES, VALUES).map(lambda pair: f"{pair[0]}=[{pair[1]}]"),
)
LINES = st.lists(PAIRS, max_size=3).map(" ".join)


@pytest.fixture(scope="module")
def by_plugin(plugin):
    """What the plugin says to an option string of a command: its sentence, or None."""
    tdseg.imagej.start()
    url = jpype.JClass("java.io.File")(str(plugin.jar)).toURI().toURL()
    loader = jpype.JClass("java.net.URLClassLoader")([url])
    table = jpype.JClass("tdseg.fiji.table.CommandTable", loader=loader).get()
    parser = jpype.JClass("tdseg.fiji.table.OptionParser", loader=loader)

    def sentence(command, text):
        try:
            parser.parse(text, table.command(command))
        except jpype.JException as error:
            meant = error.getClass().getName() == "tdseg.fiji.UserError"
            return str(error.getMessage() if meant else error)
        return None

    return sentence


def by_python(command, text):
    try:
        parse_options(text, command.keys, command.name)
    except tdseg.TdsegError as error:
        return str(error)
    return None


# Not random: Java and Python know different versions of Unicode.
@settings(max_examples=600, deadline=None, derandomize=True)
@given(command=st.sampled_from(COMMANDS), text=LINES)
def test_the_plugin_and_python_agree(by_plugin, command, text):
    expected = by_python(command, text)
    if expected is not None and any(f"Key '{name}'" in expected for name in BY_PYTHON):
        return
    assert by_plugin(command.name, text) == expected


@pytest.mark.parametrize("near", ["sigmamax", "tree", "featurs", "membrane", "labelpath", "seeds"])
def test_the_nearest_keys_are_the_same(by_plugin, near):
    command = next(command for command in COMMANDS if command.name == "TDS Train...")
    expected = by_python(command, f"{near}=1")
    assert "Did you mean" in expected
    assert by_plugin(command.name, f"{near}=1") == expected


@pytest.mark.parametrize(
    "text",
    [
        *("shifts=1+02", "shifts=+3", "shifts=1+0", "shifts=1+", "shifts=+1+2", "shifts=1+Auto+x"),
        *("flips=TRUE+turn", "flips=turn+on", "flips=[true + turn]", "trees=1+2", "stride=auto+7"),
    ],
)
def test_values_for_several_backbones_are_the_same(by_plugin, text):
    command = next(command for command in COMMANDS if command.name == "TDS Train...")
    assert by_plugin(command.name, text) == by_python(command, text)
