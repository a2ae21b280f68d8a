"""The classes of the active image: its own label values, or what the classifier says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdseg.commands.request import Request
from tdseg.errors import TdsegError
from tdseg.images.image import ArraySource, Image
from tdseg.labels.carried_names import carried_names
from tdseg.workflow.apply import apply


@dataclass(frozen=True)
class ClassImage:
    """A label image of all planes of the active image, and the names of its values."""

    labels: Image
    names: dict[int, str]


def class_image(request: Request) -> ClassImage:
    """Return what ``classes_from`` asks for.

    Raises
    ------
    TdsegError
        If the active image is no label image, or there is no classifier.
    """
    image = request.image.read()
    # A result is measured under the names it was made with, whatever the session's are now.
    carried = carried_names(image)
    wanted = request.options.classes_from
    if wanted == "auto":
        is_result = carried is not None or request.session.model is None
        wanted = "image" if is_result else "classifier"
    if wanted == "classifier":
        model = request.session.current_model()
        result = apply(
            model,
            image,
            probabilities=False,
            settings=model.settings.with_(first_label=1),
            cache=request.session.cache,
            progress=request.progress,
        )
        source = ArraySource(result.labels[:, :, None])
        labels = Image(source, name=image.name, calibration=image.calibration)
        return ClassImage(labels, dict(zip(result.class_values, result.class_names, strict=True)))
    if image.is_colour or image.shape[2] != 1 or image.dtype not in (np.uint8, np.uint16):
        raise TdsegError(
            f"Image '{image.name}' is not a label image (8- or 16-bit, one channel); select a "
            "result of TDS Apply... first, or use classes_from=classifier."
        )
    return ClassImage(image, dict(request.session.classes if carried is None else carried))
