"""What a release says of itself agrees, wherever it is said."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import yaml

from tdseg._version import __version__
from tdseg.fiji_install.building import SOURCES, write_zip

ROOT = Path(__file__).resolve().parents[1]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
# Of the Citation File Format 1.2.0, those used here.
TYPES = {"article", "conference-paper", "software", "data"}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_version_is_the_same_everywhere():
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
    pom = re.search(
        r"<artifactId>Trainable.*?<version>(.*?)</version>", text("fiji-plugin/pom.xml"), re.S
    )
    table = json.loads((SOURCES / "src/main/resources/commands.json").read_text(encoding="utf-8"))
    said = {
        "pom.xml": pom[1],
        "commands.json": table["version"],
        "CITATION.cff": str(CITATION["version"]),
        "CHANGELOG.md": re.search(r"^## (\S+)", text("CHANGELOG.md"), re.MULTILINE)[1],
        "docs/installing.md": re.search(r"tdseg-([\d.]+)-py3", text("docs/installing.md"))[1],
    }
    assert set(said.values()) == {__version__}, said


def test_the_citation_is_of_the_format():
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["message"]
    assert CITATION["license"] == tomllib.loads(text("pyproject.toml"))["project"]["license"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", str(CITATION["date-released"]))
    for work in (CITATION, *CITATION["references"]):
        assert work["title"]
        assert work["type"] in TYPES
        for author in work["authors"]:
            assert set(author) in ({"name"}, {"family-names", "given-names"})
        if "doi" in work:
            assert re.fullmatch(r"10\.\d{4,9}/\S+", work["doi"])
    for work in CITATION["references"]:
        assert 1990 < work["year"] < 2100


def test_licences_go_with_what_they_are_of():
    assert text("fiji-plugin/src/main/resources/META-INF/LICENSE") == text("LICENSE")
    carried = text("THIRD_PARTY.md").split("## Carried in the wheel")[1].split("\n## ")[0]
    names = re.findall(r"^\| (\w+) [\d.]+ for Java", carried, re.MULTILINE)
    assert names == [path.stem for path in sorted((ROOT / "licenses").glob("*.txt"))]
    declared = tomllib.loads(text("pyproject.toml"))["project"]["license-files"]
    assert all(any(ROOT.glob(pattern)) for pattern in declared)


def test_an_archive_is_the_same_whenever_it_is_written(tmp_path, monkeypatch):
    members = {"plugins/a.jar": b"\0" * 500, "jars/b.jar": b"b"}
    for name, epoch in (("one", "1"), ("two", "900000000")):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
        write_zip(tmp_path / name, members)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
