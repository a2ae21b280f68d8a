"""What a ROI means as a label: its planes, and who wins where two overlap.

Knows neither Java nor files: `tdseg.labels.roi_files` describes ROIs as `RoiFacts` and draws them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError
from tdseg.labels.roi_classes import class_values, doubt_about_names
from tdseg.labels.roi_facts import NEVER_LABELS, RoiFacts, describe
from tdseg.labels.roi_shape import RoiGeometryError
from tdseg.labels.sparse_labels import SparseLabels

Note = Callable[[str], None]
Pixels = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""y and x, int64 (n,)."""

Draw = Callable[[int, tuple[int, ...] | None], Pixels]
"""Pixels of a ROI, or of some points of it, inside the image, each once."""


@dataclass(frozen=True)
class Rules:
    """How ROIs become labels; the macro keys of the same names.

    Attributes
    ----------
    class_from
        ``group``, ``name``, ``color`` or ``counter``.
    unpositioned
        ``current``, ``all`` or ``error``.
    overlap
        ``last`` or ``error``.
    class_names
        Known classes; names are matched with them, new ones get the next free values.
    colours
        Label value of each colour ``#rrggbb`` of a ROI group; other colours are new classes.
    """

    class_from: str = "group"
    unpositioned: str = "current"
    overlap: str = "last"
    class_names: Mapping[int, str] = field(default_factory=dict)
    colours: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key, value, valid in (
            ("class_from", self.class_from, ("group", "name", "color", "counter")),
            ("unpositioned", self.unpositioned, ("current", "all", "error")),
            ("overlap", self.overlap, ("last", "error")),
        ):
            if value not in valid:
                raise TdsegError(f"Key '{key}' is '{value}'; use one of {', '.join(valid)}.")


@dataclass(frozen=True)
class Canvas:
    """The image that ROIs are drawn on.

    Attributes
    ----------
    name
        Title, for messages.
    channels
        Number of channels, to read stack indices.
    shape
        (T, Z, Y, X).
    current
        Number of the active plane, ``t * Z + z``.
    """

    name: str
    channels: int
    shape: tuple[int, int, int, int]
    current: int = 0

    @property
    def n_planes(self) -> int:
        """Number of (t, z) planes."""
        return self.shape[0] * self.shape[1]


@dataclass(frozen=True)
class _Mark:
    """A ROI, or some points of it, that becomes labels of one class on these planes."""

    roi: int
    value: int
    planes: tuple[int, ...]
    points: tuple[int, ...] | None = None


def labels_from_facts(
    rois: Sequence[RoiFacts],
    draw: Draw,
    canvas: Canvas,
    rules: Rules,
    note: Note,
    source: str = "its overlay",
) -> SparseLabels:
    """Turn ROIs into labels.

    Parameters
    ----------
    rois
        In drawing order.
    draw
        Gives the pixels of the i-th ROI.
    canvas
        The image that the ROIs lie on.
    rules
        What gives a ROI its class, and where ROIs without a position go.
    note
        Receives a line for all ROIs skipped, placed or overruled.
    source
        Where the ROIs come from, for the message if there is no label.

    Returns
    -------
    SparseLabels
        ``group`` is the ROI's index in `rois`.

    Raises
    ------
    TdsegError
        If a text, image, arrow or angle has a class, a ROI is empty, outside the image or on a
        slice that is not there, classes overlap under ``overlap=error``, or no label is left.
    """
    known = rules.class_names
    values, names = class_values(rois, rules.class_from, known, rules.colours)
    if rules.class_from == "name" and (doubt := doubt_about_names(values, known, names)):
        note(f"Image '{canvas.name}': {doubt}")
    marks = _marks(rois, values, canvas, rules, note)
    if not marks:
        raise TdsegError(
            f"Image '{canvas.name}' has no labels: {source} has {len(rois)} ROIs, none with a "
            f"class (class_from={rules.class_from}); set their group.",
            hint="label",
        )
    pixels = []
    drawn: dict[int, int] = {}
    for mark in marks:
        try:
            y, x = draw(mark.roi, mark.points)
        except RoiGeometryError as error:
            raise TdsegError(
                f"Image '{canvas.name}': {describe(rois, mark.roi)} {error}."
            ) from None
        drawn[mark.roi] = drawn.get(mark.roi, 0) + len(y)
        pixels.append((y, x))
    for roi, count in drawn.items():
        if count == 0:
            raise TdsegError(
                f"Image '{canvas.name}': {describe(rois, roi)} has no pixel inside the image; "
                "delete or move it."
            )
    return _merge(rois, marks, pixels, canvas, rules, names, note)


def _marks(
    rois: Sequence[RoiFacts],
    values: Sequence[tuple[int, ...] | None],
    canvas: Canvas,
    rules: Rules,
    note: Note,
) -> list[_Mark]:
    marks: list[_Mark] = []
    skipped: list[str] = []
    unpositioned: list[int] = []
    for i, (roi, found) in enumerate(zip(rois, values, strict=True)):
        if found is None:
            skipped.append(describe(rois, i) + f" ({roi.kind})")
            continue
        if roi.kind in NEVER_LABELS:
            raise TdsegError(
                f"Image '{canvas.name}': {describe(rois, i)} is of the kind '{roi.kind}', which "
                "cannot be a label, but has a class; set its group to 0 or delete it."
            )
        per_point = len(found) > 1 or any(roi.point_positions)
        if not per_point:
            marks.append(_Mark(i, found[0], _planes(rois, i, 0, canvas, rules, unpositioned)))
            continue
        parts: dict[tuple[int, tuple[int, ...]], list[int]] = {}
        count = max(len(roi.counters), len(roi.point_positions))
        for k in range(count):
            position = roi.point_positions[k] if k < len(roi.point_positions) else 0
            planes = _planes(rois, i, position, canvas, rules, unpositioned)
            parts.setdefault((found[k] if len(found) > 1 else found[0], planes), []).append(k)
        marks += [_Mark(i, value, planes, tuple(k)) for (value, planes), k in parts.items()]
    if skipped:
        listing = ", ".join(skipped[:5]) + (", ..." if len(skipped) > 5 else "")
        note(
            f"Image '{canvas.name}': {len(skipped)} ROIs without a class were skipped "
            f"(class_from={rules.class_from}): {listing}."
        )
    if unpositioned:
        where = (
            f"the current slice, plane {canvas.current + 1} of {canvas.n_planes}"
            if rules.unpositioned == "current"
            else f"all {canvas.n_planes} planes"
        )
        note(
            f"Image '{canvas.name}': {len(set(unpositioned))} ROIs without a position were taken "
            f"for {where} (unpositioned={rules.unpositioned})."
        )
    return marks


def _planes(
    rois: Sequence[RoiFacts],
    index: int,
    point_position: int,
    canvas: Canvas,
    rules: Rules,
    unpositioned: list[int],
) -> tuple[int, ...]:
    """Return the planes of a ROI or a point: hyperstack position, else stack index, else rule."""
    if canvas.n_planes == 1:
        return (0,)
    frames, slices = canvas.shape[:2]
    roi = rois[index]
    if point_position == 0 and roi.hyperstack is not None and any(roi.hyperstack[1:]):
        _, z, t = roi.hyperstack
        if z > slices or t > frames:
            raise TdsegError(
                f"Image '{canvas.name}': {describe(rois, index)} is on slice {z}, frame {t}, but "
                f"the image has {slices} slices and {frames} frames; move or delete it."
            )
        zs = range(slices) if z == 0 else (z - 1,)
        ts = range(frames) if t == 0 else (t - 1,)
        return tuple(t * slices + z for t in ts for z in zs)
    position = point_position or roi.position
    if position > 0:
        plane = (position - 1) // canvas.channels
        if plane >= canvas.n_planes:
            raise TdsegError(
                f"Image '{canvas.name}': {describe(rois, index)} is on slice {position}, but the "
                f"stack has {canvas.n_planes * canvas.channels}; move or delete it."
            )
        return (plane,)
    if rules.unpositioned == "error":
        raise TdsegError(
            f"Image '{canvas.name}': {describe(rois, index)} has no position in the stack; set "
            "one (Properties...), or use unpositioned=current or unpositioned=all."
        )
    unpositioned.append(index)
    return (canvas.current,) if rules.unpositioned == "current" else tuple(range(canvas.n_planes))


def _merge(
    rois: Sequence[RoiFacts],
    marks: Sequence[_Mark],
    pixels: Sequence[Pixels],
    canvas: Canvas,
    rules: Rules,
    names: Mapping[int, str],
    note: Note,
) -> SparseLabels:
    """Put the pixels of all marks together, the later ROI above the earlier."""
    height, width = canvas.shape[2:]
    where, value, group = [], [], []
    for mark, (y, x) in zip(marks, pixels, strict=True):
        flat = y.astype(np.int64) * width + x
        for plane in mark.planes:
            where.append(flat + plane * height * width)
            value.append(np.full(len(flat), mark.value, np.int32))
            group.append(np.full(len(flat), mark.roi, np.int32))
    index, values, groups = (np.concatenate(part) for part in (where, value, group))
    order = np.argsort(index, kind="stable")
    index, values, groups = index[order], values[order], groups[order]
    last = np.append(index[1:] != index[:-1], True)
    clash = ~last & np.append(values[1:] != values[:-1], False)
    if clash.any():
        first = int(np.flatnonzero(clash)[0])
        pair = f"{describe(rois, int(groups[first]))} and {describe(rois, int(groups[first + 1]))}"
        if rules.overlap == "error":
            raise TdsegError(
                f"Image '{canvas.name}': {pair} are of two classes and overlap; move one, or use "
                "overlap=last to let the later ROI win."
            )
        count = len(np.unique(index[clash]))
        note(
            f"Image '{canvas.name}': {count} pixels are in ROIs of two classes (first {pair}); "
            "the later ROI wins (overlap=last)."
        )
    index, values, groups = index[last], values[last], groups[last]
    plane, rest = np.divmod(index, height * width)
    y, x = np.divmod(rest, width)
    kept = {int(v): names[int(v)] for v in np.unique(values) if int(v) in names}
    return SparseLabels(plane, y, x, values, groups, canvas.shape, kept)
