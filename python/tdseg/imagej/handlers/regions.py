"""ROIs as regions to measure: all of them, whether they have a class or not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tdseg.errors import TdsegError
from tdseg.imagej.handlers.call import Call
from tdseg.imagej.label_sources import canvas_of, read_rois
from tdseg.imagej.rois import RoiPainter, facts_of, group_names, managed_rois
from tdseg.labels.roi_rules import NEVER_LABELS, Draw, Rules, describe, labels_from_facts
from tdseg.workflow.measure import Region


def read_regions(call: Call) -> list[Region]:
    """Return a region a ROI and plane; overlapping ROIs each keep all their pixels."""
    rois = _rois(call)
    canvas = canvas_of(call.imp)
    painter = RoiPainter(int(call.imp.getWidth()), int(call.imp.getHeight()))
    names = {**group_names(), **call.session.classes}
    facts = [facts_of(roi) for roi in rois]
    regions = []
    for index, (roi, fact) in enumerate(zip(rois, facts, strict=True)):
        if fact.kind in NEVER_LABELS:
            call.progress.note(f"{describe(facts, index)} is a {fact.kind}; not measured.")
            continue
        # One ROI at a time, as the only class: so none loses pixels to a later one.
        alone = replace(fact, group=1, counters=())
        found = labels_from_facts(
            [alone],
            _drawing(painter, roi),
            canvas,
            Rules(unpositioned=call.value("unpositioned")),
            call.progress.note,
        )
        name = fact.name or f"ROI {index + 1}"
        class_name = names.get(fact.group, f"class {fact.group}") if fact.group else ""
        for plane in np.unique(found.plane):
            here = found.plane == plane
            regions.append(Region(name, class_name, int(plane), found.y[here], found.x[here]))
    return regions


def _drawing(painter: RoiPainter, roi: Any) -> Draw:
    return lambda _, points: painter.pixels(roi, points)


def _rois(call: Call) -> list[Any]:
    source = call.value("labels")
    if source == "manager":
        found = managed_rois()
    elif source == "selection":
        found = [roi for roi in (call.imp.getRoi(),) if roi is not None]
    elif source == "file":
        found = list(read_rois(call.path("labels_path")))
    else:
        overlay = call.imp.getOverlay()
        found = list(overlay.toArray()) if overlay is not None else []
    if not found:
        raise TdsegError(
            f"Image '{call.imp.getTitle()}' has no ROIs to measure (labels={source}); draw some "
            "and add them to the overlay (Ctrl-B)."
        )
    return found
