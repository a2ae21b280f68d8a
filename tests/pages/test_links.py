"""Links and pictures of README and of the pages; `make site` looks at headings besides."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
import yaml
from page_blocks import PAGES, ROOT, name, prose, text_of
from site_links import external

LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
# Hosts that examples may name: they exist nowhere.
EXAMPLES = (".example",)


def links(page) -> list[tuple[bool, str, str]]:
    """Return whether it is a picture, text, and target of each link outside code."""
    text = re.sub(r"`[^`\n]*`", "`code`", prose(text_of(page)))
    return [(bool(mark), shown, target) for mark, shown, target in LINK.findall(text)]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_what_a_page_points_to_is_there(page):
    for is_picture, shown, target in links(page):
        if target.startswith(("http://", "https://", "#")):
            continue
        path = (page.parent / target.partition("#")[0]).resolve()
        assert path.exists(), f"{name(page)} -> {target}"
        if page.parent.name == "docs":  # the site holds docs/ alone
            assert path.is_relative_to(ROOT / "docs"), f"{name(page)} -> {target}"
        if is_picture:
            assert len(shown.split()) >= 3, f"{name(page)}: say what {target} shows"


def test_every_page_is_in_the_menu_of_the_site():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = re.findall(r"[\w-]+\.md", text[text.index("\nnav:") :])
    assert sorted(listed) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def test_the_site_is_strict_about_pages_links_and_headings():
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert settings["strict"] is True
    assert set(settings["validation"]["links"].values()) == {"warn"}
    assert set(settings["validation"]["nav"].values()) == {"warn"}


def test_every_picture_is_shown_somewhere():
    shown = {target for page in PAGES for _, _, target in links(page)}
    for picture in (ROOT / "docs" / "pictures").iterdir():
        assert any(target.endswith(picture.name) for target in shown), picture.name


def test_addresses_elsewhere_are_whole():
    """`make links` asks them; here only their form is looked at."""
    found = external(ROOT)
    assert found
    for address, pages in found.items():
        parts = urlsplit(address)
        assert parts.scheme == "https" or parts.hostname.endswith(EXAMPLES), (address, pages)
        assert "." in parts.hostname, (address, pages)
        assert not parts.username, (address, pages)
