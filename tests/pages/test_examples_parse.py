"""Commands, keys and programs that pages show are those that there are."""

from __future__ import annotations

import re

import pytest
from page_blocks import PAGES, ROOT, RUN, blocks, inline_code, name, shell_lines, text_of

from tdseg.cli import _key_values, build_parser
from tdseg.commands.parsing import parse_options
from tdseg.commands.table import BY_NAME, COMMANDS
from tdseg.errors import TdsegError

BLOCKS = blocks()
LANGUAGES = {"ijm", "bash", "powershell", "python", "text", "json", "groovy", "yaml"}
# Programs of others, whose options these tests cannot know.
OTHERS = set("pip dask conda docker source cd export sbatch squeue git sha256sum nextflow".split())
# Lines that speak of the grammar, or of keys that do not exist.
NOT_LINES = {"key=value ...", "features_per_split=20"}
INVENTED_OPTIONS = {"--features-per-split"}
MACROS = [
    (str(block), match[1], match[2] or "")
    for block in BLOCKS
    if block.language == "ijm"
    for match in RUN.finditer(block.text)
] + [
    (name(page), match[1], match[2] or "")
    for page in PAGES
    for code in inline_code(page)
    for match in RUN.finditer(code)
    if match[2] not in NOT_LINES
]
COMMAND_LINES = [
    (str(block), words)
    for block in BLOCKS
    if block.language in ("bash", "powershell")
    for words in shell_lines(block)
]


def test_blocks_say_their_language():
    assert len(BLOCKS) > 30
    assert [f"{b}: {b.language}" for b in BLOCKS if b.language not in LANGUAGES] == []


@pytest.mark.parametrize(("place", "command", "options"), MACROS)
def test_a_macro_line_is_accepted(place, command, options):
    assert command in BY_NAME, place
    notes: list[str] = []
    parse_options(options, BY_NAME[command].keys, command, notes.append)
    assert notes == [], "a key of an earlier version"


def test_every_macro_line_is_looked_at():
    """A line that the pattern misses, such as one of joined strings, would not be checked."""
    for block in BLOCKS:
        if block.language == "ijm":
            assert len(re.findall(r'run\("TDS', block.text)) == len(RUN.findall(block.text)), block


@pytest.mark.parametrize(("place", "words"), COMMAND_LINES)
def test_a_command_line_is_accepted(place, words, capsys):
    program = re.split(r"[/\\]", words[0])[-1]
    if program == "tdseg":
        try:
            options = build_parser().parse_args(words[1:])
        except SystemExit as stopped:
            pytest.fail(f"{place}: {capsys.readouterr().err}") if stopped.code else None
            return
        if hasattr(options, "keys"):
            _key_values(options)
    elif program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        assert {word for word in words[1:] if "=" not in word} <= set(targets), place
    elif program == "python":
        known_script(place, words[1:])
    else:
        assert program in OTHERS, place


def known_script(place: str, words: list[str]) -> None:
    """Fail unless a script of the project exists and names the options that it is given."""
    if words[0] == "-m" or words[0].startswith("-"):
        module = words[words.index("-m") + 1] if "-m" in words else ""
        if module.startswith("tdseg"):
            path = ROOT / "python" / module.replace(".", "/")
            assert path.with_suffix(".py").is_file() or path.is_dir(), place
        return
    script = ROOT / words[0]
    assert script.is_file(), f"{place}: {words[0]}"
    source = script.read_text(encoding="utf-8")
    for option in [word.split("=")[0] for word in words[1:] if word.startswith("--")]:
        assert f'"{option}"' in source, f"{place}: {words[0]} does not know {option}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_words_in_the_text_are_known(page):
    """`tdseg train --some-option`, `python benchmarks/some.py --part`, `key=value` in sentences."""
    subcommands = build_parser()._subparsers._group_actions[0].choices
    for code in inline_code(page):
        words = code.split()
        if words[0] == "tdseg" and len(words) > 1 and words[1][0].islower():
            assert words[1] in subcommands, f"{name(page)}: {code}"
            known = subcommands[words[1]]._option_string_actions
            options = [word.split("=")[0] for word in words[2:] if word.startswith("--")]
            assert [o for o in options if o not in known and o not in INVENTED_OPTIONS] == [], code
        elif words[0] in ("python", "flock") and any(w.endswith(".py") for w in words):
            known_script(f"{name(page)}: {code}", words[words.index("python") + 1 :])


KEYS = re.compile(r"[a-z][a-z_]*=(\[[^\]]*\]|\S+)?( [a-z][a-z_]*=(\[[^\]]*\]|\S+)?)*")
# What looks like a key and is none, or has a value that users' own code would add.
NOT_KEYS = {
    "settings=",
    'aliases=("old_name",)',  # a field's declaration
    "class_weights=",  # Python's keywords
    "is_transformer=True",
    'axes="CYX"',
    "key=value",  # the grammar
    "key=[value with spaces]",
    "flag=true",
    "upsampling=nearest",  # registered by the page that says so
    "classifier=nearest_mean",
    "shifts=n",
    "part=k/n",
    'java_options=["-Xmx8g"]',
}


def spoken_keys() -> list[tuple[str, str]]:
    return [
        (name(page), code)
        for page in PAGES
        for code in dict.fromkeys(inline_code(page))
        if KEYS.fullmatch(code) and code not in NOT_KEYS
    ]


@pytest.mark.parametrize(("page", "code"), spoken_keys())
def test_keys_in_the_text_are_known(page, code):
    """Some command takes them all, or all their names where a value is left open."""
    failures = []
    for command in COMMANDS:
        given = re.findall(r"([a-z_]+)=(\[[^\]]*\]|\S*)", code)
        try:
            for key, _ in given:
                if key not in command.index:
                    raise TdsegError(f"'{key}' is no key of {command.name}")
            whole = [f"{k}={v}" for k, v in given if v and not v.endswith(("...", "*", "|"))]
            parse_options(" ".join(whole), command.keys, command.name)
        except TdsegError as error:
            failures.append(str(error))
        else:
            return
    pytest.fail(f"{page}: `{code}`: {failures[2]}")


def test_the_page_of_the_command_line_has_each_command():
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    for command in build_parser()._subparsers._group_actions[0].choices:
        assert f"\ntdseg {command}" in page, command


def test_variables_of_the_environment_are_read():
    """Each TDSEG_... that a page names stands in the source, and the table has them all."""
    sources = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "python" / "tdseg").rglob("*.py")
    )
    read = set(re.findall(r'"(TDSEG_[A-Z_]+)"', sources))
    named = {n for page in PAGES for n in re.findall(r"TDSEG_[A-Z]+(?:_[A-Z]+)*", text_of(page))}
    assert named - read - {"TDSEG_DISPLAY"} == set()
    table = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    assert {n for n in read if n not in table} == set()
