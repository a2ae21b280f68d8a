"""What README and the pages of the site show as code."""

from __future__ import annotations

import ast
import doctest
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
)
FENCE = re.compile(
    r"(?P<indent> *)```(?P<language>[\w-]*)[^\n]*\n(?P<text>.*?)^ *```$", re.M | re.S
)
RUN = re.compile(r"""\brun\("(TDS [^"]+)"(?:, *"([^"]*)")?\)""")


@dataclass(frozen=True)
class Block:
    """A block of code: its page, its first line's number there, its language and text."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks() -> list[Block]:
    """Return all blocks of all pages: fenced ones, and indented ones as language ``indented``."""
    found = []
    for page in PAGES:
        text = text_of(page)
        for match in FENCE.finditer(text):
            width = len(match["indent"])
            lines = [line[width:] for line in match["text"].splitlines()]
            line = text[: match.start("text")].count("\n") + 1
            language = {"sh": "bash"}.get(match["language"], match["language"])
            found.append(Block(name(page), line, language, "\n".join(lines)))
        found += indented(name(page), prose(text))
    return found


def prose(text: str) -> str:
    """Return a page with its fenced blocks blanked, line by line."""
    return FENCE.sub(lambda match: "\n" * match.group().count("\n"), text)


def indented(page: str, text: str) -> list[Block]:
    """Return blocks that are code because they stand four or more columns in, after a blank line.

    Lines that continue a list's item stand no deeper than its text, so they are none.
    """
    found: list[Block] = []
    depth, blank, block = 0, True, None
    for number, line in enumerate([*text.splitlines(), "end"], start=1):
        item = re.match(r" *(?:[-*]|\d+\.) +", line)
        width = len(line) - len(line.lstrip())
        if not line.strip():
            blank = True
            continue
        if item:
            depth = item.end()
        elif width == 0:
            depth = 0
        if not item and width >= depth + 4 and (blank or block):
            text_line = line[depth + 4 :]
            if block:
                block[1].append(text_line)
            else:
                block = (number, [text_line])
        elif block:
            found.append(Block(page, block[0], "indented", "\n".join(block[1])))
            block = None
        blank = False
    return found


def docstring_examples() -> list[Block]:
    """Return the examples of docstrings, which the page of the API shows, as code that checks them.

    What an example prints by being evaluated is asserted.
    """
    found = []
    for path in sorted((ROOT / "python" / "tdseg").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if ">>>" not in source:
            continue
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
                continue
            examples = doctest.DocTestParser().get_examples(ast.get_docstring(node) or "")
            if examples:
                module = ".".join(path.relative_to(ROOT / "python").with_suffix("").parts)
                lines = ["import tdseg", f"from {module} import *"]
                for example in examples:
                    code, want = example.source.strip(), example.want.strip()
                    lines.append(f"assert repr({code}) == {want!r}" if want else code)
                found.append(Block(name(path), node.body[0].lineno, "python", "\n".join(lines)))
    return found


def inline_code(page: Path) -> list[str]:
    """Return what stands between single backticks in a page."""
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose(text_of(page)))]


def shell_lines(block: Block) -> list[list[str]]:
    """Return the commands of a block: words, without comments and without settings before them."""
    lines = block.text.replace("\\\n", " ") if block.language == "bash" else block.text
    # A part of a job by SLURM's variables: the first of eight.
    lines = re.sub(r"\$\w+_COUNT\b", "8", re.sub(r"\$\w+_ID\b", "1", lines))
    commands = []
    for line in lines.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
        lexer.whitespace_split, lexer.commenters = True, "#"
        if block.language == "powershell":
            lexer.escape = ""
        words = list(lexer)
        while words and re.match(r"[A-Z_]+=", words[0]):
            del words[0]
        if words:
            commands.append(words)
    return commands
