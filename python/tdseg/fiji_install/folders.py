"""Where a Fiji, or an ImageJ, keeps its plugins and jars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tdseg.errors import TdsegError
from tdseg.fiji_install.artifacts import Jar
from tdseg.runtime.files import is_file, is_folder, user_path


@dataclass(frozen=True)
class FijiFolder:
    """A Fiji or an ImageJ.

    Attributes
    ----------
    root
        Its folder.
    kind
        ``Fiji`` or ``ImageJ``.
    jars
        Where libraries go.
    """

    root: Path
    kind: str
    jars: Path

    @property
    def plugins(self) -> Path:
        """Where plugins go."""
        return self.root / "plugins"

    def libraries(self) -> list[Jar]:
        """Return the jars that there are."""
        places = {self.root / "jars", self.plugins}
        return [Jar(path) for place in places for path in sorted(place.rglob("*.jar"))]


def find_fiji(folder: str | Path) -> FijiFolder:
    """Return the Fiji or ImageJ in a folder.

    Parameters
    ----------
    folder
        Its folder, the one that holds it, or on macOS the application.

    Raises
    ------
    TdsegError
        If it is none; the sentence says what was looked for.
    """
    wanted = user_path(folder)
    if not is_folder(wanted):
        raise TdsegError(f"There is no folder {wanted}; give the folder of your Fiji.")
    for root in _candidates(wanted.resolve()):
        if not is_folder(root / "plugins"):
            continue
        if any((root / "jars").glob("*.jar")):
            return FijiFolder(root, "Fiji", root / "jars")
        application = root / "ImageJ.app" / "Contents" / "Java" / "ij.jar"
        if is_file(root / "ij.jar") or is_file(application):
            return FijiFolder(root, "ImageJ", root / "plugins" / "jars")
    raise TdsegError(
        f"{wanted} is no Fiji: it has no folder 'plugins' beside a folder 'jars' with jar files "
        "(an ImageJ: beside ij.jar); give the folder that your Fiji was unpacked to, often "
        "called Fiji.app or Fiji."
    )


def _candidates(folder: Path) -> Iterator[Path]:
    yield folder
    for name in ("Fiji.app", "Fiji", "ImageJ"):
        yield folder / name
    if folder.suffix == ".app":  # the application beside the folders
        yield folder.parent
