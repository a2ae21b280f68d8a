"""The colours of ROI groups, which are the colours of label values too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tdseg.imagej.images import java_lut, lut_array
from tdseg.imagej.java import jc
from tdseg.labels.colours import glasbey


def group_lut() -> Any:
    """Return the LUT that ImageJ colours ROI groups with, and see that there is one.

    ImageJ reads it from ``luts/Glasbey.lut``. The ImageJ of Maven has none, and says so at every
    group that is set; it then gets ours.
    """
    field = jc.Roi.class_.getDeclaredField("glasbeyLut")
    field.setAccessible(True)
    lut = field.get(None)
    if lut is None:
        folder = jc.IJ.getDirectory("luts") or ""
        for name in ("Glasbey.lut", "glasbey.lut"):
            lut = lut or jc.LutLoader.openLut(f"noerror:{folder}{name}")
        if lut is None:
            lut = java_lut(glasbey())
        field.set(None, lut)
    return lut


def group_colours() -> np.ndarray:
    """Return the colours (256, 3) uint8 of label values 0 to 255, as ROI groups have them."""
    colours = lut_array(group_lut())
    colours[0] = 0  # unlabelled
    return colours


def colours_of(values: Iterable[int]) -> list[Any]:
    """Return a ``java.awt.Color`` for each label value."""
    table = group_colours()
    return [jc.Color(*(int(c) for c in table[min(int(value), 255)])) for value in values]
