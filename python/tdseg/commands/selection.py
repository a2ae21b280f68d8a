"""The part of the image that a command works on: ``region=selection`` and ``rectangle=``."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tdseg.commands.request import Request
from tdseg.errors import TdsegError
from tdseg.labels.roi_files import check_label, read_roi


def area_mask(request: Request) -> npt.NDArray[np.bool_] | None:
    """Return the part as a mask (Y, X): the selection, the rectangle, what both share; or None.

    Raises
    ------
    TdsegError
        If there is no selection, it is no area, or a part lies outside the image.
    """
    rectangle = _rectangle(request)
    if request.options.region == "image":
        return rectangle
    image = request.image
    selection = [read_roi(data) for data in image.rois("selection")]
    if not selection or selection[0].facts.kind != "area":
        raise TdsegError(
            f"Image '{image.title}' has no area selection; draw one, or use region=image."
        )
    rows, cols = check_label(selection[0], image.title, image.shape[-2:])
    mask = np.zeros(image.shape[-2:], bool)
    mask[rows, cols] = True
    return mask if rectangle is None else mask & rectangle


def _rectangle(request: Request) -> npt.NDArray[np.bool_] | None:
    if not request.options.rectangle:
        return None
    image, text = request.image, request.options.rectangle
    x, y, width, height = (int(number) for number in text.split(","))
    mask = np.zeros(image.shape[-2:], bool)
    mask[y : y + height, x : x + width] = True
    if not mask.any():
        rows, cols = mask.shape
        raise TdsegError(
            f"Key 'rectangle' ({text}) lies outside image '{image.title}', which is {cols} x "
            f"{rows} pixels."
        )
    return mask
