"""ImageJ's ROIs: what the rules need to know of them, and their pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jpype
import numpy as np

from tdseg.errors import TdsegError
from tdseg.imagej.java import jc, to_java, to_numpy
from tdseg.labels.roi_rules import NEVER_LABELS, RoiFacts

_ANGLE = 8  # ij.gui.Roi.ANGLE
_named: dict[int, str] = {}


class RoiPainter:
    """Pixels of ROIs by ``ImageProcessor.fill`` on a blank mask, which alone is right for all.

    ``getMask`` and ``getContainedPoints`` are wrong for lines, and do not clip.

    Parameters
    ----------
    width, height
        Size of the image.
    """

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._mask = jc.ByteProcessor(width, height)

    def pixels(
        self, roi: Any, points: tuple[int, ...] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return y and x of the pixels of a ROI inside the image, each once.

        Parameters
        ----------
        roi
            An ``ij.gui.Roi``; a copy of it is drawn, since drawing may change it.
        points
            Of a multi-point: which of its points. Default: all.
        """
        roi = roi.clone() if points is None else _some_points(roi, points)
        x0, y0, x1, y1 = self._region(roi)
        if x0 >= x1 or y0 >= y1:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        mask = self._mask
        mask.setValue(255)
        mask.fill(roi)
        mask.setRoi(x0, y0, x1 - x0, y1 - y0)
        drawn = to_numpy(mask.crop().getPixels()).reshape(y1 - y0, x1 - x0)
        mask.setValue(0)
        mask.fill()
        mask.resetRoi()
        y, x = np.nonzero(drawn)
        return y + y0, x + x0

    def _region(self, roi: Any) -> tuple[int, int, int, int]:
        """Return the part of the image that drawing can reach."""
        bounds = roi.getBounds()
        margin = 0
        if roi.isLine():
            if not isinstance(roi, jc.Line) and roi.isSplineFit():
                return 0, 0, self._width, self._height  # a spline may leave its vertices' bounds
            margin = int(np.ceil(roi.getStrokeWidth())) + 2
        return (
            max(int(bounds.x) - margin, 0),
            max(int(bounds.y) - margin, 0),
            min(int(bounds.x + bounds.width) + margin, self._width),
            min(int(bounds.y + bounds.height) + margin, self._height),
        )


def facts_of(roi: Any) -> RoiFacts:
    """Describe an ``ij.gui.Roi`` for the rules."""
    name = roi.getName()
    kind = kind_of(roi)
    colour = roi.getFillColor() or roi.getStrokeColor()
    counters: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()
    if kind == "points":
        count = int(roi.getNCoordinates())
        counters = tuple(int(roi.getCounter(i)) for i in range(count))
        positions = tuple(int(roi.getPointPosition(i)) for i in range(count))
    hyperstack = None
    if roi.hasHyperStackPosition():
        hyperstack = int(roi.getCPosition()), int(roi.getZPosition()), int(roi.getTPosition())
    return RoiFacts(
        name="" if name is None else str(name),
        kind=kind,
        group=int(roi.getGroup()),
        colour="" if colour is None else f"#{int(colour.getRGB()) & 0xFFFFFF:06x}",
        position=int(roi.getPosition()),
        hyperstack=hyperstack,
        counters=counters,
        point_positions=positions,
    )


def kind_of(roi: Any) -> str:
    """Return ``area``, ``line``, ``points``, ``text``, ``image``, ``arrow`` or ``angle``."""
    for name, kind in (
        ("TextRoi", "text"),
        ("ImageRoi", "image"),
        ("Arrow", "arrow"),
        ("PointRoi", "points"),
    ):
        if isinstance(roi, getattr(jc, name)):  # getType() calls the first three rectangles
            return kind
    if int(roi.getType()) == _ANGLE:
        return "angle"
    return "line" if roi.isLine() else "area"


def check_label_roi(roi: Any, imp: Any) -> None:
    """Refuse a selection that cannot be a label.

    Raises
    ------
    TdsegError
        If it is a text, image, arrow or angle, or has no pixel inside the image.
    """
    kind = kind_of(roi)
    title = str(imp.getTitle())
    if kind in NEVER_LABELS:
        raise TdsegError(
            f"Image '{title}': the selection is of the kind '{kind}', which cannot be a label; "
            "draw an area, a line or points."
        )
    y, _ = RoiPainter(int(imp.getWidth()), int(imp.getHeight())).pixels(roi)
    if len(y) == 0:
        raise TdsegError(
            f"Image '{title}': the selection has no pixel inside the image; draw it again."
        )


def area_mask(imp: Any) -> np.ndarray:
    """Return the active area selection as a mask (Y, X) of bool.

    Raises
    ------
    TdsegError
        If there is none, it is not an area, or it lies outside the image.
    """
    title = str(imp.getTitle())
    roi = imp.getRoi()
    if roi is None or kind_of(roi) != "area":
        raise TdsegError(f"Image '{title}' has no area selection; draw one, or use region=image.")
    check_label_roi(roi, imp)
    width, height = int(imp.getWidth()), int(imp.getHeight())
    mask = np.zeros((height, width), bool)
    mask[RoiPainter(width, height).pixels(roi)] = True
    return mask


def managed_rois() -> list[Any]:
    """Return the ROIs of the ROI Manager: none where it is closed, or there is no display."""
    manager = None if jc.GraphicsEnvironment.isHeadless() else jc.RoiManager.getInstance2()
    return [] if manager is None else list(manager.getRoisAsArray())


def set_group_names(class_names: Mapping[int, str]) -> None:
    """Name ImageJ's ROI groups after the classes, for its dialogs and the Group Table.

    Names given here before, and not since changed, go where there is no such class any more.
    """
    for value, name in list(_named.items()):
        if value not in class_names and jc.Roi.getGroupName(value) == name:
            jc.Roi.setGroupName(value, jpype.JString(""))
            del _named[value]
    for value, name in class_names.items():
        if 1 <= value <= 255:
            _named[value] = name.replace(",", ";")  # ImageJ separates them by commas
            jc.Roi.setGroupName(value, _named[value])


def group_names() -> dict[int, str]:
    """Return the names that ImageJ's ROI groups have."""
    found: dict[int, str] = {}
    for group in range(1, 256):
        name = jc.Roi.getGroupName(group)
        if name is not None and str(name).strip() not in ("", "null"):
            found[group] = str(name).strip()
    return found


def _some_points(roi: Any, points: tuple[int, ...]) -> Any:
    outline = roi.getFloatPolygon()
    xs = to_numpy(outline.xpoints)[list(points)].astype(np.float32)
    ys = to_numpy(outline.ypoints)[list(points)].astype(np.float32)
    return jc.PointRoi(to_java(xs), to_java(ys))
