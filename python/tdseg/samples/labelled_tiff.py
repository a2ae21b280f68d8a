"""Sample images as ImageJ's TIFFs, their strokes as ROIs in the overlay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import roifile
import tifffile

from tdseg.runtime.files import write_file

Strokes = Sequence[tuple[int, npt.NDArray[np.integer]]]


def write_labelled(
    path: Path,
    image: npt.NDArray[np.uint8],
    strokes: Strokes = (),
    class_names: Sequence[str] = (),
    *,
    width: int = 1,
    pixel_size: float = 0.5,
    existing: str = "overwrite",
) -> bool:
    """Write an image as ImageJ saves it, each stroke a ROI whose group is its class.

    Parameters
    ----------
    path
        The TIFF.
    image
        (Y, X), or (Y, X, 3) for colours.
    strokes
        Label value and polyline, (n, 2) x and y, of each.
    class_names
        Of the label values from 1 on; a ROI is named after its class.
    width
        Of the strokes, pixels.
    pixel_size
        In micrometres.
    existing
        "skip", "overwrite" or "error": if the file is there.

    Returns
    -------
    bool
        Whether it was written.
    """
    rois, counts = [], Counter[int]()
    for value, points in strokes:
        counts[value] += 1
        roi = roifile.ImagejRoi.frompoints(np.asarray(points, np.float32))
        roi.roitype = roifile.ROI_TYPE.POLYLINE if width == 1 else roifile.ROI_TYPE.FREELINE
        roi.stroke_width = 0 if width == 1 else width
        roi.group = value
        roi.name = f"{class_names[value - 1]}-{counts[value]:02d}"
        rois.append(roi.tobytes())
    metadata = {"unit": "um", **({"Overlays": rois} if rois else {})}
    resolution = (1 / pixel_size, 1 / pixel_size)
    return write_file(
        path,
        lambda part: tifffile.imwrite(
            part, image, imagej=True, resolution=resolution, metadata=metadata
        ),
        existing,
    )
