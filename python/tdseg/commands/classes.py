"""TDS Set Classes and TDS Add Label."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tdseg.commands.reply import OverlayEdit, Reply
from tdseg.commands.request import Request
from tdseg.errors import TdsegError
from tdseg.labels.roi_files import check_label, read_roi


def set_classes(request: Request) -> Reply:
    """Name the classes of the session and the host's ROI groups."""
    session = request.session
    session.set_classes(request.required("classes").split(","))
    names = dict(session.classes)
    return Reply({"classes": ",".join(names.values())}, group_names=names)


def add_label(request: Request) -> Reply:
    """Add the selection to the overlay with the class's group, name and position."""
    image, session = request.image, request.session
    value = session.class_value(request.required("class"))
    name = session.class_name(value)
    selection = image.rois("selection")
    if not selection:
        raise TdsegError(
            f"Image '{image.title}' has no selection; draw one, then add it as '{name}'."
        )
    check_label(read_roi(selection[0]), image.title, image.shape[-2:])
    there = [read_roi(data).facts.name for data in image.rois("overlay")]
    edit = OverlayEdit(label_selection=(value, next_name(there, name)))
    return Reply({"class": request.given["class"]}, edits=[edit])


def next_name(there: Sequence[str], name: str) -> str:
    """Return ``name-01`` or the first number above those that are there."""
    found = (re.fullmatch(re.escape(name) + r"-(\d{1,9})", other or "") for other in there)
    taken = max((int(match.group(1)) for match in found if match), default=0)
    return f"{name}-{taken + 1:02d}"
