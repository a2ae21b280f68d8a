"""Names of classes that a label or probability image carries in its info."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tdseg.images.image import Image

KEY = "tdseg.classes"
"""Of the line of the info that holds them: ``tdseg.classes: 1=background, 2=nucleus``."""


def names_line(class_names: Mapping[int, str]) -> dict[str, str]:
    """Return the line of an image's info that names its label values, by its key."""
    # A line break would end the line of the info.
    shown = {value: " ".join(name.split()) for value, name in class_names.items()}
    return {KEY: ", ".join(f"{value}={name}" for value, name in sorted(shown.items()))}


def carried_names(image: Image) -> dict[int, str] | None:
    """Return the names that an image brings for its label values.

    Returns
    -------
    dict or None
        Empty where tdseg wrote the image and its labels are no classes but number objects; None
        where the image says nothing of classes.
    """
    info = str(image.metadata.get("info") or "")
    found = re.search(rf"^{re.escape(KEY)}:(.*)$", info, re.MULTILINE)
    if found is None:
        return None
    parts = re.split(r", (?=\d+=)", found.group(1).strip())
    pairs = (re.fullmatch(r"(\d{1,5})=(.+)", part) for part in parts)
    return {int(pair.group(1)): pair.group(2) for pair in pairs if pair}
