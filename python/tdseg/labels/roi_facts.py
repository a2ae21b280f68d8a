"""What the label rules need to know of a ROI, whoever read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

NEVER_LABELS = ("text", "image", "arrow", "angle")


@dataclass(frozen=True)
class RoiFacts:
    """What the rules need to know of a ROI.

    Attributes
    ----------
    name
        Empty where it has none.
    kind
        ``area``, ``line``, ``points``, or one that is never a label: ``text``, ``image``,
        ``arrow``, ``angle``.
    group
        ImageJ's ROI group, 0 is none.
    colour
        Stroke or fill colour as ``#rrggbb``, empty where it has none.
    position
        Stack index from 1, 0 is none. Points have one each, in `point_positions`.
    hyperstack
        (channel, slice, frame) from 1, where 0 means all; None where it has none.
    counters, point_positions
        Of a multi-point: counter and stack index of each point.
    """

    name: str = ""
    kind: str = "area"
    group: int = 0
    colour: str = ""
    position: int = 0
    hyperstack: tuple[int, int, int] | None = None
    counters: tuple[int, ...] = ()
    point_positions: tuple[int, ...] = ()

    @property
    def slice_of_points(self) -> int:
        """The stack index that all points have; 0 where they have several, or none."""
        found = set(self.point_positions)
        return found.pop() if len(found) == 1 else 0


def describe(rois: Sequence[RoiFacts], index: int) -> str:
    """Name a ROI in a message."""
    name = rois[index].name
    return f"ROI '{name}'" if name else f"ROI number {index + 1}"
