"""ImageJ's ROIs: to and from bytes, the ROI Manager, names of groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jpype
import numpy as np

from tdseg.commands.reply import Outline
from tdseg.errors import TdsegError
from tdseg.imagej.group_colours import colours_of
from tdseg.imagej.java import jc, to_java, to_numpy
from tdseg.labels.roi_format import decode_roi, without_dangling_texts
from tdseg.labels.roi_shape import FARTHEST

_CURVES = (2, 3)  # java.awt.geom.PathIterator.SEG_QUADTO, SEG_CUBICTO
_COORDINATES = (2, 2, 4, 6, 0)  # of the segments of a path
_LEAST_SHORT, _LARGEST_SHORT = -5000, 32767  # of whole coordinates in ij.io.RoiDecoder
_LARGEST_BOX = 2**26  # pixels; ImageJ builds a mask of that size
_WIDEST_STROKE = 4096  # ImageJ draws a wide line dot by dot, each of its full size
_named: dict[int, str] = {}


def encoded(roi: Any) -> bytes:
    """Return a ROI in ImageJ's own encoding.

    Points whose slice was set for all at once (``Roi.setPosition``) get it one by one: only that
    does ImageJ read back.
    """
    if isinstance(roi, jc.PointRoi) and roi.getPosition() > 0:
        position = int(roi.getPosition())
        points = range(int(roi.getNCoordinates()))
        if all(int(roi.getPointPosition(i)) == position for i in points):
            roi = roi.clone()
            on_slice(roi, position)
    return bytes(to_numpy(jc.RoiEncoder.saveAsByteArray(roi)).tobytes())


def decoded(data: bytes, name: str) -> Any:
    """Return the ``ij.gui.Roi`` of its encoding; `name` is for one that has none of its own.

    Raises
    ------
    TdsegError
        If ImageJ refuses it.
    """
    try:
        safe = without_dangling_texts(data)
        roi = jc.RoiDecoder(to_java(np.frombuffer(safe, np.uint8)), name).getRoi()
    except jpype.JException as error:
        raise TdsegError(
            f"ROI '{name}' cannot be read by ImageJ ({error.getClass().getSimpleName()}); leave "
            "it out of the file."
        ) from None
    facts = decode_roi(data, name).facts
    if int(roi.getGroup()) != facts.group and facts.group < 256:
        roi.setGroup(facts.group)  # ImageJ gives its default group to a ROI without one
    if facts.slice_of_points and roi.getPosition() == 0:
        on_slice(
            roi, facts.slice_of_points
        )  # ImageJ saves the one position of all points, but drops it
    return roi


def drawable(roi: Any, width: int, height: int) -> Any:
    """Return a ROI of the same pixels that can be drawn without ImageJ.

    Splines, rounded rectangles and composites with curves are filled by ImageJ, on an image of
    this size, and traced; all other ROIs are returned as they are.

    Raises
    ------
    TdsegError
        If one of the former is not finite, or so large that ImageJ would run out of memory.
    """
    if not _is_curved(roi):
        return _without_shorts(roi)
    bounds = roi.getFloatBounds()
    sizes = [float(v) for v in (bounds.x, bounds.y, bounds.width, bounds.height)]
    name = str(roi.getName() or "without a name")
    if not np.isfinite(sizes).all() or max(np.abs(sizes)) > FARTHEST:
        raise TdsegError(f"ROI '{name}' has coordinates that are no numbers, or far too large.")
    if sizes[2] * sizes[3] > _LARGEST_BOX or roi.getStrokeWidth() > _WIDEST_STROKE:
        raise TdsegError(
            f"ROI '{name}' is {sizes[2]:.0f}x{sizes[3]:.0f} pixels with a line of "
            f"{float(roi.getStrokeWidth()):.0f}, too large to draw; draw it again in the image."
        )
    mask = jc.ByteProcessor(width, height)
    mask.setValue(255)
    mask.fill(roi.clone())
    mask.setThreshold(255, 255, jc.ImageProcessor.NO_LUT_UPDATE)
    traced = jc.ThresholdToSelection().convert(mask)
    if traced is None:  # outside the image: a rectangle there has no pixel either
        traced = jc.Roi(roi.getBounds())
    return _described_as(traced, roi)


def _described_as(copy: Any, roi: Any) -> Any:
    """Give a ROI the name, group, colours and position of another."""
    copy.setName(roi.getName())
    if roi.getGroup() > 0:
        copy.setGroup(roi.getGroup())
    copy.setStrokeColor(roi.getStrokeColor())
    copy.setFillColor(roi.getFillColor())
    if roi.hasHyperStackPosition():
        copy.setPosition(roi.getCPosition(), roi.getZPosition(), roi.getTPosition())
    else:
        copy.setPosition(roi.getPosition())
    return copy


def _without_shorts(roi: Any) -> Any:
    """Return a ROI that its encoding keeps: whole coordinates are stored as short numbers."""
    bounds = roi.getBounds()
    ends = (bounds.x, bounds.y, bounds.x + bounds.width, bounds.y + bounds.height)
    if min(int(v) for v in ends) >= _LEAST_SHORT and max(int(v) for v in ends) <= _LARGEST_SHORT:
        return roi
    if roi.subPixelResolution() or isinstance(
        roi, jc.ShapeRoi | jc.Line | jc.TextRoi | jc.ImageRoi
    ):
        return roi
    box = [float(v) for v in (bounds.x, bounds.y, bounds.width, bounds.height)]
    kind = int(roi.getType())
    if kind == jc.Roi.RECTANGLE:
        return _described_as(jc.Roi(*box), roi)
    if kind == jc.Roi.OVAL:
        return _described_as(jc.OvalRoi(*box), roi)
    if isinstance(roi, jc.PolygonRoi) and not isinstance(
        roi, jc.PointRoi | jc.EllipseRoi | jc.RotatedRectRoi
    ):
        copy = jc.PolygonRoi(roi.getFloatPolygon(), kind)
        if roi.getStrokeWidth() > 0:
            copy.setStrokeWidth(float(roi.getStrokeWidth()))
        return _described_as(copy, roi)
    return roi


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
        on_slice(roi, int(imp.getStackIndex(max(c, 1), z, t)))


def on_slice(roi: Any, position: int) -> None:
    """Set a ROI's stack index so that it is still there after saving and opening."""
    roi.setPosition(position)
    if isinstance(roi, jc.PointRoi):  # ImageJ saves and reads that of each point
        counters = to_numpy(roi.getCounters()) & 255
        roi.setCounters(to_java((counters | position << 8).astype(np.int32)))


def outline_roi(outline: Outline, imp: Any) -> Any:
    """Make a ROI of an object's outlines, at its place in the stack."""
    rings = [np.ascontiguousarray(ring, np.float32) for ring in outline.rings]
    if len(rings) == 1:
        x, y = (to_java(np.ascontiguousarray(rings[0][:, k])) for k in range(2))
        roi = jc.PolygonRoi(x, y, jc.Roi.TRACED_ROI)
    else:  # with holes, or other parts
        path = jc.GeneralPath(jc.GeneralPath.WIND_EVEN_ODD)
        for ring in rings:
            path.moveTo(*map(float, ring[0]))
            for corner in ring[1:]:
                path.lineTo(*map(float, corner))
            path.closePath()
        roi = jc.ShapeRoi(path)
    roi.setName(outline.name)
    if outline.value > 0:
        roi.setStrokeColor(colours_of([outline.value])[0])
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
