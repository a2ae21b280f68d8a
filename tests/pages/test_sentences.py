"""What the pages quote as said by tdseg, tdseg says."""

from __future__ import annotations

import re
from functools import cache

import pytest
from page_blocks import ROOT, prose, text_of

QUOTING = ("troubleshooting.md", "fiji-plugin.md", "panel.md", "folders.md", "clusters.md")
# What others say.
NOT_OURS = {"cpu", "storeResults=true", "damaged"}


@cache
def spoken() -> str:
    """Return the sources of Python and Java, literals in parts joined, names put as ``...``."""
    files = [
        *(ROOT / "python" / "tdseg").rglob("*.py"),
        *(ROOT / "fiji-plugin" / "src" / "main").rglob("*.java"),
    ]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    text = re.sub(r'"\s*\n\s*f?"', "", text)  # Python's literals of several lines
    text = re.sub(r'"\s*\+\s*"', "", text)  # Java's
    return text


def quoted() -> list[tuple[str, str]]:
    return [
        (page, sentence)
        for page in QUOTING
        if (ROOT / "docs" / page).is_file()
        for sentence in re.findall(
            r'"([^"`]{4,}?)"', re.sub(r"`[^`]*`", "", prose(text_of(ROOT / "docs" / page)))
        )
        if sentence not in NOT_OURS
    ]


def test_sentences_are_found():
    assert len(quoted()) > 15


@pytest.mark.parametrize(("page", "sentence"), quoted())
def test_the_sentence_is_said(page, sentence):
    parts = [part.strip(" '()") for part in sentence.split("...")]
    parts = [part for part in parts if len(part) > 3]
    assert parts
    for part in parts:
        assert part in spoken(), f"{page}: {part}"
