"""A reply: what a command found, in plain data; whoever knows Java shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from tdseg.commands.request import HostImage, RoiBytes


@dataclass(frozen=True)
class ImageResult:
    """An image to show; the image that it was made of is never changed.

    Attributes
    ----------
    kind
        "labels" (uint8 or uint16, colours of the ROI groups), "probabilities" (float32, display
        range 0 to 1), "uncertainty" (the same, one channel), "features" (float32), or "overlay":
        the labels over a copy of the image.
    title
        Of the new window.
    array
        (T, Z, C, Y, X); C is 1 for labels and uncertainty.
    source
        The image whose calibration it keeps.
    names
        They label the slices: one name per channel; of labels one per plane, "" for none, as the
        segmented image has them. May be empty.
    info
        Settings and provenance, for the image's info.
    planes
        Plane numbers ``t * Z + z`` of the source that `array` covers; None: all.
    colours
        Label value of each channel, which is shown in its colour, all channels at once; empty: one
        channel at a time, in grey.
    rois
        ROIs in ImageJ's encoding, with their names, to lay over it: a legend.
    """

    kind: Literal["labels", "probabilities", "uncertainty", "features", "overlay"]
    title: str
    array: npt.NDArray[Any]
    source: HostImage
    names: Sequence[str] = ()
    info: Mapping[str, str] = field(default_factory=dict)
    planes: Sequence[int] | None = None
    colours: Sequence[int] = ()
    rois: Sequence[tuple[str, RoiBytes]] = ()


@dataclass(frozen=True)
class TableResult:
    """A table to show: its title, and one mapping from column to value per row."""

    title: str
    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Outline:
    """Outlines of an object to show as a ROI without a class.

    `rings` are (n, 2) corners x, y; a ring inside another is a hole. `t` and `z` count from 0. The
    line has the colour of the label value `value`; 0: ImageJ's own.
    """

    name: str
    rings: Sequence[npt.NDArray[np.number]]
    t: int
    z: int
    value: int = 0


@dataclass(frozen=True)
class OverlayEdit:
    """A change of the active image's overlay or of the ROI Manager.

    Attributes
    ----------
    label_selection
        (group, name): add the active selection, at the plane that is shown, as this label.
    add
        ROIs to add, in ImageJ's encoding, each with the name it has if it brings none.
    replace
        Whether the overlay's ROIs go first.
    outlines
        Objects to add.
    where
        "overlay" or "manager".
    """

    label_selection: tuple[int, str] | None = None
    add: Sequence[tuple[str, RoiBytes]] = ()
    replace: bool = False
    outlines: Sequence[Outline] = ()
    where: Literal["overlay", "manager"] = "overlay"


@dataclass(frozen=True)
class Reply:
    """What a command found.

    Attributes
    ----------
    values
        The resolved values of its keys: what the Recorder writes.
    images, tables, edits
        To show, in this order.
    group_names
        New names of the ROI groups; None: as they are.
    extensions
        Whether the macro that runs asked for ``Ext.TDS_...``.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    images: Sequence[ImageResult] = ()
    tables: Sequence[TableResult] = ()
    edits: Sequence[OverlayEdit] = ()
    group_names: Mapping[int, str] | None = None
    extensions: bool = False
