"""ImageJ's jars in a folder of our own, where they stay as they are.

jgo empties its folder of jars and fills it anew at every start, and Java looks into its jars for as
long as it runs: an ImageJ that runs beside one that starts lost its menus and its own macros.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import jpype

from tdseg.runtime.user_cache import user_cache


def use_kept_jars(endpoints: Sequence[str]) -> bool:
    """Put the kept jars on Java's class path; call before Java starts.

    Parameters
    ----------
    endpoints
        Maven names and versions of what is needed.

    Returns
    -------
    bool
        Whether they were there, whole; if not, they must be looked up.
    """
    folder = kept_for("jars", endpoints)
    jars = sorted(folder.glob("*.jar")) if folder is not None else []
    if not jars or not all(zipfile.is_zipfile(jar) for jar in jars):
        return False
    for jar in jars:
        jpype.addClassPath(jar)
    return True


def keep_jars(endpoints: Sequence[str], class_path: Sequence[str]) -> None:
    """Copy the jars that Java was started with, all or none, for the starts to come.

    Parameters
    ----------
    endpoints
        Maven names and versions of what they were looked up for.
    class_path
        The entries of Java's class path; those of other kinds are left out.
    """
    folder = kept_for("jars", endpoints)
    if folder is None:
        return
    made = Path(tempfile.mkdtemp(prefix="jars-", suffix=".part", dir=folder.parent))
    try:
        for path in map(Path, class_path):
            if path.parent.name in ("modules", "jars") and path.suffix == ".jar":
                shutil.copyfile(path, made / path.name)
        shutil.rmtree(folder, ignore_errors=True)  # damaged, else it would have been used
        os.rename(made, folder)
    except OSError:  # a full disk, or another start was quicker: the next one tries again
        return
    finally:
        shutil.rmtree(made, ignore_errors=True)


def kept_for(what: str, made_of: Sequence[str]) -> Path | None:
    """Return where something is kept from one start to the next; None where nothing can be.

    Parameters
    ----------
    what
        Begins its name.
    made_of
        What it depends on: of something else there is another.
    """
    cache = user_cache("imagej")
    key = hashlib.sha256(" ".join(made_of).encode()).hexdigest()[:16]
    return None if cache is None else cache / f"{what}-{key}"
