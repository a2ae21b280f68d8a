"""TDS Objects: outlines of the objects of each class, and a table of their sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.commands.class_image import ClassImage, class_image
from tdseg.commands.reply import Outline, OverlayEdit, Reply, TableResult
from tdseg.commands.request import Request
from tdseg.errors import TdsegError
from tdseg.workflow.objects import ClassObject, class_objects


def objects(request: Request) -> Reply:
    """Outline and measure the objects of each class; nothing that is there is taken away."""
    options = request.options
    if options.outlines != "none" and options.where == "manager" and not request.host.has_manager:
        raise TdsegError(
            "where=manager needs a display: without one there is no ROI Manager; use where=overlay."
        )
    classes = class_image(request)
    labels = _array(classes)
    values = _chosen(options.classes, classes, labels)
    found = class_objects(
        labels,
        values,
        min_size=options.min_size,
        smoothing=options.smoothing,
        progress=request.progress,
    )
    if not found:
        request.progress.note(f"Image '{request.image.title}' has no such objects.")
    edits = []
    if options.outlines != "none" and found:
        rings = _each(found, classes) if options.outlines == "objects" else _joined(found, classes)
        edits.append(OverlayEdit(outlines=rings, where=options.where))
    tables = [TableResult("TDS Objects", _rows(found, classes))] if found else []
    return Reply(request.resolved(), tables=tables, edits=edits)


def _array(classes: ClassImage) -> npt.NDArray[np.integer]:
    frames, slices, _, height, width = classes.labels.shape
    planes = [classes.labels.plane(p)[:, :, 0] for p in range(frames * slices)]
    return np.stack(planes).reshape(frames, slices, height, width)


def _chosen(text: str, classes: ClassImage, labels: npt.NDArray[np.integer]) -> list[int]:
    """Return the values of classes that are given by names or numbers."""
    present = [int(value) for value in np.unique(labels) if value or 0 in classes.names]
    if text == "all":
        return present
    by_name = {name: value for value, name in classes.names.items()}
    values = []
    for word in (part.strip() for part in text.split(",")):
        if word in by_name:
            values.append(by_name[word])
        elif word.isdigit() and (int(word) in present or int(word) in classes.names):
            values.append(int(word))
        else:
            known = ", ".join(_name(classes, value) for value in present) or "none"
            raise TdsegError(f"Key 'classes': there is no class '{word}'. Classes: {known}.")
    return list(dict.fromkeys(values))


def _name(classes: ClassImage, value: int) -> str:
    return classes.names.get(value, f"class {value}")


def _each(found: Sequence[ClassObject], classes: ClassImage) -> list[Outline]:
    return [
        Outline(
            f"{_name(classes, o.value)}-{o.found.label:03d}",
            o.found.outlines,
            o.found.t,
            o.found.z,
            o.value,
        )
        for o in found
    ]


def _joined(found: Sequence[ClassObject], classes: ClassImage) -> list[Outline]:
    """Return one outline for the objects of a class on a plane."""
    parts: dict[tuple[int, int, int], list[npt.NDArray[np.integer]]] = {}
    for o in found:
        parts.setdefault((o.value, o.found.t, o.found.z), []).extend(o.found.outlines)
    return [
        Outline(_name(classes, value), rings, t, z, value) for (value, t, z), rings in parts.items()
    ]


def _rows(found: Sequence[ClassObject], classes: ClassImage) -> list[dict[str, Any]]:
    """Return one table row per object; places in pixels, areas also calibrated."""
    calibration = classes.labels.calibration
    unit = f"{calibration.unit or 'pixel'}^2"
    return [
        {
            "Object": o.found.label,
            "Class": _name(classes, o.value),
            "Frame": o.found.t + 1,
            "Slice": o.found.z + 1,
            "Pixels": o.found.area,
            "Area": o.found.area * calibration.pixel_area,
            "Unit": unit,
            "X": o.found.centroid_x,
            "Y": o.found.centroid_y,
            "BX": o.found.x,
            "BY": o.found.y,
            "Width": o.found.width,
            "Height": o.found.height,
        }
        for o in found
    ]
