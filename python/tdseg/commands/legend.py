"""The classes' names and colours as ROIs over a result; they have no group and are no labels."""

from __future__ import annotations

from collections.abc import Mapping

from roifile import ROI_SUBTYPE, ROI_TYPE, ImagejRoi

from tdseg.commands.request import RoiBytes
from tdseg.labels.colours import glasbey

SMALLEST, SHARE = 8, 28
"""Height of the letters: a part of the image's shorter side, in pixels, but not less than this."""
_WHITE, _BACK = b"\xff\xff\xff\xff", b"\xa0\x00\x00\x00"  # alpha, red, green, blue


def legend(names: Mapping[int, str], size: tuple[int, int]) -> list[tuple[str, RoiBytes]]:
    """Return a legend in the upper left corner.

    Parameters
    ----------
    names
        Name of each label value.
    size
        Height and width of the image.

    Returns
    -------
    list of tuple
        Names and ROIs: a dark ground; for each class a square in its colour and a line of text.
    """
    height = max(SMALLEST, min(size) // SHARE)
    line, gap = height * 3 // 2, height // 2
    colours = glasbey()
    longest = max(map(len, names.values()), default=0)
    ground = _box(0, 0, gap + line * len(names), height * 2 + height * 2 * longest // 3)
    ground.fill_color, ground.name = _BACK, "legend"
    rois = [(ground.name, bytes(ground.tobytes()))]
    for row, (value, name) in enumerate(sorted(names.items())):
        top = gap + row * line
        square = _box(top, gap, height, height)
        red, green, blue = (int(c) for c in colours[min(value, 255)])
        square.fill_color = bytes((255, red, green, blue))
        text = _box(top - height // 6, gap + height * 3 // 2, line, height * len(name))
        text.subtype = ROI_SUBTYPE.TEXT
        text.text, text.text_name, text.text_size = f"{name}\n", "SansSerif", height
        text.stroke_color = _WHITE
        for roi, kind in ((square, "colour"), (text, "name")):
            roi.name = f"legend {kind} {value}"
            rois.append((roi.name, bytes(roi.tobytes())))
    return rois


def _box(top: int, left: int, height: int, width: int) -> ImagejRoi:
    roi = ImagejRoi()
    roi.roitype, roi.version = ROI_TYPE.RECT, 228
    roi.top, roi.left, roi.bottom, roi.right = top, left, top + height, left + width
    return roi
