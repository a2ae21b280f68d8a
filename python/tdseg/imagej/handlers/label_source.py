"""Where a command's labels come from: the key ``labels`` and its companions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tdseg.errors import TdsegError
from tdseg.imagej import label_sources
from tdseg.imagej.handlers.call import Call
from tdseg.imagej.java import jc
from tdseg.images.image import Image
from tdseg.labels.sparse_labels import SparseLabels


def read_labels(call: Call, image: Image) -> SparseLabels:
    """Return the labels that the call's keys name, with the session's class names."""
    source = call.value("labels")
    rules: dict[str, Any] = {
        name: call.value(name) for name in ("class_from", "unpositioned", "overlap")
    }
    rules["note"] = call.progress.note
    rules["class_names"] = call.session.classes
    if source == "overlay":
        found = label_sources.labels_from_overlay(call.imp, **rules)
    elif source == "manager":
        found = label_sources.labels_from_manager(call.imp, **rules)
    elif source == "selection":
        found = label_sources.labels_from_selection(call.imp, **rules)
    elif source == "file":
        found = label_sources.labels_from_file(call.imp, call.path("labels_path"), **rules)
    else:
        found = label_sources.labels_from_label_image(_label_image(call), image)
    names = {v: call.session.classes.get(v, found.name_of(v)) for v in found.values}
    return replace(found, class_names=names)


def _label_image(call: Call) -> Any:
    """Return the label image: an open one by title, or one from a file."""
    title = call.value("labels_image")
    if title is not None:
        found = jc.WindowManager.getImage(title)
        if found is None:
            raise TdsegError(f"Key 'labels_image': no image called '{title}' is open.")
        return found
    if call.value("labels_path") is None:
        raise TdsegError(
            "labels=image needs labels_image=[title] of an open image, or labels_path=[file]."
        )
    path = call.path("labels_path")
    opened = jc.IJ.openImage(str(path)) if path.is_file() else None
    if opened is None:
        raise TdsegError(f"Key 'labels_path': ImageJ cannot open '{path}' as an image.")
    return opened
