"""The plugin's jar: in the installed package, or built from its sources.

A checkout has these, and so has every package that is installed from one, which need not have the
jar. They are built by Maven where there is one, else by the Eclipse compiler, which runs on the
Java that tdseg brings: no JDK is asked of a user.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import tdseg
from tdseg._version import __version__
from tdseg.errors import TdsegError
from tdseg.fiji_install.artifacts import APPOSE, ECLIPSE_COMPILER, IMAGEJ, Jar, fetch
from tdseg.runtime.files import is_file, write_file
from tdseg.runtime.user_cache import user_cache

NAME = "Trainable_Deep_Segmentation"
BUNDLED = Path(tdseg.__file__).parent / "fiji_plugin"
"""Where a wheel has the jar."""
_CHECKOUT = Path(tdseg.__file__).parents[2] / "fiji-plugin"
_IS_CHECKOUT = is_file(_CHECKOUT / "pom.xml")
SOURCES = _CHECKOUT if _IS_CHECKOUT else BUNDLED / "sources"
"""Where a checkout, or an installed package, has the sources."""
_MINUTES = 10
_DATE = (2020, 1, 1, 0, 0, 0)


def found_jar() -> Path | None:
    """Return the plugin's jar of this version, if there is one already; nothing is built."""
    bundled = BUNDLED / f"{NAME}-{__version__}.jar"
    if not _IS_CHECKOUT and is_file(bundled):
        return bundled
    built = _built_jar()
    return built if built is not None and is_file(built) else None


def plugin_jar(java: Callable[[], Path], say: Callable[[str], None] = lambda line: None) -> Path:
    """Return the plugin's jar; a checkout whose sources have changed is built.

    Parameters
    ----------
    java
        Returns the home of a Java that can run a compiler.
    say
        Told what is done.

    Raises
    ------
    TdsegError
        If there is neither a jar nor a way to build it.
    """
    found = found_jar()
    if found is not None:
        return found
    if not is_file(SOURCES / "pom.xml"):
        raise TdsegError(
            "This installation of tdseg has no plugin for Fiji; install it again, from its wheel "
            "or with 'pip install .' in its sources."
        )
    target = _built_jar()
    with tempfile.TemporaryDirectory(prefix="tdseg-build-") as folder:
        made = build(Path(folder), java, say)
        if target is None:
            target = Path(tempfile.mkdtemp(prefix="tdseg-jar-")) / made.name
        write_file(target, lambda path: shutil.copyfile(made, path), "overwrite")
    return target


def build(
    folder: Path, java: Callable[[], Path], say: Callable[[str], None] = lambda line: None
) -> Path:
    """Build the jar of the checkout in an empty folder.

    Raises
    ------
    TdsegError
        If neither Maven nor the Eclipse compiler builds it.
    """
    maven = shutil.which("mvn")
    reason = ""
    if maven is not None:
        try:
            made = build_by_maven(folder / "maven", maven)
        except TdsegError as error:
            reason = f"{error} "
        else:
            say("Built the plugin by Maven.")
            return made
    try:
        made = build_by_eclipse(folder / "eclipse", java())
    except TdsegError as error:
        raise TdsegError(f"{reason}{error}") from None
    say("Built the plugin by the Eclipse compiler.")
    return made


def build_by_maven(folder: Path, maven: str) -> Path:
    """Build a copy of the sources, tests left out; the checkout stays as it is."""
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("target"))
    _do([maven, "-q", "-B", "-Dmaven.test.skip=true", "package"], folder, "Maven")
    made = folder / "target" / f"{NAME}-{__version__}.jar"
    if not is_file(made):
        raise TdsegError(f"Maven made no {made.name}; is the version of pom.xml {__version__}?")
    return made


def build_by_eclipse(folder: Path, java: Path) -> Path:
    """Compile the sources and pack them, resources besides."""
    classes = folder / "classes"
    classes.mkdir(parents=True)
    [compiler] = [jar for jar in fetch([ECLIPSE_COMPILER]) if jar.artifact == "ecj"]
    # Each by itself: together, ImageJ's parent would say which versions Appose gets.
    libraries = [str(jar.path) for jar in (*fetch([IMAGEJ]), *fetch([APPOSE]))]
    program = java / "bin" / ("java.exe" if sys.platform == "win32" else "java")
    options = ["-source", "8", "-target", "8", "-encoding", "UTF-8", "-proc:none", "-nowarn", "-g"]
    paths = ["-cp", os.pathsep.join(libraries), "-d", str(classes)]
    sources = str(SOURCES / "src" / "main" / "java")
    _do(
        [str(program), "-jar", str(compiler.path), *options, *paths, sources],
        folder,
        "The Eclipse compiler",
    )
    made = folder / f"{NAME}-{__version__}.jar"
    members = {"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\r\n\r\n"}
    for root in (classes, SOURCES / "src" / "main" / "resources"):
        for file in sorted(root.rglob("*")):
            if is_file(file):
                members[file.relative_to(root).as_posix()] = file.read_bytes()
    write_zip(made, members)
    return made


def write_zip(path: Path, members: Mapping[str, bytes]) -> None:
    """Write a zip, or a jar, that is the same whenever and wherever it is written.

    Parameters
    ----------
    path
        The file.
    members
        Contents by name, in their order.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # as on Unix, also elsewhere
            archive.writestr(entry, content)


def libraries(names: Sequence[str]) -> list[Jar]:
    """Return the jars of artifacts that the plugin needs.

    What a wheel brings is taken from there, without a network; other jars are fetched.

    Parameters
    ----------
    names
        Artifacts.
    """
    bundled = {jar.artifact: jar for jar in map(Jar, BUNDLED.glob("*.jar"))}
    if set(names) <= set(bundled):
        return [bundled[name] for name in names]
    return [jar for jar in fetch([APPOSE]) if jar.artifact in names]


def _built_jar() -> Path | None:
    """Return where the jar of these very sources is kept, or will be."""
    folder = user_cache("fiji-plugin")
    if folder is None:
        return None
    digest = hashlib.sha256(__version__.encode())
    files = [SOURCES / "pom.xml", *sorted((SOURCES / "src" / "main").rglob("*"))]
    for file in files:
        if is_file(file):
            digest.update(file.relative_to(SOURCES).as_posix().encode())
            digest.update(file.read_bytes())
    place = folder / digest.hexdigest()[:16]
    place.mkdir(exist_ok=True)
    return place / f"{NAME}-{__version__}.jar"


def _do(command: Sequence[str], folder: Path, what: str) -> None:
    environment = dict(os.environ)
    if environment.get("LC_ALL") in ("C", "POSIX"):
        environment["LC_ALL"] = "C.UTF-8"  # else Java finds no file whose path has an umlaut
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_MINUTES * 60,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise TdsegError(f"{what} could not be run ({error}).") from None
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
        first = " ".join((lines or [f"status {done.returncode}"])[0].split())[:300]
        raise TdsegError(f"{what} did not build the plugin: {first}.")
