"""TDS Segment Without Labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tdseg.commands.reply import ImageResult, Outline, OverlayEdit, Reply, TableResult
from tdseg.commands.request import Request
from tdseg.errors import TdsegError
from tdseg.images.planes import planes_of_slices, slice_labels
from tdseg.options.settings import Settings
from tdseg.unsupervised.result import UnlabelledResult
from tdseg.workflow.unlabelled import segment_without_labels


def segment(request: Request) -> Reply:
    """Segment the active image without labels; the clusters become the current classifier."""
    options = request.options
    if options.objects == "manager" and not request.host.has_manager:
        raise TdsegError(
            "objects=manager needs a display: without one there is no ROI Manager; use "
            "objects=overlay."
        )
    image = request.image.read()
    planes = planes_of_slices(image, options.slices, request.image.plane)
    settings = request.settings()
    result = segment_without_labels(
        [image],
        method=options.method,
        clusters=options.clusters,
        min_size=options.min_size,
        cutoff_scale=options.cutoff_scale,
        options=settings,
        planes=planes,
        cache=request.session.cache,
        progress=request.progress,
    )[0]
    if planes is not None:
        result = _placed(result, planes, image.shape[1])
    values = request.resolved(_resolved(result, settings))
    if options.clusters == "auto":
        values.pop("clusters", None)
    stem = request.image.stem
    shared: dict[str, Any] = {"source": request.image, "info": result.info, "planes": planes}
    images, tables, edits = [], [], []
    if result.attention is not None:
        names = list(result.attention_names)
        images.append(
            ImageResult("features", f"{stem}-features", result.attention, names=names, **shared)
        )
    if options.method != "clusters":
        rows = object_rows(result, image.calibration.pixel_area)
        tables.append(TableResult("TDS Objects", rows))
        if options.objects != "none":
            outlines = [
                Outline(f"object-{o.label:03d}", o.outlines, o.t, o.z) for o in result.objects
            ]
            edits.append(OverlayEdit(outlines=outlines, where=options.objects))
    labels = result.labels[:, :, None]
    kept = slice_labels(image, planes)
    images.append(ImageResult("labels", f"{stem}-labels", labels, names=kept, **shared))
    if options.adopt and result.model is not None:
        request.session.adopt(result.model)
    return Reply(values, images, tables, edits)


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


def object_rows(result: UnlabelledResult, pixel_area: float) -> list[dict[str, Any]]:
    """Return one table row per object; boxes in pixels, areas also calibrated."""
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
