"""TDS Set Classes and TDS Add Label."""

from __future__ import annotations

import re
from typing import Any

from tdseg.errors import TdsegError
from tdseg.imagej.handlers.call import Call
from tdseg.imagej.java import jc
from tdseg.imagej.rois import check_label_roi, set_group_names


def set_classes(call: Call) -> dict[str, Any]:
    """Name the classes of the session and ImageJ's ROI groups."""
    call.session.set_classes(call.required("classes").split(","))
    set_group_names(call.session.classes)
    return {"classes": ",".join(call.session.classes.values())}


def add_label(call: Call) -> dict[str, Any]:
    """Add the selection to the overlay with the class's group, name and position."""
    value = call.session.class_value(call.required("class"))
    name = call.session.class_name(value)
    roi = call.imp.getRoi()
    if roi is None:
        raise TdsegError(
            f"Image '{call.imp.getTitle()}' has no selection; draw one, then add it as '{name}'."
        )
    check_label_roi(roi, call.imp)
    label = roi.clone()
    overlay = call.imp.getOverlay()
    if overlay is None:
        overlay = jc.Overlay()
    label.setGroup(value)
    label.setName(_next_name(overlay, name))
    if call.imp.getStackSize() > 1:
        if call.imp.isHyperStack():
            label.setPosition(call.imp.getC(), call.imp.getZ(), call.imp.getT())
        else:
            label.setPosition(call.imp.getCurrentSlice())
    overlay.add(label)
    call.imp.setOverlay(overlay)
    return {"class": call.given["class"]}


def _next_name(overlay: Any, name: str) -> str:
    """Return ``name-01`` or the first number above those that are there."""
    taken = 0
    for index in range(overlay.size()):
        other = str(overlay.get(index).getName() or "")
        match = re.fullmatch(re.escape(name) + r"-(\d+)", other)
        if match:
            taken = max(taken, int(match.group(1)))
    return f"{name}-{taken + 1:02d}"
