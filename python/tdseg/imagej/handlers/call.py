"""One call of a command: what was asked, on which image, by which session."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from tdseg.commands.table import Command
from tdseg.errors import TdsegError
from tdseg.imagej.bar import FijiProgress
from tdseg.imagej.images import from_imageplus
from tdseg.images.image import Image
from tdseg.options.settings import Settings
from tdseg.workflow.session import Session

SETTING_NAMES = tuple(f.name for f in fields(Settings))


@dataclass
class Call:
    """One call of a command.

    Attributes
    ----------
    command
        Which.
    given
        The keys that were given.
    session
        What the process remembers.
    imp
        The active ImagePlus of the calling thread, or None.
    progress
        ImageJ's status bar and Log.
    """

    command: Command
    given: dict[str, Any]
    session: Session
    imp: Any
    progress: FijiProgress

    def value(self, name: str) -> Any:
        """Return a key's value, given or default."""
        if name in self.given:
            return self.given[name]
        return self.command.default(name)

    def required(self, name: str) -> Any:
        """Return the value of a key that the command cannot do without."""
        value = self.value(name)
        if value is None:
            key = self.command.key(name)
            raise TdsegError(f"{self.command.name} needs the key '{name}'; {key.valid()}.")
        return value

    def path(self, name: str = "path", suffix: str = "") -> Path:
        """Return a required path; `suffix` is appended where there is no extension."""
        path = Path(self.required(name)).expanduser()
        if path.suffix or path.is_dir():
            return path
        return path.with_name(path.name + suffix)

    def existing_path(self, suffix: str, name: str = "path") -> Path:
        """Return a required path to read: as it is, or with the extension that saving appends."""
        path = self.path(name)
        return path if path.exists() else self.path(name, suffix)

    def settings(self) -> Settings:
        """Return the given settings, and defaults for the rest."""
        return Settings(**{k: v for k, v in self.given.items() if k in SETTING_NAMES})

    def image(self) -> Image:
        """Return the active image, copied (virtual stacks are read plane by plane)."""
        return from_imageplus(self.imp)

    @property
    def stem(self) -> str:
        """Title of the active image without its extension."""
        title = str(self.imp.getTitle())
        return title.rsplit(".", 1)[0] if "." in title[1:] else title

    def plane(self) -> int:
        """Return the number of the active plane, ``t * Z + z``."""
        return int((self.imp.getT() - 1) * self.imp.getNSlices() + self.imp.getZ() - 1)

    def region(self) -> np.ndarray | None:
        """Return the mask of the active area selection where ``region=selection`` asks for it."""
        if self.value("region") == "image":
            return None
        from tdseg.imagej.rois import area_mask

        return area_mask(self.imp)

    def resolved(self, settings: Settings | None = None, **changes: Any) -> dict[str, Any]:
        """Return the values to record: every key, with what ``auto`` became."""
        values: dict[str, Any] = {}
        for key in self.command.keys:
            value = self.value(key.name)
            if settings is not None and key.name in SETTING_NAMES:
                value = getattr(settings, key.name)
            value = changes.get(key.name, value)
            # What is still "auto" has no bearing on pixels: a limit, or a stride of a network
            # whose strides are fixed.
            if value is None or value in ("", "auto"):
                continue
            values[key.name] = value
        return values
