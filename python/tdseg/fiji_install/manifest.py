"""What was put into a Fiji, so that exactly that can be taken out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tdseg._version import __version__
from tdseg.errors import TdsegError
from tdseg.runtime.files import is_file, write_file

NAME = "tdseg-installed.json"


@dataclass
class Manifest:
    """Files that tdseg wrote, by their path within the Fiji, with the SHA-256 of each."""

    root: Path
    files: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path) -> Manifest:
        """Read the manifest of a Fiji; an empty one where there is none.

        Raises
        ------
        TdsegError
            If it is damaged.
        """
        path = root / "plugins" / NAME
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            files = {str(name): str(digest) for name, digest in found["files"].items()}
        except FileNotFoundError:
            return cls(root)
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            raise TdsegError(
                f"File '{path}' cannot be read; remove it and the files of tdseg beside it by hand."
            ) from None
        outside = [name for name in files if not _inside(root, name)]
        if outside:
            raise TdsegError(f"File '{path}' names '{outside[0]}', outside this Fiji; remove it.")
        return cls(root, files)

    def write(self) -> None:
        """Write it into the Fiji."""
        found: Mapping[str, object] = {"version": __version__, "files": self.files}
        text = json.dumps(found, indent=1)
        path = self.root / "plugins" / NAME
        write_file(path, lambda part: part.write_text(text, encoding="utf-8"), "overwrite")

    def delete(self) -> None:
        """Remove the manifest itself."""
        (self.root / "plugins" / NAME).unlink(missing_ok=True)

    def add(self, path: Path) -> None:
        """Enter a file that was written."""
        self.files[path.relative_to(self.root).as_posix()] = digest(path)

    def wrote(self, path: Path) -> bool:
        """Whether a file is one that tdseg wrote, unchanged since."""
        known = self.files.get(path.relative_to(self.root).as_posix())
        return known is not None and is_file(path) and digest(path) == known

    @property
    def paths(self) -> list[Path]:
        """The files."""
        return [self.root / name for name in self.files]


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _inside(root: Path, name: str) -> bool:
    return (root / name).resolve().is_relative_to(root.resolve())
