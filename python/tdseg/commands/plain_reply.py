"""Replies of commands in plain data: what JSON has, no number that it lacks."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tdseg.commands.reply import ImageResult, Outline, OverlayEdit, Reply, TableResult
from tdseg.commands.table import Command
from tdseg.labels.roi_format import decode_roi, without_dangling_texts


def plain_reply(
    reply: Reply, command: Command, keep: Callable[[Any], int | None]
) -> dict[str, Any]:
    """Return a reply for the plugin to show, but for the pixels.

    Parameters
    ----------
    reply
        What a command found.
    command
        Which: it knows how its keys are written.
    keep
        Takes the pixels of an image and returns the number by which they are fetched, or None
        where they go another way.
    """
    names = reply.group_names
    return {
        "values": [[key, command.key(key).format_value(v)] for key, v in reply.values.items()],
        "images": [_image(image, keep) for image in reply.images],
        "tables": [_table(table) for table in reply.tables],
        "edits": [_edit(edit) for edit in reply.edits],
        "group_names": None if names is None else {str(k): name for k, name in names.items()},
        "extensions": reply.extensions,
    }


def _image(image: ImageResult, keep: Callable[[Any], int | None]) -> dict[str, Any]:
    array, planes = image.array, image.planes
    if image.kind in ("probabilities", "uncertainty", "features"):
        array = np.asarray(array, np.float32)
    names = [image.kind] if image.kind == "uncertainty" else image.names
    return {
        "kind": image.kind,
        "title": image.title,
        "source": image.source.identity,
        "names": [str(name) for name in names],
        "info": [[str(key), str(value)] for key, value in image.info.items()],
        "planes": None if planes is None else [int(plane) for plane in planes],
        "shape": [int(n) for n in array.shape],
        "dtype": array.dtype.name,
        "result": keep(array),
        "colours": [int(value) for value in image.colours],
        "rois": [_roi(name, data) for name, data in image.rois],
    }


def _table(table: TableResult) -> dict[str, Any]:
    columns = list(dict.fromkeys(name for row in table.rows for name in row))
    rows = [[_cell(row.get(name)) for name in columns] for row in table.rows]
    return {"title": table.title, "columns": columns, "rows": rows}


def _cell(value: Any) -> Any:
    """Return a word or a number; a number that JSON lacks is named in a mapping."""
    if value is None or isinstance(value, bool | str):
        return "" if value is None else str(value)
    number = float(value)
    if math.isfinite(number):
        return number
    return {"number": "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"}


def _edit(edit: OverlayEdit) -> dict[str, Any]:
    selection = edit.label_selection
    return {
        "label_selection": None if selection is None else [int(selection[0]), selection[1]],
        "add": [_roi(name, data) for name, data in edit.add],
        "replace": edit.replace,
        "outlines": [_outline(outline) for outline in edit.outlines],
        "where": edit.where,
    }


def _roi(name: str, data: bytes) -> dict[str, Any]:
    """Return a ROI, and what ImageJ's decoder makes up or drops: group, slice of all points."""
    safe = base64.b64encode(without_dangling_texts(data)).decode("ascii")
    facts = decode_roi(data, name).facts
    return {"name": name, "bytes": safe, "group": facts.group, "slice": facts.slice_of_points}


def _outline(outline: Outline) -> dict[str, Any]:
    rings: Sequence[list[float]] = [
        np.asarray(ring, np.float32).ravel().tolist() for ring in outline.rings
    ]
    place = {"t": int(outline.t), "z": int(outline.z), "value": int(outline.value)}
    return {"name": outline.name, "rings": rings, **place}
