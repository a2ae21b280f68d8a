"""TDS Refine."""

from __future__ import annotations

from typing import Any

import numpy as np

from tdseg.errors import TdsegError
from tdseg.imagej.handlers.call import Call
from tdseg.imagej.images import from_imageplus
from tdseg.imagej.java import jc
from tdseg.imagej.results import show_labels, show_probabilities
from tdseg.images.image import Image
from tdseg.workflow import refine_crf


def refine(call: Call) -> dict[str, Any]:
    """Refine the active probability stack; the image beside it guides the labels."""
    found = call.image()
    if found.dtype != np.float32 or found.shape[2] < 2:
        raise TdsegError(
            f"Image '{found.name}' is not a probability stack (32-bit, a channel a class); select "
            "a result of TDS Apply... with output=probabilities."
        )
    source = _segmented_image(call)
    image = from_imageplus(source)
    names, values = _classes(call, found)
    settings = call.settings()
    refined = refine_crf(found.array, image, settings, progress=call.progress)
    labels = np.asarray(values)[refined.argmax(axis=2)]
    labels = labels.astype(np.uint8 if labels.max() <= 255 else np.uint16)
    stem = call.stem.removesuffix("-probabilities") + "-refined"
    output = call.value("output")
    resolved = call.resolved(settings, image=str(source.getTitle()))
    info = {"tdseg.refined": " ".join(f"{k}={v}" for k, v in resolved.items())}
    if output in ("probabilities", "both"):
        show_probabilities(refined, source, stem, names, info, None)
    if output in ("labels", "both"):
        show_labels(labels, source, stem, info, None)
    return resolved


def _segmented_image(call: Call) -> Any:
    """Return the image by title, or the one that the stack's own title names."""
    title = call.value("image")
    if title is not None:
        found = jc.WindowManager.getImage(title)
        if found is None:
            raise TdsegError(f"Key 'image': no image called '{title}' is open.")
        return found
    wanted = call.stem.removesuffix("-probabilities")
    for name in open_titles():
        if name != str(call.imp.getTitle()) and wanted in (name, name.rsplit(".", 1)[0]):
            return jc.WindowManager.getImage(name)
    raise TdsegError(
        f"The image that '{call.imp.getTitle()}' was made from is not open; open it, or name it "
        "with image=[title]."
    )


def open_titles() -> list[str]:
    """Return the titles of all open images, those of batch mode too."""
    ids = jc.WindowManager.getIDList() or []
    images = [jc.WindowManager.getImage(int(number)) for number in ids]
    batch = jc.Interpreter.getBatchModeImageIDs() or []
    images += [jc.Interpreter.getBatchModeImage(int(number)) for number in batch]
    return [str(imp.getTitle()) for imp in images if imp is not None]


def _classes(call: Call, found: Image) -> tuple[list[str], list[int]]:
    """Return names of the stack's channels, and label values: the session's where they agree."""
    count = found.shape[2]
    labels = list(found.metadata.get("slice_labels") or [])[:count]
    known = {name: value for value, name in call.session.classes.items()}
    model = call.session.model
    if model is not None:
        known |= dict(zip(model.class_names, model.class_values, strict=True))
    names = [
        str(labels[k]) if k < len(labels) and labels[k] else f"class {k + 1}" for k in range(count)
    ]
    values = [known.get(name, k + 1) for k, name in enumerate(names)]
    if len(set(values)) != count:
        values = list(range(1, count + 1))
    return names, values
