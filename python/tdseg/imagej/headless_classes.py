"""ImageJ's classes as they must be without a display, kept from one start to the next.

ij1-patcher changes 40 of them (windows become nothing, dialogs read macro options) by compiling
code into them with Javassist, at every start: 3 s of CPU time, three quarters of what `tdseg run`
took. The result is always the same, so the first start keeps the changed classes in a jar of the
user's cache folder, and later ones put it in front of ImageJ's own jar.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import jpype

from tdseg.imagej.java import jc
from tdseg.imagej.kept_jars import kept_for


def kept_classes(endpoints: Sequence[str], java: int | None) -> Path | None:
    """Return where the changed classes are kept, or will be; None where nothing can be kept.

    Parameters
    ----------
    endpoints
        Maven names and versions of ImageJ and the patcher.
    java
        Feature release of Java.
    """
    place = kept_for("headless", [*endpoints, f"java{java}"])
    return None if place is None else place.with_name(place.name + ".jar")


def use_kept(jar: Path | None) -> bool:
    """Put the kept classes in front of ImageJ's own; call before Java starts.

    Returns
    -------
    bool
        Whether there were any; if not, `patch` must make them.
    """
    if jar is None or not zipfile.is_zipfile(jar):
        return False
    jpype.addClassPath(jar)
    return True


def patch(jar: Path | None) -> None:
    """Change the classes in the Java that runs, before any of ImageJ's is loaded, and keep them.

    Parameters
    ----------
    jar
        Where to keep them; None: nowhere.
    """
    if jar is None:
        jc.LegacyInjector.preinit()
        return
    with tempfile.TemporaryDirectory(prefix="tdseg-") as folder:
        javassist = jpype.JClass("javassist.CtClass")
        javassist.debugDump = folder  # Javassist writes each class there that it hands to Java
        try:
            jc.LegacyInjector.preinit()
        finally:
            javassist.debugDump = None
        _keep(Path(folder), jar)


def _keep(folder: Path, jar: Path) -> None:
    """Write the jar whole or not at all; a start in another process may write it too."""
    files = sorted(folder.rglob("*.class"))
    if folder / "ij" / "IJ.class" not in files:
        return
    part = jar.with_name(f"{jar.name}.{os.getpid()}.part")
    try:
        with zipfile.ZipFile(part, "w") as archive:  # stored: Java reads it faster
            for file in files:
                archive.write(file, file.relative_to(folder).as_posix())
        os.replace(part, jar)
    except OSError:  # a full disk: the next start does it again
        part.unlink(missing_ok=True)
