"""The jar of the checkout, by both compilers; skipped where there is no network."""

from __future__ import annotations

import re
import shutil
import zipfile
from pathlib import Path

import pytest

from tdseg._version import __version__
from tdseg.errors import TdsegError
from tdseg.fiji_install.artifacts import APPOSE, IMAGEJ, NEEDED, Jar, fetch, fitting
from tdseg.fiji_install.building import SOURCES, build_by_eclipse, build_by_maven, libraries
from tdseg.imagej.jdk import find_java


@pytest.fixture(scope="module")
def network():
    try:
        return fetch([APPOSE])
    except TdsegError as error:
        pytest.skip(str(error))


def names_in(jar: Path) -> set[str]:
    with zipfile.ZipFile(jar) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def dates_in(jar: Path) -> set[tuple[int, ...]]:
    """Times of all members but folders: builds at two times must not differ by them."""
    with zipfile.ZipFile(jar) as archive:
        return {entry.date_time for entry in archive.infolist() if not entry.is_dir()}


def test_the_needed_artifacts_are_those_of_appose(network):
    assert sorted(jar.artifact for jar in network) == sorted(NEEDED)
    assert [jar.path.name for jar in libraries(["appose"])] == ["appose-0.9.0.jar"]


def test_a_missing_member_of_a_family_is_of_its_version(network):
    [ours] = [jar for jar in network if jar.artifact == "groovy-json"]
    there = [Jar(Path("jars/groovy-3.0.9.jar"))]
    assert fitting(ours, there).path.name == "groovy-json-3.0.9.jar"
    assert fitting(ours, [Jar(Path("jars/ij-1.54p.jar"))]) == ours


def test_the_eclipse_compiler_makes_what_maven_makes(network, tmp_path):
    made = build_by_eclipse(tmp_path / "eclipse", find_java())
    ours = names_in(made)
    sources = SOURCES / "src" / "main"
    classes = {p.relative_to(sources / "java").as_posix() for p in sources.rglob("*.java")}
    assert {name.removesuffix(".java") + ".class" for name in classes} <= ours
    assert {"commands.json", "plugins.config", "META-INF/LICENSE"} <= ours
    assert dates_in(made) == {(2020, 1, 1, 0, 0, 0)}
    maven = shutil.which("mvn")
    if maven is None:
        return
    by_maven = build_by_maven(tmp_path / "maven", maven)
    theirs = names_in(by_maven)
    assert dates_in(by_maven) == {(2020, 1, 1, 0, 0, 0)}
    assert "META-INF/LICENSE" in theirs

    def plain(names: set[str]) -> set[str]:
        # Anonymous classes are numbered by the compiler.
        return {re.sub(r"\$\d+", "", n) for n in names if not n.startswith("META-INF")}

    assert plain(ours) == plain(theirs)
    assert not (SOURCES / "target" / "eclipse").exists()


def test_versions_agree():
    pom = (SOURCES / "pom.xml").read_text(encoding="utf-8")
    version = re.search(r"<artifactId>Trainable.*?<version>(.*?)</version>", pom, re.DOTALL)
    assert version is not None
    assert version.group(1) == __version__
    found = re.findall(
        r"<groupId>(.*?)</groupId>\s*<artifactId>(.*?)</artifactId>\s*<version>", pom
    )
    assert set(found) >= {tuple(APPOSE.split(":")[:2]), tuple(IMAGEJ.split(":")[:2])}
    for endpoint in (APPOSE, IMAGEJ):
        assert f"<version>{endpoint.split(':')[2]}</version>" in pom
