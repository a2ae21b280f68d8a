"""The plugin's jar, built once for all tests here; they are skipped where there is no Maven."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

sys.path.insert(0, str(Path(__file__).parent))  # for the shared module of this folder

from own_jvm import Driven, OwnImageJ  # noqa: E402


@dataclass(frozen=True)
class Built:
    """The jar, the jars that it needs besides ImageJ's, and the classes of its own tests."""

    jar: Path
    needed: tuple[Path, ...]
    tests: Path


@pytest.fixture(scope="session")
def maven() -> str:
    """Maven, which also runs the plugin's own tests."""
    found = shutil.which("mvn")
    if found is None:
        pytest.skip("the plugin's tests need Maven (mvn)")
    return found


@pytest.fixture(scope="session")
def plugin(maven, tmp_path_factory) -> Built:
    """The plugin, built without running its tests; the sources' folder stays as it is."""
    work = tmp_path_factory.mktemp("fiji-plugin")
    shutil.copytree(
        ROOT / "fiji-plugin", work, dirs_exist_ok=True, ignore=shutil.ignore_patterns("target")
    )
    call = [maven, "-q", "-B", "package", "dependency:copy-dependencies", "-DskipTests"]
    call += ["-DincludeScope=runtime", "-DoutputDirectory=target/needed"]
    subprocess.run(call, cwd=work, check=True)
    (jar,) = (work / "target").glob("*.jar")
    needed = tuple(sorted((work / "target" / "needed").glob("*.jar")))
    return Built(jar, needed, work / "target" / "test-classes")


@pytest.fixture
def with_panel(own_imagej, plugin, display, tmp_path):
    """Start an ImageJ whose panel is driven, with preferences of the test's own."""
    jars = [own_imagej.plain, plugin.jar, *plugin.needed, plugin.tests]
    started: list[Driven] = []

    def start(**environment: str) -> Driven:
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        classes = os.pathsep.join(map(str, jars))
        main = "panel.DrivenPanel"
        started.append(Driven(own_imagej, classes, display, main, home, **environment))
        return started[-1]

    yield start
    for imagej in started:
        imagej.end()


@pytest.fixture(scope="session")
def own_imagej(plugin, tmp_path_factory) -> OwnImageJ:
    """ImageJ 1.54p with the plugin in its folder of plugins, in a Java of its own."""
    import tdseg
    from tdseg.imagej.headless_classes import kept_classes
    from tdseg.imagej.java import jc
    from tdseg.imagej.jdk import find_java, java_version
    from tdseg.imagej.start import EMBEDDED_ENDPOINTS

    tdseg.imagej.start()  # the jars that it took, and the classes that it patched, serve here too
    java = find_java()
    on_path = [Path(p) for p in str(jc.System.getProperty("java.class.path")).split(os.pathsep)]
    (plain,) = (path for path in on_path if path.name.startswith("ij-1.54"))
    kept = kept_classes(EMBEDDED_ENDPOINTS, java_version(java))
    if kept is None or not kept.is_file():
        pytest.skip("ImageJ's classes for no display are not kept on this machine")
    folder = tmp_path_factory.mktemp("ImageJ µ (1)")
    (folder / "plugins" / "jars").mkdir(parents=True)
    shutil.copy(plugin.jar, folder / "plugins")
    for jar in plugin.needed:
        shutil.copy(jar, folder / "plugins" / "jars")
    patched = tuple(dict.fromkeys([kept, *on_path]))
    return OwnImageJ(java / "bin" / "java", folder, patched, plain)
