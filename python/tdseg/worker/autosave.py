"""The classifier and the classes of a Fiji, kept for the worker that follows one that died."""

from __future__ import annotations

import json
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tdseg.errors import TdsegError
from tdseg.runtime.files import is_file, write_file
from tdseg.runtime.user_cache import user_cache

if TYPE_CHECKING:
    from tdseg.classifiers.model import Model
    from tdseg.workflow.session import Session

_DAY_SECONDS = 24 * 3600.0
_OLD_SECONDS = 14 * _DAY_SECONDS
_MOST = 20
_MODEL, _CLASSES = "classifier.tdseg", "classes.json"


class Autosave:
    """A folder of one Fiji in the user's cache folder.

    Parameters
    ----------
    name
        By which that Fiji is known: letters, digits, ``-`` and ``_``; anything else saves nothing.
    folder
        Holds one folder a Fiji. Default: in the user's cache folder; saves nothing without one.
    """

    def __init__(self, name: str, folder: Path | None = None) -> None:
        folder = user_cache("sessions") if folder is None else folder
        safe = re.fullmatch(r"[\w-]{1,64}", name, re.ASCII) is not None
        self._folder = folder / name if folder is not None and safe else None
        self._model: Model | None = None
        self._classes: dict[int, str] = {}
        if folder is not None:
            _forget_old(folder)

    def keep(self, session: Session) -> None:
        """Save what has changed since the last time.

        Raises
        ------
        TdsegError
            If it cannot be written.
        """
        if self._folder is None:
            return
        if session.classes != self._classes:
            self._folder.mkdir(parents=True, exist_ok=True)
            names = {str(value): name for value, name in session.classes.items()}
            text = json.dumps(names)
            target = self._folder / _CLASSES
            write_file(target, lambda path: _write(path, text), "overwrite")
            self._classes = dict(session.classes)
        if session.model is not None and session.model is not self._model:
            self._folder.mkdir(parents=True, exist_ok=True)
            session.model.save(self._folder / _MODEL)
            self._model = session.model

    def restore(self, session: Session) -> str | None:
        """Give a session what was saved.

        Returns
        -------
        str or None
            What the user should know; None if nothing was saved.
        """
        if self._folder is None:
            return None
        try:
            names = json.loads((self._folder / _CLASSES).read_text(encoding="utf-8"))
            session.classes = {int(value): str(name) for value, name in names.items()}
        except (OSError, ValueError, AttributeError):
            pass  # nothing saved, or a damaged file: as if nothing was
        self._classes = dict(session.classes)
        path = self._folder / _MODEL
        if not is_file(path):
            again = "Python was started anew; the classes are there again."
            return again if session.classes else None
        from tdseg.classifiers.model import load

        try:
            model = load(path)
        except TdsegError as error:
            return f"Python was started anew, and the classifier is lost: {error}"
        session.adopt(model)
        self._model = model
        return (
            "Python was started anew; the classifier is there again, the images that it was "
            "trained on are not: append=true starts with the next one."
        )


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _forget_old(folder: Path) -> None:
    """Remove what Fijis left that ended long ago, and all but the newest of the last days."""
    aged: list[tuple[float, Path]] = []
    for old in folder.glob("*"):
        try:
            aged.append((time.time() - max(p.stat().st_mtime for p in (old, *old.iterdir())), old))
        except OSError:  # no folder, or gone meanwhile
            continue
    for number, (age, old) in enumerate(sorted(aged)):
        if age > _OLD_SECONDS or (age > _DAY_SECONDS and number >= _MOST):
            shutil.rmtree(old, ignore_errors=True)
