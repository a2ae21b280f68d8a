"""Colours of label values: Fiji's for the first, far apart for the rest, those of ROI groups."""

from __future__ import annotations

import numpy as np
import pytest
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


# Machado, Oliveira and Fernandes, IEEE Trans. Vis. Comput. Graph. 15, 2009: severity 1.
NO_RED = [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
]
NO_GREEN = [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.011820, 0.042940, 0.968881],
]


@pytest.mark.parametrize("seen", [NO_RED, NO_GREEN], ids=["protanopia", "deuteranopia"])
@pytest.mark.parametrize(("opacity", "distance"), [(1.0, 25), (0.4, 12)])
def test_colour_blind_users_tell_the_first_five_apart(seen, opacity, distance) -> None:
    """In CIELAB, alone and over dark, middle and bright grey at the overlay's opacity."""
    for grey in (0.15, 0.5, 0.85):
        mixed = opacity * glasbey()[1:6] / 255.0 + (1 - opacity) * grey
        linear = np.where(mixed <= 0.04045, mixed / 12.92, ((mixed + 0.055) / 1.055) ** 2.4)
        blind = np.clip(linear @ np.transpose(seen), 0, 1)
        encoded = np.where(blind <= 0.0031308, 12.92 * blind, 1.055 * blind ** (1 / 2.4) - 0.055)
        lab = rgb2lab(encoded[None])[0]
        apart = np.sqrt(((lab[:, None] - lab[None]) ** 2).sum(axis=2))
        assert apart[~np.eye(5, dtype=bool)].min() > distance
