"""The active area selection as a mask: ``region=selection``."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tdseg.commands.request import Request
from tdseg.errors import TdsegError
from tdseg.labels.roi_files import check_label, read_roi


def area_mask(request: Request) -> npt.NDArray[np.bool_] | None:
    """Return the selection as a mask (Y, X) where ``region=selection`` asks for it, else None.

    Raises
    ------
    TdsegError
        If there is none, it is not an area, or it lies outside the image.
    """
    if request.options.region == "image":
        return None
    image = request.image
    selection = [read_roi(data) for data in image.rois("selection")]
    if not selection or selection[0].facts.kind != "area":
        raise TdsegError(
            f"Image '{image.title}' has no area selection; draw one, or use region=image."
        )
    rows, cols = check_label(selection[0], image.title, image.shape[-2:])
    mask = np.zeros(image.shape[-2:], bool)
    mask[rows, cols] = True
    return mask
