"""Colours of label values: Fiji's for the first, far apart for the rest, those of ROI groups."""

from __future__ import annotations

import numpy as np
from skimage.color import rgb2lab

from tdseg import imagej
from tdseg.labels.colours import glasbey


def test_first_colours_are_fijis() -> None:
    colours = glasbey()
    assert colours.shape == (256, 3)
    assert colours.dtype == np.uint8
    assert colours[:8].tolist() == [
        [0, 0, 0],
        [0, 0, 255],
        [255, 0, 0],
        [0, 255, 0],
        [0, 0, 51],
        [255, 0, 182],
        [0, 83, 0],
        [255, 211, 0],
    ]


def test_later_colours_are_as_far_apart_as_can_be() -> None:
    lab = rgb2lab(np.array([[255] * 3, [128] * 3, *glasbey()])[None] / 255.0)[0]
    nearest = np.array(
        [np.sqrt(((lab[:k] - lab[k]) ** 2).sum(axis=1)).min() for k in range(14, len(lab))]
    )
    # Choosing the farthest each time makes the distances fall, and never to nothing.
    assert (np.diff(nearest) < 0.05).all()
    assert nearest[-1] > 8


def test_callers_may_change_their_copy() -> None:
    glasbey()[1] = 0
    assert glasbey()[1].any()


def test_roi_groups_have_the_same_colours() -> None:
    imagej.start()
    from tdseg.imagej.group_colours import group_lut
    from tdseg.imagej.java import jc

    group_lut()
    roi = jc.Roi(0, 0, 2, 2)
    for value, colour in enumerate(glasbey().tolist()[1:], start=1):
        roi.setGroup(value)
        stroke = roi.getStrokeColor()
        assert [int(stroke.getRed()), int(stroke.getGreen()), int(stroke.getBlue())] == colour
