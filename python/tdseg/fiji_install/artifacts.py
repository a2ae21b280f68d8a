"""Jars by the artifact that they hold, and those that come from the Maven repository."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tdseg.errors import TdsegError

APPOSE = "org.apposed:appose:0.9.0"
IMAGEJ = "net.imagej:ij:1.54p"
ECLIPSE_COMPILER = "org.eclipse.jdt:ecj:3.38.0"

NEEDED = (
    "appose commons-codec commons-compress commons-io commons-lang3 groovy groovy-json ivy jna "
    "jna-platform"
).split()
"""The artifacts that the plugin needs: Appose, and what that needs."""

_CONTAINED = {"groovy-all": ("groovy", "groovy-json")}
"""Jars that hold other artifacts."""

_OLDEST = {"jna": 5}
"""First versions that have what Appose calls."""

_FAMILIES = {"groovy-json": "groovy", "jna-platform": "jna"}
"""Artifacts that must be of the version of another one."""


@dataclass(frozen=True)
class Jar:
    """A jar file: ``commons-io-2.20.0.jar`` is the artifact ``commons-io``, version ``2.20.0``."""

    path: Path

    @property
    def artifact(self) -> str:
        """Name without the version."""
        return re.sub(r"-\d.*$", "", self.path.stem)

    @property
    def version(self) -> str:
        """What follows the name; empty where it has none."""
        return self.path.stem[len(self.artifact) + 1 :]


def lacking(there: Iterable[Jar]) -> list[str]:
    """Return the artifacts that the plugin needs and that are not there.

    Raises
    ------
    TdsegError
        If one is there in a version that is too old: a second one would disturb the first.
    """
    known: set[str] = set()
    for jar in there:
        known |= {jar.artifact, *_CONTAINED.get(jar.artifact, ())}
        oldest = _OLDEST.get(jar.artifact)
        number = re.match(r"\d+", jar.version)
        if oldest is not None and number is not None and int(number.group()) < oldest:
            raise TdsegError(
                f"'{jar.path}' is too old for the plugin, which needs {jar.artifact} {oldest} or "
                "later; update this Fiji (Help > Update...), or take a new one."
            )
    return [name for name in NEEDED if name not in known]


def fitting(jar: Jar, there: Iterable[Jar]) -> Jar:
    """Return a jar in the version of its family that is there.

    Parameters
    ----------
    jar
        One that is lacking.
    there
        What the other program has.

    Returns
    -------
    Jar
        `jar` itself, or one that was fetched.
    """
    head = _FAMILIES.get(jar.artifact)
    found = [other for other in there if other.artifact == head and other.version]
    if not found or found[0].version == jar.version:
        return jar
    version = found[0].version
    if head == "jna":
        group = "net.java.dev.jna"
    else:
        group = "org.apache.groovy" if int(version.split(".")[0]) >= 4 else "org.codehaus.groovy"
    fetched = fetch([f"{group}:{jar.artifact}:{version}"])
    return next(other for other in fetched if other.artifact == jar.artifact)


def fetch(endpoints: Sequence[str]) -> list[Jar]:
    """Fetch artifacts and all that they need, once; later calls find them in the cache.

    Parameters
    ----------
    endpoints
        ``group:artifact:version`` of each.

    Returns
    -------
    list of Jar
        In the order of their file names.

    Raises
    ------
    TdsegError
        If they cannot be had.
    """
    import jgo

    # That the Java which comes along has no `jar` tool changes nothing: which jars are modules
    # does not matter here.
    logging.getLogger("jgo.env").setLevel(logging.ERROR)
    try:
        resolver = jgo.maven.PythonResolver(lenient=True)
        folder = jgo.build("+".join(endpoints), repositories={}, resolver=resolver)
        paths = [*folder.jars_dir.glob("*.jar"), *folder.modules_dir.glob("*.jar")]
    except Exception as error:  # whatever the network provokes
        raise TdsegError(
            f"{', '.join(endpoints)} could not be fetched from the Maven repository "
            f"({' '.join(str(error).split())[:150] or type(error).__name__}); check the network "
            "(HTTPS_PROXY behind a proxy)."
        ) from None
    return sorted((Jar(path) for path in paths), key=lambda jar: jar.path.name)
