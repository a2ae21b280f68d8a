"""What a ROI looks like: its kind and its numbers, whoever read them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

FARTHEST = 2.0**24
"""Coordinates beyond this are refused: single precision no longer tells pixels apart there."""


class RoiGeometryError(ValueError):
    """Why a ROI cannot be drawn, as the end of a sentence that begins with its name."""


def _no_numbers() -> npt.NDArray[np.float32]:
    return np.zeros(0, np.float32)


@dataclass(frozen=True)
class RoiShape:
    """Geometry of a ROI, in pixels of the image.

    Attributes
    ----------
    kind
        ``rectangle``, ``oval``, ``polygon``, ``ellipse``, ``rotated rectangle``, ``composite``,
        ``straight line``, ``polyline``, ``points``, ``empty``; or one that only ImageJ draws:
        ``spline``, ``rounded rectangle``.
    box
        Left, top, width, height of rectangles and ovals.
    x, y
        Corners or points, (n,): int64, or float32 where there are fractions.
    ends
        x1, y1, x2, y2 of a straight line, an ellipse's axis or a rotated rectangle's.
    number
        Aspect ratio of an ellipse, width of a rotated rectangle.
    path
        A composite's outline as ``java.awt.geom.PathIterator`` counts: kind of segment, then
        its coordinates, float32.
    stroke
        Width of a line.
    """

    kind: str
    box: tuple[float, float, float, float] = (0, 0, 0, 0)
    x: npt.NDArray[Any] = field(default_factory=_no_numbers)
    y: npt.NDArray[Any] = field(default_factory=_no_numbers)
    ends: tuple[float, float, float, float] = (0, 0, 0, 0)
    number: float = 0.0
    path: npt.NDArray[np.float32] = field(default_factory=_no_numbers)
    stroke: float = 0.0


def check_finite(shape: RoiShape) -> None:
    """Refuse coordinates that are no place in an image.

    Raises
    ------
    RoiGeometryError
        If one is NaN, infinite, or beyond `FARTHEST`.
    """
    single = np.array((*shape.box, *shape.ends, shape.number, shape.stroke), np.float64)
    for numbers in (single, shape.x, shape.y, shape.path):
        if not np.isfinite(numbers).all():
            raise RoiGeometryError("has coordinates that are no numbers; delete or redraw it")
        # ImageJ computes a spline's points all along its length, however far it runs.
        farthest = 2.0**16 if shape.kind == "spline" else FARTHEST
        if len(numbers) and np.abs(numbers).max() > farthest:
            raise RoiGeometryError(
                f"has a coordinate or width of {float(np.abs(numbers).max()):.3g} pixels; delete "
                "or redraw it"
            )
