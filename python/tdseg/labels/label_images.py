"""Label images: pixels whose value is the number of a class, 0 where nothing is labelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError
from tdseg.images.image import Image
from tdseg.labels.carried_names import carried_names
from tdseg.labels.sparse_labels import SparseLabels

MASK = 255
"""The number of the white pixels of ImageJ's masks, and of one-bit TIFFs."""
_SIGNED = (-32768.0, 1.0)
"""How ImageJ keeps signed 16-bit numbers: raw value and offset."""


def labels_from_image(
    label_image: Image,
    image: Image,
    class_names: Mapping[int, str] | None = None,
    note: Callable[[str], object] = lambda line: None,
) -> SparseLabels:
    """Take the labels of a label image.

    Parameters
    ----------
    label_image
        One channel of whole numbers; 0 is unlabelled, value k is class k.
    image
        The image that the labels belong to, of the same slices, frames, height and width.
    class_names
        Names of label values, before those that the label image carries; only those that occur
        are kept.
    note
        Hears it if the label image is a mask, whose only number is 255.

    Returns
    -------
    SparseLabels
        The pixels above 0; a connected region is a stroke.

    Raises
    ------
    TdsegError
        If it is not a label image, its size differs, or it is empty; the message names it.
    """
    name = f"Label image '{label_image.name}'"
    if label_image.rgb or label_image.shape[2] != 1:
        raise TdsegError(
            f"{name} has colours or channels; use one with a single channel, a number for each "
            "class."
        )
    _check_size(name, label_image, image)
    names = {**(carried_names(label_image) or {}), **(class_names or {})}
    found = SparseLabels.from_label_image(label_values(label_image), names, name=name)
    if len(found) == 0:
        raise TdsegError(f"{name} is empty (0 everywhere); draw labels of 1 and more.")
    if found.values == (MASK,) and MASK not in names:
        note(
            f"{name} is a mask (0 and {MASK}): its white pixels are class {MASK}, the black ones "
            "have no label. For two classes, use 1 and 2."
        )
    return replace(found, class_names={v: names[v] for v in found.values if v in names})


def label_values(label_image: Image) -> npt.NDArray[Any]:
    """Return the numbers (T, Z, Y, X) that a one-channel image stands for.

    Signed 16-bit pixels, which ImageJ holds as 0 to 65535, count as the numbers that ImageJ shows.
    """
    values = label_image.array[:, :, 0]
    function = label_image.metadata.get("calibration_function")
    shifted = function is not None and tuple(function[1] or ())[:2] == _SIGNED
    if shifted and values.dtype == np.uint16:
        return values.astype(np.int32) - 32768
    return values


def _check_size(name: str, label_image: Image, image: Image) -> None:
    if label_image.size != image.size:
        have, need = (f"{i.size[1]}x{i.size[0]}" for i in (label_image, image))
        raise TdsegError(
            f"{name} is {have} pixels, image '{image.name}' {need}; they must be alike."
        )
    have_planes, need_planes = label_image.shape[:2], image.shape[:2]
    if have_planes == need_planes:
        return
    stacks = [f"{z} slices and {t} frames" for t, z in (have_planes, need_planes)]
    remedy, hint = "save the labels of all of them", ""
    if have_planes == need_planes[::-1]:
        remedy, hint = "exchange slices and frames of one of them", "dimensions"
    raise TdsegError(
        f"{name} has {stacks[0]}, image '{image.name}' {stacks[1]}; {remedy}.", hint=hint
    )
