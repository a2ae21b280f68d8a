"""What a result was made of: image, classifier, settings; a line of the result's own info.

A job that goes on reads it, so that it neither repeats what is done nor keeps, without a word, what
another classifier did.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tdseg.images.written_info import read_info
from tdseg.options.declare import keys_of
from tdseg.options.groups import ChannelOptions, OutputOptions, RefineOptions
from tdseg.runtime.files import is_folder, name_of

if TYPE_CHECKING:
    from tdseg.classifiers.model import Model
    from tdseg.options.settings import Settings

KEY = "tdseg.job"
"""Of the line of the info: ``tdseg.job: {"classifier": ...}``."""

_KEPT = [
    key.name for group in (ChannelOptions, RefineOptions, OutputOptions) for key in keys_of(group)
]
_BLOCK = 2**20


@dataclass(frozen=True)
class Recipe:
    """What all results of a job have in common.

    Attributes
    ----------
    classifier
        The model's `sha256`.
    settings
        The keys that applying may change, and ``slices``.
    """

    classifier: str
    settings: Mapping[str, Any]

    @classmethod
    def of(cls, model: Model, settings: Settings, slices: str) -> Recipe:
        """Describe a job."""
        values = settings.to_dict()
        kept = {name: values[name] for name in (*_KEPT, "precision")}
        if settings.refine == "none":
            kept = {k: v for k, v in kept.items() if not k.startswith("crf_")}
        return cls(model.sha256, {**kept, "slices": slices})

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"classifier": self.classifier, "settings": dict(self.settings)}


def file_facts(path: Path) -> dict[str, Any]:
    """Return name, size, time of change and SHA-256 of an image file.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    size, modified = _size_and_time(path)
    return {
        "name": name_of(path),
        "bytes": size,
        "modified": modified,
        "sha256": _hash_of(path),
    }


def info_line(recipe: Recipe, source: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, str]:
    """Return the line of a result's info, by its key.

    Parameters
    ----------
    recipe
        Of the job.
    source
        `file_facts` of the image.
    row
        What the report says of it, so that a later run need not measure again.
    """
    facts = {**recipe.to_dict(), "source": dict(source), "row": dict(row)}
    return {KEY: json.dumps(facts, sort_keys=True)}


def read_made(path: Path) -> dict[str, Any] | None:
    """Return what the info of a result says of how it was made; None if nothing."""
    try:
        line = re.search(rf"^{re.escape(KEY)}: (.*)$", read_info(path), re.MULTILINE)
        made = json.loads(line.group(1)) if line else None
    except Exception:  # whatever a damaged file, or one of somebody else's, provokes
        return None
    known = ("settings", "source", "row")
    if not isinstance(made, dict) or not all(isinstance(made.get(k), dict) for k in known):
        return None
    return made


def difference(made: Mapping[str, Any] | None, recipe: Recipe, source: Path) -> str:
    """Say what is not as this job would make it; empty if nothing.

    An image counts as the same if size and time of change are, or else its bytes.
    """
    if made is None:
        return "was not made by a folder job"
    if made.get("classifier") != recipe.classifier:
        return "was made with another classifier"
    before = made["settings"]
    for name, value in recipe.settings.items():
        if before.get(name) != value:
            return f"was made with {name}={before.get(name)}, not {name}={value}"
    if not _same_file(made["source"], source):
        return "was made of another image, or before the image was changed"
    return ""


def _same_file(before: Mapping[str, Any], path: Path) -> bool:
    try:
        size, modified = _size_and_time(path)
        if before.get("bytes") != size:
            return False
        return before.get("modified") == modified or before.get("sha256") == _hash_of(path)
    except (OSError, ValueError):
        return True  # said when it is to be read


def _files_of(path: Path) -> list[Path]:
    """List the files of an image: itself, or those of its folder in order."""
    if not is_folder(path):
        return [path]
    return sorted(Path(here, name) for here, _, names in os.walk(path) for name in names)


def _size_and_time(path: Path) -> tuple[int, int]:
    """Return the bytes of an image, and when it was last changed, in ns."""
    found = [os.stat(file) for file in _files_of(path)]
    return sum(one.st_size for one in found), max((one.st_mtime_ns for one in found), default=0)


def _hash_of(path: Path) -> str:
    found = hashlib.sha256()
    for file in _files_of(path):
        if file != path:
            found.update(os.fsencode(file.relative_to(path)) + b"\0")
        with open(file, "rb") as stream:
            while block := stream.read(_BLOCK):
                found.update(block)
    return found.hexdigest()
