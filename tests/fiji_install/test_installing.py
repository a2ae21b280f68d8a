"""The plugin goes into a Fiji and comes out again; nothing of the user's changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tdseg._version import __version__
from tdseg.cli import main
from tdseg.errors import TdsegError
from tdseg.fiji_install.artifacts import NEEDED, Jar
from tdseg.fiji_install.installing import install, uninstall

VERSIONS = {"appose": "0.9.0", "groovy-json": "4.0.28", "jna-platform": "5.14.0"}


@pytest.fixture
def library(tmp_path):
    """Jars as the repository has them; their content is their name."""
    folder = tmp_path / "repository"
    folder.mkdir()
    for name in NEEDED:
        jar = folder / f"{name}-{VERSIONS.get(name, '1.2')}.jar"
        jar.write_text(jar.name)
    return lambda names: [jar for jar in map(Jar, folder.glob("*.jar")) if jar.artifact in names]


@pytest.fixture
def plugin(tmp_path):
    jar = tmp_path / f"Trainable_Deep_Segmentation-{__version__}.jar"
    jar.write_text("the plugin")
    return jar


def make(root: Path, *files: str) -> Path:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"user's {name}")
    return root


def contents(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


FIJI = (
    "jars/ij-1.54p.jar",
    "jars/jna-5.13.0.jar",
    "jars/jna-platform-5.13.0.jar",
    "jars/groovy-4.0.28.jar",
    "jars/commons-io-2.0.jar",
    "jars/bio-formats/commons-lang3-3.0.jar",
    "plugins/Mine_.jar",
    "macros/StartupMacros.fiji.ijm",
)


def test_a_fiji_gets_what_it_lacks_and_no_second_version(tmp_path, plugin, library):
    fiji = make(tmp_path / "Fiji µ (2) .app", *FIJI)
    before = contents(fiji)
    said = []
    install(fiji, plugin, library, python="/opt/my env/bin/python", say=said.append)
    after = contents(fiji)
    assert {name: after[name] for name in before} == before
    new = set(after) - set(before)
    assert new == {
        f"plugins/Trainable_Deep_Segmentation-{__version__}.jar",
        "plugins/tdseg-python.txt",
        "plugins/tdseg-installed.json",
        "jars/appose-0.9.0.jar",
        "jars/commons-codec-1.2.jar",
        "jars/commons-compress-1.2.jar",
        "jars/groovy-json-4.0.28.jar",
        "jars/ivy-1.2.jar",
    }
    names = [Jar(fiji / name).artifact for name in after if name.endswith(".jar")]
    assert len(names) == len(set(names))
    assert after["plugins/tdseg-python.txt"].splitlines()[0] == "/opt/my env/bin/python"
    assert any("appose-0.9.0.jar" in line for line in said)
    uninstall(fiji, say=said.append)
    assert contents(fiji) == before


def test_a_fiji_with_jars_of_long_ago_is_told_to_update(tmp_path, plugin, library):
    fiji = make(tmp_path / "Fiji.app", "jars/jna-4.5.2.jar", "plugins/Mine_.jar")
    before = contents(fiji)
    with pytest.raises(TdsegError, match=r"jna-4\.5\.2\.jar' is too old .* jna 5 or later"):
        install(fiji, plugin, library)
    assert contents(fiji) == before


def test_a_jar_that_holds_others_counts_for_them(tmp_path, plugin, library):
    fiji = make(tmp_path / "Fiji.app", "jars/groovy-all-2.4.8.jar", "plugins/Mine_.jar")
    install(fiji, plugin, library)
    assert [path.name for path in (fiji / "jars").glob("groovy*")] == ["groovy-all-2.4.8.jar"]


def test_a_plain_imagej_gets_all_in_its_plugins(tmp_path, plugin, library):
    imagej = make(tmp_path / "ImageJ", "ij.jar", "plugins/Mine_.class")
    before = contents(imagej)
    install(imagej, plugin, library)
    assert {Jar(path).artifact for path in (imagej / "plugins/jars").iterdir()} == set(NEEDED)
    uninstall(imagej)
    assert contents(imagej) == before
    assert not (imagej / "plugins/jars").exists()


@pytest.mark.parametrize("given", ["", "Fiji.app", "Fiji.app/Fiji.app"])
def test_the_folder_may_be_that_above_or_the_application_inside(tmp_path, plugin, library, given):
    fiji = make(tmp_path / "Fiji.app", *FIJI, "Fiji.app/Contents/Info.plist")
    install(tmp_path / given, plugin, library)
    assert (fiji / "plugins" / plugin.name).is_file()


def test_an_update_replaces_what_was_installed(tmp_path, plugin, library):
    fiji = make(tmp_path / "Fiji.app", *FIJI)
    before = contents(fiji)
    install(fiji, plugin, library)
    newer = plugin.with_name("Trainable_Deep_Segmentation-0.2.0.jar")
    newer.write_text("newer")
    install(fiji, newer, library)
    assert not (fiji / "plugins" / plugin.name).exists()
    assert (fiji / "plugins" / newer.name).read_text() == "newer"
    uninstall(fiji)
    assert contents(fiji) == before


def test_changed_files_and_strangers_stay(tmp_path, plugin, library):
    fiji = make(tmp_path / "Fiji.app", *FIJI)
    install(fiji, plugin, library)
    mine = fiji / "plugins/tdseg-python.txt"
    mine.write_text("/my/own/python\n")
    said = []
    uninstall(fiji, say=said.append)
    assert mine.read_text() == "/my/own/python\n"
    assert any("Kept" in line for line in said)
    stranger = fiji / "plugins/sub/Trainable_Deep_Segmentation-0.0.1.jar"
    make(fiji, "plugins/sub/Trainable_Deep_Segmentation-0.0.1.jar")
    with pytest.raises(TdsegError, match="move it away"):
        install(fiji, plugin, library)
    assert stranger.is_file()


def test_a_failure_half_way_leaves_the_folder_as_it_was(tmp_path, plugin, library):
    fiji = make(tmp_path / "Fiji.app", *FIJI)
    before = contents(fiji)

    def broken(names):
        return [*library(names), Jar(tmp_path / "gone-1.0.jar")]

    with pytest.raises(OSError, match="gone"):
        install(fiji, plugin, broken)
    assert contents(fiji) == before


def test_other_folders_are_refused(tmp_path, plugin, library, capsys):
    for name in ("plugins", "jars"):
        (tmp_path / "empty" / name).mkdir(parents=True)
    with pytest.raises(TdsegError, match="is no Fiji"):
        install(tmp_path / "empty", plugin, library)
    with pytest.raises(TdsegError, match="no folder"):
        uninstall(tmp_path / "missing")
    assert main(["install-fiji", str(tmp_path / "empty")]) == 1
    assert "is no Fiji" in capsys.readouterr().err


def test_a_damaged_or_hostile_manifest_removes_nothing(tmp_path, plugin, library):
    fiji = make(tmp_path / "Fiji.app", *FIJI)
    other = make(tmp_path, "other.txt") / "other.txt"
    manifest = fiji / "plugins/tdseg-installed.json"
    for text in ("{", '{"files": {"../other.txt": "0"}}'):
        manifest.write_text(text)
        with pytest.raises(TdsegError, match="tdseg-installed"):
            uninstall(fiji)
    assert other.is_file()
