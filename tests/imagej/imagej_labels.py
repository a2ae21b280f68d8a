"""Labels as ImageJ itself sees and fills ROIs: the judge of our own reading and drawing.

And the labels of an image by the route of the commands, under short names.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tdseg.commands.label_source import read_labels
from tdseg.commands.request import Request
from tdseg.commands.run import run_command
from tdseg.commands.table import BY_NAME
from tdseg.imagej.host import fiji_host, host_image, show
from tdseg.imagej.images import from_imageplus
from tdseg.imagej.java import jc, to_java, to_numpy
from tdseg.imagej.rois import group_names
from tdseg.images.image import Image
from tdseg.labels.colours import glasbey
from tdseg.labels.label_images import labels_from_image as from_label_image
from tdseg.labels.roi_classes import hex_values
from tdseg.labels.roi_facts import RoiFacts
from tdseg.labels.roi_rules import Canvas, Rules, labels_from_facts
from tdseg.labels.sparse_labels import SparseLabels
from tdseg.runtime.progress import Silent
from tdseg.workflow.session import Session

_ANGLE = 8  # ij.gui.Roi.ANGLE


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
        if not any(positions):  # some versions of ImageJ keep one for all points
            positions = (max(int(roi.getPosition()), 0),) * count
    hyperstack = None
    if roi.hasHyperStackPosition():
        hyperstack = int(roi.getCPosition()), int(roi.getZPosition()), int(roi.getTPosition())
    return RoiFacts(
        name="" if name is None else str(name),
        kind=kind,
        group=int(roi.getGroup()),
        colour="" if colour is None else f"#{int(colour.getRGB()) & 0xFFFFFF:06x}",
        position=0 if kind == "points" else max(int(roi.getPosition()), 0),
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


def _some_points(roi: Any, points: tuple[int, ...]) -> Any:
    outline = roi.getFloatPolygon()
    xs = to_numpy(outline.xpoints)[list(points)].astype(np.float32)
    ys = to_numpy(outline.ypoints)[list(points)].astype(np.float32)
    return jc.PointRoi(to_java(xs), to_java(ys))


def labels_by_imagej(
    rois: list[Any],
    imp: Any,
    note: Any = lambda line: None,
    *,
    source: str = "the list",
    **rules: Any,
) -> SparseLabels:
    """Take the labels of ``ij.gui.Roi`` objects, drawn by ImageJ."""
    names = group_names() if rules.get("class_from", "group") == "group" else {}
    colours = hex_values(glasbey()) if rules.get("class_from") == "color" else {}
    width, height, channels, slices, frames = (int(n) for n in imp.getDimensions())
    current = (int(imp.getT()) - 1) * slices + int(imp.getZ()) - 1
    canvas = Canvas(str(imp.getTitle()), channels, (frames, slices, height, width), current)
    painter = RoiPainter(width, height)
    return labels_from_facts(
        [facts_of(roi) for roi in rois],
        lambda index, points: painter.pixels(rois[index], points),
        canvas,
        Rules(**rules, class_names=names, colours=colours),
        note,
        source,
    )


class _Notes(Silent):
    def __init__(self, note: Any) -> None:
        self.note = note


def _labels(imp: Any, source: str, note: Any = lambda line: None, **options: Any) -> SparseLabels:
    session = Session()
    session.classes = dict(options.pop("class_names", {}))
    request = Request(
        BY_NAME["TDS Labels to Image"],
        {"labels": source, **options},
        session,
        _Notes(note),
        host_image(imp),
        fiji_host(),
    )
    found = read_labels(request, from_imageplus(imp))
    named = {v: n for v, n in found.class_names.items() if n != f"class {v}"}
    return SparseLabels(found.plane, found.y, found.x, found.value, found.group, found.shape, named)


def labels_from_overlay(imp: Any, **options: Any) -> SparseLabels:
    return _labels(imp, "overlay", **options)


def labels_from_manager(imp: Any, **options: Any) -> SparseLabels:
    return _labels(imp, "manager", **options)


def labels_from_selection(imp: Any, **options: Any) -> SparseLabels:
    return _labels(imp, "selection", **options)


def labels_from_file(imp: Any, path: Any, **options: Any) -> SparseLabels:
    return _labels(imp, "file", labels_path=str(path), **options)


def labels_from_label_image(
    imp: Any, image: Image, class_names: dict[int, str] | None = None
) -> SparseLabels:
    names = group_names() if class_names is None else dict(class_names)
    return from_label_image(from_imageplus(imp), image, names)


def command_notes(name: str, imp: Any, options: str) -> list[str]:
    """Run a command on an image, show what it found, and return what it wrote to the Log."""
    notes: list[str] = []
    active = host_image(imp)
    reply, _ = run_command(
        BY_NAME[name], options, Session(), _Notes(notes.append), active, fiji_host()
    )
    show(reply, active, Session())
    return notes


def save_labels(imp: Any, path: Any, existing: str = "error") -> int:
    (note,) = command_notes("TDS Save Labels...", imp, f"path=[{path}] existing={existing}")
    return int(note.split()[1]) if note.startswith("Saved") else 0


def load_labels(imp: Any, path: Any, replace: bool = False) -> int:
    (note,) = command_notes(
        "TDS Load Labels...", imp, f"path=[{path}] replace={'true' if replace else 'false'}"
    )
    return int(note.split()[1])
