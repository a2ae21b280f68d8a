"""Put the plugin into a Fiji, and take it out again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tdseg._version import __version__
from tdseg.errors import TdsegError
from tdseg.fiji_install.artifacts import Jar, fitting, lacking
from tdseg.fiji_install.building import NAME
from tdseg.fiji_install.folders import FijiFolder, find_fiji
from tdseg.fiji_install.manifest import Manifest
from tdseg.runtime.files import exists, is_folder, write_file

PYTHON_FILE = "tdseg-python.txt"
"""Beside the plugin: its first line is the Python that serves."""


def install(
    folder: str | Path,
    plugin: Path,
    libraries: Callable[[Sequence[str]], list[Jar]],
    *,
    python: str = sys.executable,
    say: Callable[[str], None] = print,
) -> None:
    """Put the plugin into a Fiji, or bring it up to date.

    Parameters
    ----------
    folder
        Of the Fiji.
    plugin
        The plugin's jar.
    libraries
        Returns the jars of artifacts; it is asked for those that this Fiji lacks.
    python
        The Python that serves.
    say
        Told what was done.

    Raises
    ------
    TdsegError
        If the folder is no Fiji or cannot be written, or holds a plugin that tdseg did not put
        there.
    """
    fiji = find_fiji(folder)
    before = Manifest.read(fiji.root)
    foreign = [jar for jar in fiji.libraries() if not before.wrote(jar.path)]
    stray = [jar for jar in foreign if jar.artifact == NAME]
    if stray:
        raise TdsegError(
            f"'{stray[0].path}' was not put there by 'tdseg install-fiji', or has changed since; "
            "move it away first: two versions of the plugin disturb each other."
        )
    needed = [fitting(jar, foreign) for jar in libraries(lacking(foreign))]
    now = Manifest(fiji.root)
    copies = [(plugin, fiji.plugins / plugin.name)]
    copies += [(jar.path, fiji.jars / jar.path.name) for jar in needed]
    try:
        fiji.jars.mkdir(parents=True, exist_ok=True)
        for source, target in copies:
            _put(target, source.read_bytes(), now)
        text = f"{python}\nversion={__version__}\n"
        _put(fiji.plugins / PYTHON_FILE, text.encode("utf-8", "surrogateescape"), now)
        now.write()
        for old in before.paths:
            if old not in now.paths and before.wrote(old):
                old.unlink()
    except BaseException as error:
        for path in now.paths:
            if path not in before.paths:
                path.unlink(missing_ok=True)
        if isinstance(error, PermissionError):
            raise _refused(fiji, error) from None
        raise
    say(f"Installed the plugin, version {__version__}, in the {fiji.kind} in {fiji.root}:")
    for path in now.paths:
        say(f"  {path.relative_to(fiji.root)}")
    say(f"Served by {python}")
    say("Restart it; the commands are in Plugins > Trainable Deep Segmentation.")


def uninstall(folder: str | Path, *, say: Callable[[str], None] = print) -> None:
    """Take out of a Fiji what `install` put there, and nothing else.

    Parameters
    ----------
    folder
        Of the Fiji.
    say
        Told what was done.

    Raises
    ------
    TdsegError
        If the folder is no Fiji, or files cannot be removed.
    """
    fiji = find_fiji(folder)
    manifest = Manifest.read(fiji.root)
    if not manifest.files:
        say(f"The {fiji.kind} in {fiji.root} has no plugin that tdseg put there.")
        return
    try:
        for path in manifest.paths:
            if manifest.wrote(path):
                path.unlink()
                say(f"Removed {path.relative_to(fiji.root)}")
            elif exists(path):
                say(f"Kept {path.relative_to(fiji.root)}: it has changed since it was installed.")
        manifest.delete()
        if fiji.kind == "ImageJ" and is_folder(fiji.jars) and not any(fiji.jars.iterdir()):
            fiji.jars.rmdir()
    except PermissionError as error:
        raise _refused(fiji, error) from None


def _put(target: Path, data: bytes, manifest: Manifest) -> None:
    write_file(target, lambda part: part.write_bytes(data), "overwrite")
    manifest.add(target)


def _refused(fiji: FijiFolder, error: PermissionError) -> TdsegError:
    return TdsegError(
        f"'{error.filename}' cannot be changed; close this {fiji.kind} if it runs, or move it to a "
        "folder that you may write to."
    )
