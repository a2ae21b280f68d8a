"""ImageJ's ROIs: to and from bytes, the ROI Manager, names of groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jpype
import numpy as np

from tdseg.commands.reply import Outline
from tdseg.imagej.java import jc, to_java, to_numpy

_CURVES = (2, 3)  # java.awt.geom.PathIterator.SEG_QUADTO, SEG_CUBICTO
_COORDINATES = (2, 2, 4, 6, 0)  # of the segments of a path
_named: dict[int, str] = {}


def encoded(roi: Any) -> bytes:
    """Return a ROI in ImageJ's own encoding."""
    return bytes(to_numpy(jc.RoiEncoder.saveAsByteArray(roi)).tobytes())


def decoded(data: bytes, name: str) -> Any:
    """Return the ``ij.gui.Roi`` of its encoding; `name` is for one that has none of its own."""
    return jc.RoiDecoder(to_java(np.frombuffer(data, np.uint8)), name).getRoi()


def drawable(roi: Any, width: int, height: int) -> Any:
    """Return a ROI of the same pixels that can be drawn without ImageJ.

    Splines, rounded rectangles and composites with curves are filled by ImageJ, on an image of
    this size, and traced; all other ROIs are returned as they are.
    """
    if not _is_curved(roi):
        return roi
    mask = jc.ByteProcessor(width, height)
    mask.setValue(255)
    mask.fill(roi.clone())
    mask.setThreshold(255, 255, jc.ImageProcessor.NO_LUT_UPDATE)
    traced = jc.ThresholdToSelection().convert(mask)
    if traced is None:  # outside the image: a rectangle there has no pixel either
        traced = jc.Roi(roi.getBounds())
    traced.setName(roi.getName())
    if roi.getGroup() > 0:
        traced.setGroup(roi.getGroup())
    traced.setStrokeColor(roi.getStrokeColor())
    traced.setFillColor(roi.getFillColor())
    if roi.hasHyperStackPosition():
        traced.setPosition(roi.getCPosition(), roi.getZPosition(), roi.getTPosition())
    else:
        traced.setPosition(roi.getPosition())
    return traced


def _is_curved(roi: Any) -> bool:
    if isinstance(roi, jc.PolygonRoi) and not isinstance(roi, jc.PointRoi):
        return bool(roi.isSplineFit())
    if isinstance(roi, jc.ShapeRoi):
        path = to_numpy(roi.getShapeAsArray())
        at = 0
        while at < len(path):
            kind = int(path[at])
            if kind in _CURVES:
                return True
            at += 1 + _COORDINATES[kind]
        return False
    plain = int(roi.getType()) == jc.Roi.RECTANGLE
    return plain and not isinstance(roi, jc.ImageRoi) and int(roi.getCornerDiameter()) > 0


def place(roi: Any, imp: Any, z: int, t: int, c: int = 0) -> None:
    """Give a ROI its position in a stack; `c`, `z` and `t` count from 1, c = 0 is all channels."""
    if imp.getStackSize() == 1:
        return
    if imp.isHyperStack():
        roi.setPosition(c, z, t)
    else:
        roi.setPosition(int(imp.getStackIndex(max(c, 1), z, t)))


def outline_roi(outline: Outline, imp: Any) -> Any:
    """Make a ROI of an object's outlines, at its place in the stack."""
    roi: Any = None
    for corners in outline.rings:
        points = np.asarray(corners, np.float32)
        x, y = (to_java(np.ascontiguousarray(points[:, k])) for k in range(2))
        ring = jc.PolygonRoi(x, y, jc.Roi.TRACED_ROI)
        if roi is None:
            roi = ring
        else:
            if not isinstance(roi, jc.ShapeRoi):
                roi = jc.ShapeRoi(roi)
            roi = roi.xor(jc.ShapeRoi(ring))  # a hole, or another part
    roi.setName(outline.name)
    place(roi, imp, outline.z + 1, outline.t + 1)
    return roi


def add_to_overlay(imp: Any, rois: Sequence[Any], *, replace: bool = False) -> None:
    """Add ROIs to an image's overlay; with `replace` the others go."""
    overlay = imp.getOverlay()
    if overlay is None or replace:
        overlay = jc.Overlay()
    for roi in rois:
        overlay.add(roi)
    imp.setOverlay(overlay)


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
