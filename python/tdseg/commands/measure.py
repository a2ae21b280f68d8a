"""TDS Measure ROIs and TDS Class Statistics."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from tdseg.commands.class_image import class_image
from tdseg.commands.label_source import canvas_of, rois_of
from tdseg.commands.reply import Reply, TableResult
from tdseg.commands.request import Request
from tdseg.labels.rasterize import count_outside, roi_pixels
from tdseg.labels.roi_classes import class_values
from tdseg.labels.roi_facts import NEVER_LABELS, describe
from tdseg.labels.roi_files import tell_outside
from tdseg.labels.roi_rules import Draw, Pixels, Rules, labels_from_facts
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
    facts = [roi.facts for roi in rois]
    # The names that training would give to the same ROIs.
    known = {**request.host.group_names(), **request.session.classes}
    _, names = class_values(facts, "group", known, {})
    rules = Rules(unpositioned=request.options.unpositioned)
    regions: list[Region] = []
    outside: Counter[int] = Counter()

    def drawing(index: int) -> Draw:
        def draw(_: int, points: tuple[int, ...] | None) -> Pixels:
            shape = rois[index].shape
            outside[index] += count_outside(shape, width, height, points)
            return roi_pixels(shape, width, height, points)

        return draw

    for index, fact in enumerate(facts):
        if fact.kind in NEVER_LABELS:
            request.progress.note(f"{describe(facts, index)} is a {fact.kind}; not measured.")
            continue
        name = fact.name or f"ROI {index + 1}"
        # One ROI at a time, as the only class: so none loses pixels to a later one.
        alone = [replace(fact, name=name, group=1, counters=())]
        found = labels_from_facts(alone, drawing(index), canvas, rules, request.progress.note)
        class_name = names.get(fact.group, f"class {fact.group}") if fact.group else ""
        for plane in np.unique(found.plane):
            here = found.plane == plane
            regions.append(Region(name, class_name, int(plane), found.y[here], found.x[here]))
    tell_outside(outside, facts, canvas.name, request.progress.note)
    return regions


def class_statistics(request: Request) -> Reply:
    """Count pixels, area and fraction of each class."""
    classes = class_image(request)
    rows = statistics_rows(classes.labels, classes.names)
    return Reply(request.resolved(), tables=[TableResult("TDS Class Statistics", rows)])
