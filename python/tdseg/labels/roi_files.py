"""Labels from ROIs in ImageJ's encoding, without Java: of files, and of open images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tdseg.errors import TdsegError
from tdseg.labels.colours import glasbey
from tdseg.labels.rasterize import count_outside, roi_pixels
from tdseg.labels.roi_bytes import read_roi_set
from tdseg.labels.roi_classes import hex_values
from tdseg.labels.roi_facts import NEVER_LABELS, RoiFacts, describe
from tdseg.labels.roi_format import DamagedRoiError, DecodedRoi, decode_roi
from tdseg.labels.roi_rules import Canvas, Pixels, Rules, labels_from_facts
from tdseg.labels.roi_shape import RoiGeometryError
from tdseg.labels.sparse_labels import SparseLabels


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
    image_name: str | None = None,
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
        Receives a line for all ROIs left out, skipped, placed or overruled.
    class_names
        Names of label values; names in the file are added.
    channels
        Channels of the image, to understand positions that count all of a stack's slices.
        Default: those of a TIFF, else 1.
    image_name
        What messages call the image. Default: the file's name.

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
    found = read_roi_set(path, note)
    canvas = Canvas(image_name or path.name, channels or found.channels, shape)
    rois = [roi.decoded for roi in found.rois]
    return labels_from_rois(rois, canvas, rules, note, f"file '{path}'")


def labels_from_rois(
    rois: Sequence[DecodedRoi],
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
    outside: Counter[int] = Counter()

    def draw(index: int, points: tuple[int, ...] | None) -> Pixels:
        shape = rois[index].shape
        pixels = roi_pixels(shape, width, height, points)
        outside[index] += count_outside(shape, width, height, points)
        return pixels

    facts = [roi.facts for roi in rois]
    found = labels_from_facts(facts, draw, canvas, rules, note, source)
    tell_outside(outside, facts, canvas.name, note)
    return found


def tell_outside(
    outside: Mapping[int, int], facts: Sequence[RoiFacts], image: str, note: Callable[[str], None]
) -> None:
    """Say how many points of which ROIs lie outside an image, if any do."""
    if lost := sum(outside.values()):
        first = next(index for index in outside if outside[index])
        note(
            f"Image '{image}': {lost} points outside the image were left out (first of "
            f"{describe(facts, first)})."
        )


def read_rois(path: Path, note: Callable[[str], None] = _silent) -> list[DecodedRoi]:
    """Read the ROIs of a file; what is damaged beside good ones is left out with a note.

    Raises
    ------
    TdsegError
        If the file is missing, of another kind, damaged, or holds no ROI.
    """
    return [roi.decoded for roi in read_roi_set(path, note).rois]


def read_roi(data: bytes, name: str = "") -> DecodedRoi:
    """Decode a ROI of an open image; `name` is for one that has none of its own.

    Raises
    ------
    TdsegError
        If it is damaged.
    """
    try:
        return decode_roi(data, name)
    except DamagedRoiError as error:
        raise TdsegError(f"A ROI {error}; delete it and draw it again.") from None


def check_label(roi: DecodedRoi, image: str, size: tuple[int, int]) -> Pixels:
    """Return the pixels (y, x) of a selection, or refuse one that cannot be a label.

    Raises
    ------
    TdsegError
        If it is a text, image, arrow or angle, or has no pixel inside the image, (Y, X) large.
    """
    kind = roi.facts.kind
    if kind in NEVER_LABELS:
        raise TdsegError(
            f"Image '{image}': the selection is of the kind '{kind}', which cannot be a label; "
            "draw an area, a line or points."
        )
    try:
        rows, cols = roi_pixels(roi.shape, size[1], size[0])
    except RoiGeometryError as error:
        raise TdsegError(f"Image '{image}': the selection {error}.") from None
    if len(rows) == 0:
        raise TdsegError(
            f"Image '{image}': the selection has no pixel inside the image; draw it again."
        )
    return rows, cols
