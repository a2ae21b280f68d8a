"""The plugin's jar, built once for all tests here; they are skipped where there is no Maven."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

sys.path.insert(0, str(Path(__file__).parent))  # for the shared module of this folder


@dataclass(frozen=True)
class Built:
    """The jar, and the jars that it needs besides ImageJ's."""

    jar: Path
    needed: tuple[Path, ...]


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
    return Built(jar, tuple(sorted((work / "target" / "needed").glob("*.jar"))))
