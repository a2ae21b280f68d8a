"""Which Fiji ``tdseg fiji`` opens: the first that there is; the terminal says which."""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

NEWEST_FIJI = "sc.fiji:fiji"


def choose_fiji(
    asked: str | None,
    *,
    environment: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> tuple[str, str]:
    """Choose an ImageJ for interactive work.

    In this order: what was asked for, ``TDSEG_FIJI``, a Fiji in the usual folders, PyImageJ's
    newest Fiji if its repository answers, embedded ImageJ.

    Parameters
    ----------
    asked
        The option ``--fiji``.
    environment, home
        Instead of this process's.

    Returns
    -------
    tuple of str
        What `tdseg.imagej.start` takes ("" is embedded ImageJ), and a sentence that says why.
    """
    environment = os.environ if environment is None else environment
    if asked:
        return asked, f"Opening {asked}, as asked for with --fiji."
    if environment.get("TDSEG_FIJI", "").strip():
        wanted = environment["TDSEG_FIJI"].strip()
        return wanted, f"Opening {wanted}, from TDSEG_FIJI."
    for folder in usual_folders(home or Path.home()):
        if any((folder / "jars").glob("*.jar")):
            return str(folder), f"Opening the Fiji found in {folder}."
    if _repository_answers():
        return NEWEST_FIJI, "Opening the newest Fiji; PyImageJ downloads it at the first start."
    return "", (
        "Opening embedded ImageJ 1.54p: no Fiji was found in the usual folders, and its repository "
        "does not answer. Name a Fiji folder with --fiji or TDSEG_FIJI."
    )


def usual_folders(home: Path) -> list[Path]:
    """Return where people keep Fiji."""
    names = ("Fiji.app", "Fiji", "fiji", "fiji-stable", "fiji-latest")
    parents = [home, home / "Desktop", home / "Downloads", home / "Applications"]
    if sys.platform == "win32":
        parents += [Path("C:/"), Path("C:/Program Files")]
    elif sys.platform == "darwin":
        parents += [Path("/Applications")]
    else:
        parents += [Path("/opt"), Path("/usr/local")]
    return [parent / name for parent in parents for name in names]


def _repository_answers() -> bool:
    """Whether the SciJava repository can be reached, within a few seconds."""
    import scyjava.config

    address = scyjava.config.get_repositories().get("scijava.public")
    if not address:
        return False
    try:
        with urllib.request.urlopen(address, timeout=3):
            return True
    except urllib.error.HTTPError:
        return True  # it answered, if only to say that a folder cannot be listed
    except (OSError, ValueError):
        return False
