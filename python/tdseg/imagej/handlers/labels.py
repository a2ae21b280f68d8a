"""TDS Save Labels, Load Labels and Labels to Image."""

from __future__ import annotations

from typing import Any

from tdseg.imagej import label_sources
from tdseg.imagej.handlers.call import Call
from tdseg.imagej.handlers.label_source import read_labels
from tdseg.imagej.results import show_labels


def save_labels(call: Call) -> dict[str, Any]:
    """Save the overlay's labels as a RoiSet."""
    path = call.path(suffix=".zip")
    existing = call.value("existing")
    count = label_sources.save_labels(call.imp, path, existing=existing)
    call.progress.note(
        f"Saved {count} labels to '{path}'." if count else f"File '{path}' exists; kept."
    )
    return {"path": str(path), "existing": existing}


def load_labels(call: Call) -> dict[str, Any]:
    """Add the labels of a file to the overlay."""
    path = call.existing_path(".zip")
    replace = call.value("replace")
    count = label_sources.load_labels(call.imp, path, replace=replace)
    call.progress.note(f"Loaded {count} labels from '{path}'.")
    return {"path": str(path), "replace": replace}


def labels_to_image(call: Call) -> dict[str, Any]:
    """Show the labels as a label image."""
    found = read_labels(call, call.image())
    show_labels(found.to_label_image(), call.imp, call.stem, {}, None)
    return call.resolved()
