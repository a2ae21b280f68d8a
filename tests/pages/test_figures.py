"""Each table of figures says which program prints them, or that none does; programs are there."""

from __future__ import annotations

import re

import pytest
from page_blocks import PAGES, ROOT, name, prose, text_of

PROGRAM = re.compile(r"(?:benchmarks|tests)/[\w/]+\.py")
FIGURE = re.compile(
    r"[\s*<>≤]*[-−]?[\d.,]*\d(?: ?[%–-].*| to .*|[\s\d.,−-]*)?\**(?: ?(?:s|ms|MB|GB|GiB))?"
)
# Figures that are not measured: what a page says of sizes and numbers by definition.
DEFINED = {"docs/commands.md", "docs/images.md", "docs/labels.md"}


def tables(text: str) -> list[tuple[str, str]]:
    """Return each table of figures with the text above it: of its sections and of the page."""
    found, above = [], {0: ""}
    level, table = 0, []
    for line in [*prose(text).splitlines(), ""]:
        heading = re.match(r"(#+) ", line)
        if heading:
            level = len(heading[1])
            above = {k: v for k, v in above.items() if k < level} | {level: line}
        elif line.startswith("|"):
            table.append(line)
            continue
        if table:
            if is_measured(table[2:]):
                found.append((table[0], "\n".join(above.values())))
            table = []
        above[level] = above.get(level, "") + "\n" + line
    return found


def is_measured(rows: list[str]) -> bool:
    cells = [cell.strip() for row in rows for cell in row.strip().strip("|").split("|")]
    filled = [cell for cell in cells if cell]
    figures = [cell for cell in filled if FIGURE.fullmatch(cell)]
    return len(figures) >= 4 and len(figures) >= len(filled) / 3


MEASURED = [
    (name(page), head, above)
    for page in PAGES
    if name(page) not in DEFINED
    for head, above in tables(text_of(page))
]


def test_tables_of_figures_are_found():
    assert len(MEASURED) > 20


@pytest.mark.parametrize(("page", "head", "above"), MEASURED)
def test_a_table_names_the_program_behind_it(page, head, above):
    programs = PROGRAM.findall(above)
    assert programs or "Measured once; no program" in above, f"{page}: {head}"
    for program in programs:
        assert (ROOT / program).is_file(), f"{page}: {program}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_programs_that_a_page_names_are_there(page):
    for program in PROGRAM.findall(text_of(page)):
        assert (ROOT / program).is_file(), program
