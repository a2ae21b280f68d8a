"""TDS Measure ROIs and TDS Class Statistics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tdseg.commands.label_source import canvas_of, rois_of
from tdseg.commands.reply import Reply, TableResult
from tdseg.commands.request import Request
from tdseg.errors import TdsegError
from tdseg.labels.rasterize import roi_pixels
from tdseg.labels.roi_facts import NEVER_LABELS, describe
from tdseg.labels.roi_format import DecodedRoi
from tdseg.labels.roi_rules import Draw, Rules, labels_from_facts
from tdseg.workflow.measure import Region, measure_regions
from tdseg.workflow.measure import class_statistics as statistics_rows


def measure_rois(request: Request) -> Reply:
    """Measure the mean features of each ROI."""
    options = request.options
    rows, settings = measure_regions(
        request.image.read(),
        read_regions(request),
        request.settings(),
        components=options.components,
        cache=request.session.cache,
        progress=request.progress,
    )
    return Reply(request.resolved(settings), tables=[TableResult("TDS ROI Features", rows)])


def read_regions(request: Request) -> list[Region]:
    """Return one region per ROI and plane; overlapping ROIs each keep all their pixels."""
    rois, canvas = rois_of(request), canvas_of(request.image)
    height, width = request.image.shape[-2:]
    names = {**request.host.group_names(), **request.session.classes}
    facts = [roi.facts for roi in rois]
    rules = Rules(unpositioned=request.options.unpositioned)
    regions = []
    for index, (roi, fact) in enumerate(zip(rois, facts, strict=True)):
        if fact.kind in NEVER_LABELS:
            request.progress.note(f"{describe(facts, index)} is a {fact.kind}; not measured.")
            continue
        # One ROI at a time, as the only class: so none loses pixels to a later one.
        found = labels_from_facts(
            [replace(fact, group=1, counters=())],
            _drawing(roi, width, height),
            canvas,
            rules,
            request.progress.note,
        )
        name = fact.name or f"ROI {index + 1}"
        class_name = names.get(fact.group, f"class {fact.group}") if fact.group else ""
        for plane in np.unique(found.plane):
            here = found.plane == plane
            regions.append(Region(name, class_name, int(plane), found.y[here], found.x[here]))
    return regions


def _drawing(roi: DecodedRoi, width: int, height: int) -> Draw:
    return lambda _, points: roi_pixels(roi.shape, width, height, points)


def class_statistics(request: Request) -> Reply:
    """Count pixels, area and fraction of each class of the active label image."""
    image = request.image.read()
    if image.is_colour or image.shape[2] != 1 or image.dtype not in (np.uint8, np.uint16):
        raise TdsegError(
            f"Image '{image.name}' is not a label image (8- or 16-bit, one channel); select a "
            "result of TDS Apply... first."
        )
    rows = statistics_rows(image, request.session.classes)
    return Reply(tables=[TableResult("TDS Class Statistics", rows)])
