"""Labels from ImageJ: overlay, ROI Manager, selection, files of ROIs, label images."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tdseg.errors import TdsegError
from tdseg.imagej.group_colours import group_colours
from tdseg.imagej.images import from_imageplus
from tdseg.imagej.label_files import load_labels, read_rois, save_labels
from tdseg.imagej.rois import RoiPainter, facts_of, group_names, kind_of, managed_rois
from tdseg.images.image import Image
from tdseg.labels.roi_rules import Canvas, Note, Rules, hex_values, labels_from_facts
from tdseg.labels.sparse_labels import SparseLabels

__all__ = [
    "labels_from_file",
    "labels_from_label_image",
    "labels_from_manager",
    "labels_from_overlay",
    "labels_from_rois",
    "labels_from_selection",
    "load_labels",
    "save_labels",
]


def _silent(message: str) -> None:
    """Drop a note."""


def labels_from_overlay(
    imp: Any,
    *,
    class_from: str = "group",
    unpositioned: str = "current",
    overlap: str = "last",
    class_names: Mapping[int, str] | None = None,
    note: Note = _silent,
) -> SparseLabels:
    """Take the labels of an image's overlay.

    Parameters
    ----------
    imp
        An ``ij.ImagePlus``; neither it nor its ROIs are changed.
    class_from, unpositioned, overlap, class_names
        See `tdseg.labels.roi_rules.Rules`.
    note
        Receives what the user should read in the Log.

    Raises
    ------
    TdsegError
        If there is no overlay, no ROI with a class, or a ROI that breaks a rule, named.
    """
    overlay = imp.getOverlay()
    if overlay is None or overlay.size() == 0:
        raise TdsegError(
            f"Image '{imp.getTitle()}' has no overlay; add labels with TDS Add Label..., or "
            "choose another source with the key 'labels'."
        )
    rules = _rules(class_from, unpositioned, overlap, class_names)
    rois = [overlay.get(i) for i in range(overlay.size())]
    return labels_from_rois(rois, imp, rules, note, "its overlay")


def labels_from_manager(
    imp: Any,
    *,
    class_from: str = "group",
    unpositioned: str = "current",
    overlap: str = "last",
    class_names: Mapping[int, str] | None = None,
    note: Note = _silent,
) -> SparseLabels:
    """Take the labels of the ROI Manager, which is not changed; see `labels_from_overlay`."""
    rois = managed_rois()
    if not rois:
        raise TdsegError(
            "The ROI Manager is not open or empty; add ROIs to it, or use labels=overlay "
            "(without a display there is no ROI Manager)."
        )
    rules = _rules(class_from, unpositioned, overlap, class_names)
    return labels_from_rois(rois, imp, rules, note, "the ROI Manager")


def labels_from_selection(
    imp: Any,
    *,
    class_from: str = "group",
    unpositioned: str = "current",
    overlap: str = "last",
    class_names: Mapping[int, str] | None = None,
    note: Note = _silent,
) -> SparseLabels:
    """Take the active selection as the only label, on the active plane."""
    roi = imp.getRoi()
    if roi is None:
        raise TdsegError(f"Image '{imp.getTitle()}' has no selection; draw one.")
    rules = _rules(class_from, unpositioned, overlap, class_names)
    if kind_of(roi) != "points" and not roi.hasHyperStackPosition() and roi.getPosition() == 0:
        # The selection is what the user sees now: that needs no line in the Log.
        roi = roi.clone()
        roi.setPosition(int(imp.getCurrentSlice()))
    return labels_from_rois([roi], imp, rules, note, "the selection")


def labels_from_file(
    imp: Any,
    path: str | Path,
    *,
    class_from: str = "group",
    unpositioned: str = "current",
    overlap: str = "last",
    class_names: Mapping[int, str] | None = None,
    note: Note = _silent,
) -> SparseLabels:
    """Take the labels of a ``.roi`` or ``.zip`` file, or of the overlay saved in a TIFF."""
    rules = _rules(class_from, unpositioned, overlap, class_names)
    return labels_from_rois(read_rois(Path(path)), imp, rules, note, f"file '{path}'")


def labels_from_rois(
    rois: Iterable[Any], imp: Any, rules: Rules, note: Note = _silent, source: str = "the list"
) -> SparseLabels:
    """Turn ``ij.gui.Roi`` objects into labels of an image; ``group`` is the ROI's index."""
    rois = list(rois)
    painter = RoiPainter(int(imp.getWidth()), int(imp.getHeight()))
    return labels_from_facts(
        [facts_of(roi) for roi in rois],
        lambda index, points: painter.pixels(rois[index], points),
        canvas_of(imp),
        rules,
        note,
        source,
    )


def labels_from_label_image(
    imp: Any, image: Image, class_names: Mapping[int, str] | None = None
) -> SparseLabels:
    """Take the labels of a label image: 0 is unlabelled, value k is class k.

    Parameters
    ----------
    imp
        8- or 16-bit (or 32-bit with whole numbers), one channel.
    image
        The image that the labels belong to.

    Raises
    ------
    TdsegError
        If it is not a label image, its size differs, or it is empty.
    """
    labels = from_imageplus(imp, copy=False)
    if labels.rgb or labels.shape[2] != 1:
        raise TdsegError(
            f"Label image '{labels.name}' has colours or channels; use one with a number a class."
        )
    expected = (*image.shape[:2], *image.size)
    found_size = (*labels.shape[:2], *labels.size)
    if found_size != expected:
        raise TdsegError(
            f"Label image '{labels.name}' has size {_size(found_size)}, image '{image.name}' "
            f"{_size(expected)}; they must be alike."
        )
    names = group_names() if class_names is None else dict(class_names)
    found = SparseLabels.from_label_image(labels.array[:, :, 0], names)
    if len(found) == 0:
        raise TdsegError(f"Label image '{labels.name}' is empty; draw labels of 1 and more.")
    return replace(found, class_names={v: names[v] for v in found.values if v in names})


def canvas_of(imp: Any) -> Canvas:
    """Describe an image for the rules."""
    width, height, channels, slices, frames = (int(n) for n in imp.getDimensions())
    current = (int(imp.getT()) - 1) * slices + int(imp.getZ()) - 1
    return Canvas(str(imp.getTitle()), channels, (frames, slices, height, width), current)


def _rules(
    class_from: str, unpositioned: str, overlap: str, class_names: Mapping[int, str] | None
) -> Rules:
    names = dict(class_names or {})
    if class_from == "group":
        names = {**group_names(), **names}
    colours = hex_values(group_colours()) if class_from == "color" else {}
    return Rules(class_from, unpositioned, overlap, names, colours)


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(str(n) for n in shape)
