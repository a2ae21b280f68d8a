"""TDS Segment Without Labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tdseg.errors import TdsegError
from tdseg.imagej.handlers.call import Call
from tdseg.imagej.java import jc, to_java
from tdseg.imagej.recorder import macro_line
from tdseg.imagej.results import show_features, show_labels
from tdseg.imagej.tables import show_table
from tdseg.options.settings import Settings
from tdseg.unsupervised.foreground import FoundObject
from tdseg.unsupervised.result import UnlabelledResult
from tdseg.workflow import planes_of_slices, segment_without_labels


def segment(call: Call) -> dict[str, Any]:
    """Segment the active image without labels; the clusters become the current classifier."""
    if call.value("objects") == "manager" and jc.GraphicsEnvironment.isHeadless():
        raise TdsegError(
            "objects=manager needs a display: without one there is no ROI Manager; use "
            "objects=overlay."
        )
    image = call.image()
    planes = planes_of_slices(image, call.value("slices"), call.plane())
    settings = Settings(**{"features": "deep", **_given_settings(call)})
    result = segment_without_labels(
        [image],
        method=call.value("method"),
        clusters=call.value("clusters"),
        min_size=call.value("min_size"),
        cutoff_scale=call.value("cutoff_scale"),
        options=settings,
        planes=planes,
        cache=call.session.cache,
        progress=call.progress,
    )[0]
    if planes is not None:
        result = _placed(result, planes, image.shape[1])
    resolved = call.resolved(_resolved(result, settings))
    if call.value("clusters") == "auto":
        resolved.pop("clusters", None)
    info = {"tdseg.macro": macro_line(call.command, resolved), **result.info}
    if result.attention is not None:
        show_features(
            result.attention, call.imp, call.stem, list(result.attention_names), info, planes
        )
    if call.value("method") != "clusters":
        show_table("TDS Objects", object_rows(result, image.calibration.pixel_area))
        _outline(call, result)
    show_labels(result.labels, call.imp, call.stem, info, planes)
    if call.value("adopt") and result.model is not None:
        call.session.adopt(result.model)
    return resolved


def _placed(result: UnlabelledResult, planes: Sequence[int], depth: int) -> UnlabelledResult:
    """Give objects their frame and slice in the image, not in the chosen planes."""
    slices = result.labels.shape[1]
    objects = []
    for found in result.objects:
        t, z = divmod(sorted(planes)[found.t * slices + found.z], depth)
        objects.append(replace(found, t=t, z=z))
    return replace(result, objects=tuple(objects))


def _resolved(result: UnlabelledResult, settings: Settings) -> Settings:
    """Read the settings that ran from the result's provenance."""
    if result.model is not None:
        return result.model.settings
    ran = {k: result.info.get(f"tdseg.{k}") for k in ("backbone", "device", "precision", "levels")}
    return settings.with_(**{k: v for k, v in ran.items() if v})


def _given_settings(call: Call) -> dict[str, Any]:
    return {k: v for k, v in call.given.items() if k in Settings.__dataclass_fields__}


def object_rows(result: UnlabelledResult, pixel_area: float) -> list[dict[str, Any]]:
    """Return a table row an object; boxes in pixels, areas also calibrated."""
    return [
        {
            "Object": o.label,
            "Frame": o.t + 1,
            "Slice": o.z + 1,
            "Pixels": o.area,
            "Area": o.area * pixel_area,
            "X": o.centroid_x,
            "Y": o.centroid_y,
            "BX": o.x,
            "BY": o.y,
            "Width": o.width,
            "Height": o.height,
            "Attention": o.attention,
        }
        for o in result.objects
    ]


def _outline(call: Call, result: UnlabelledResult) -> None:
    """Put the outlines of the objects where ``objects`` says; they carry no class."""
    where = call.value("objects")
    if where == "none":
        return
    rois = [roi_of(found, call.imp) for found in result.objects]
    if where == "manager":
        manager = jc.RoiManager.getRoiManager()
        for roi in rois:
            manager.addRoi(roi)
        return
    overlay = call.imp.getOverlay()
    if overlay is None:
        overlay = jc.Overlay()
    for roi in rois:
        overlay.add(roi)
    call.imp.setOverlay(overlay)


def roi_of(found: FoundObject, imp: Any) -> Any:
    """Make a ROI of an object's outlines, at its place in the stack."""
    roi: Any = None
    for corners in found.outlines:
        points = np.asarray(corners, np.float32)
        x, y = (to_java(np.ascontiguousarray(points[:, k])) for k in range(2))
        ring = jc.PolygonRoi(x, y, jc.Roi.TRACED_ROI)
        if roi is None:
            roi = ring
        else:
            if not isinstance(roi, jc.ShapeRoi):
                roi = jc.ShapeRoi(roi)
            roi = roi.xor(jc.ShapeRoi(ring))  # a hole, or another part
    roi.setName(f"object-{found.label:03d}")
    if imp.getStackSize() > 1:
        if imp.isHyperStack():
            roi.setPosition(0, found.z + 1, found.t + 1)
        else:
            roi.setPosition(max(found.z, found.t) + 1)
    return roi
