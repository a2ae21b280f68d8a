"""Labels from files of ROIs, without Java: ``.roi``, RoiSet ``.zip``, the overlay in a TIFF."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from roifile import ROI_COLOR_NONE, ROI_SUBTYPE, ROI_TYPE, ImagejRoi

from tdseg.errors import TdsegError
from tdseg.labels.colours import glasbey
from tdseg.labels.rasterize import roi_pixels
from tdseg.labels.roi_archive import read_roi_bytes
from tdseg.labels.roi_rules import (
    NEVER_LABELS,
    Canvas,
    RoiFacts,
    Rules,
    hex_values,
    labels_from_facts,
)
from tdseg.labels.sparse_labels import SparseLabels

_NEVER = {ROI_SUBTYPE.TEXT: "text", ROI_SUBTYPE.IMAGE: "image", ROI_SUBTYPE.ARROW: "arrow"}
_LINES = (ROI_TYPE.LINE, ROI_TYPE.POLYLINE, ROI_TYPE.FREELINE)


def _silent(message: str) -> None:
    """Drop a note."""


def labels_from_roi_file(
    path: Path,
    shape: tuple[int, int, int, int],
    *,
    class_from: str = "group",
    unpositioned: str = "current",
    overlap: str = "last",
    note: Callable[[str], None] = _silent,
    class_names: Mapping[int, str] | None = None,
    channels: int | None = None,
) -> SparseLabels:
    """Take the labels of a file of ROIs.

    Parameters
    ----------
    path
        A ``.roi`` or ``.zip`` file, or a TIFF whose overlay (without one, whose selection) counts.
    shape
        (T, Z, Y, X) of the image that the ROIs were drawn on.
    class_from
        "group", "name", "color" or "counter": what tells the class of a ROI.
    unpositioned
        Where ROIs without a position in the stack go: "current" (a file has no current slice: the
        first), "all", or "error".
    overlap
        "last": the later ROI wins; "error".
    note
        Receives a line for all ROIs skipped, placed or overruled.
    class_names
        Names of label values; names in the file are added.
    channels
        Channels of the image, to understand positions that count all of a stack's slices.
        Default: those of a TIFF, else 1.

    Returns
    -------
    SparseLabels
        ``group`` is the ROI's index in the file. Pixels are those that ImageJ fills.

    Raises
    ------
    TdsegError
        If the file is missing, damaged or without labels, or a ROI breaks a rule, named.
    """
    path = Path(path)
    names = dict(class_names or {})
    rules = Rules(class_from, unpositioned, overlap, names, hex_values(glasbey()))
    rois, found_channels = read_rois(path)
    canvas = Canvas(path.name, channels or found_channels, shape)
    return labels_from_rois(rois, canvas, rules, note, f"file '{path}'")


def labels_from_rois(
    rois: Sequence[ImagejRoi],
    canvas: Canvas,
    rules: Rules,
    note: Callable[[str], None] = _silent,
    source: str = "the list",
) -> SparseLabels:
    """Turn ROIs into labels of an image; ``group`` is the ROI's index.

    Raises
    ------
    TdsegError
        If no ROI has a class, or one breaks a rule, named.
    """
    height, width = canvas.shape[2:]

    def draw(index: int, points: tuple[int, ...] | None) -> tuple[np.ndarray, np.ndarray]:
        return roi_pixels(rois[index], width, height, points)

    return labels_from_facts([facts_of(roi) for roi in rois], draw, canvas, rules, note, source)


def read_rois(path: Path) -> tuple[list[ImagejRoi], int]:
    """Read the ROIs of a file, and how many channels its image has (1 if it has no image).

    Raises
    ------
    TdsegError
        If the file is missing, of another kind, damaged, or holds no ROI.
    """
    found, channels = read_roi_bytes(path)
    try:
        return [read_roi(data, name) for name, data in found], channels
    except (ValueError, struct.error) as error:
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise TdsegError(
            f"Label file '{path}' cannot be read ({reason}); save it again from ImageJ."
        ) from error


def read_roi(data: bytes, name: str = "") -> ImagejRoi:
    """Decode a ROI; `name` is for one that has none of its own."""
    roi = ImagejRoi.frombytes(data)
    if not roi.name:
        roi.name = name
    return roi


def check_label(roi: ImagejRoi, image: str, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels (y, x) of a selection, or refuse one that cannot be a label.

    Raises
    ------
    TdsegError
        If it is a text, image, arrow or angle, or has no pixel inside the image, (Y, X) large.
    """
    kind = kind_of(roi)
    if kind in NEVER_LABELS:
        raise TdsegError(
            f"Image '{image}': the selection is of the kind '{kind}', which cannot be a label; "
            "draw an area, a line or points."
        )
    rows, cols = roi_pixels(roi, size[1], size[0])
    if len(rows) == 0:
        raise TdsegError(
            f"Image '{image}': the selection has no pixel inside the image; draw it again."
        )
    return rows, cols


def facts_of(roi: ImagejRoi) -> RoiFacts:
    """Describe a ROI for the rules; see `tdseg.labels.roi_rules`."""
    kind = kind_of(roi)
    position = (roi.c_position, roi.z_position, roi.t_position)
    counters: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()
    if kind == "points":
        none = np.zeros(roi.n_coordinates, np.int64)
        counters = tuple(int(v) for v in (none if roi.counters is None else roi.counters))
        given = roi.counter_positions
        positions = tuple(int(v) for v in (none if given is None else given))
    return RoiFacts(
        name=roi.name,
        kind=kind,
        group=roi.group,
        colour=_colour(roi),
        position=max(roi.position, 0),
        hyperstack=position if any(p > 0 for p in position) else None,
        counters=counters,
        point_positions=positions,
    )


def kind_of(roi: ImagejRoi) -> str:
    """Return ``area``, ``line``, ``points``, ``text``, ``image``, ``arrow`` or ``angle``."""
    if roi.subtype in _NEVER:
        return _NEVER[roi.subtype]
    if roi.roitype == ROI_TYPE.POINT:
        return "points"
    if roi.roitype == ROI_TYPE.ANGLE:
        return "angle"
    return "line" if roi.roitype in _LINES else "area"


def _colour(roi: ImagejRoi) -> str:
    """Return fill or stroke colour; a group has its own, which ImageJ strokes it in."""
    if roi.fill_color != ROI_COLOR_NONE:
        return roi.hexcolor(roi.fill_color) or ""
    if 0 < roi.group < 256:
        red, green, blue = (int(v) for v in glasbey()[roi.group])
        return f"#{red:02x}{green:02x}{blue:02x}"
    return roi.hexcolor(roi.stroke_color) or ""
