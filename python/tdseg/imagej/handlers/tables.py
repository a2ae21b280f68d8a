"""TDS Measure ROIs and TDS Class Statistics."""

from __future__ import annotations

from typing import Any

import numpy as np

from tdseg.errors import TdsegError
from tdseg.imagej.handlers.call import Call
from tdseg.imagej.handlers.regions import read_regions
from tdseg.imagej.tables import show_table
from tdseg.workflow.measure import class_statistics as statistics_rows
from tdseg.workflow.measure import measure_regions


def measure_rois(call: Call) -> dict[str, Any]:
    """Show the mean features of each ROI."""
    image = call.image()
    rows, settings = measure_regions(
        image,
        read_regions(call),
        call.settings(),
        components=call.value("components"),
        cache=call.session.cache,
        progress=call.progress,
    )
    show_table("TDS ROI Features", rows)
    return call.resolved(settings)


def class_statistics(call: Call) -> dict[str, Any]:
    """Show pixels, area and fraction of each class of the active label image."""
    image = call.image()
    if image.is_colour or image.shape[2] != 1 or image.dtype not in (np.uint8, np.uint16):
        raise TdsegError(
            f"Image '{image.name}' is not a label image (8- or 16-bit, one channel); select a "
            "result of TDS Apply... first."
        )
    show_table("TDS Class Statistics", statistics_rows(image, call.session.classes))
    return {}
