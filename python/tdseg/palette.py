"""Colours of label values where ImageJ brings none: 255 that are easy to tell apart."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import numpy as np


@lru_cache(maxsize=1)
def label_colours() -> np.ndarray:
    """Return a colour for each label value from 0 to 255.

    Value 0 is black. After six chosen ones, each colour is the one farthest, in CIELAB, from all
    before it and from black, white and grey, as Glasbey et al. propose ("Colour displays for
    categorical images", Color Research and Application 32, 2007).

    Returns
    -------
    numpy.ndarray
        (256, 3) uint8, read-only.
    """
    text = files("tdseg").joinpath("data", "glasbey.csv").read_text(encoding="ascii")
    rows = [line.split(",") for line in text.splitlines()[1:]]
    colours = np.array(rows, dtype=np.uint8)
    colours.setflags(write=False)
    return colours


def hex_values(colours: np.ndarray) -> dict[str, int]:
    """Return the label value of each colour ``#rrggbb`` of a table (256, 3); the first wins."""
    found: dict[str, int] = {}
    for value, (red, green, blue) in enumerate(colours.tolist()[1:], start=1):
        found.setdefault(f"#{red:02x}{green:02x}{blue:02x}", value)
    return found


def is_colour_table(colours: np.ndarray) -> bool:
    """Whether ImageJ takes a LUT for the colours of the image, not for a way to show grey values.

    A table of colours (256, 3) uint8 jumps from entry to entry; ``ImageProcessor.isPseudoColorLut``
    draws the line at a standard deviation of 20 grey levels, but for one LUT.
    """
    table = colours.astype(np.float64)
    steps = np.diff(table, axis=0, prepend=table[:1])
    total, squares = steps.sum(), (steps**2).sum()
    deviation = np.sqrt(max((768 * squares - total * total) / 768, 0.0) / 767)
    coloured = bool((table != table[:, :1]).any())
    return coloured and not (deviation < 20 or int(deviation) == 67)
