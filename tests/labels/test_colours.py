"""Colours of label values: Fiji's for the first, far apart for the rest, those of ROI groups."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.color import rgb2lab

from tdseg import imagej
from tdseg.labels.colours import colours_apart, glasbey


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


NO_BLUE = [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.303900],
]


def _least_distance(colours, opacity, seen) -> float:
    """Return it in CIELAB, alone or over dark, middle and bright grey."""
    found = []
    for grey in (0.15, 0.5, 0.85):
        mixed = opacity * colours / 255.0 + (1 - opacity) * grey
        linear = np.where(mixed <= 0.04045, mixed / 12.92, ((mixed + 0.055) / 1.055) ** 2.4)
        blind = np.clip(linear @ np.transpose(seen), 0, 1)
        encoded = np.where(blind <= 0.0031308, 12.92 * blind, 1.055 * blind ** (1 / 2.4) - 0.055)
        lab = rgb2lab(encoded[None])[0]
        apart = np.sqrt(((lab[:, None] - lab[None]) ** 2).sum(axis=2))
        found.append(apart[~np.eye(len(colours), dtype=bool)].min())
    return float(min(found))


@pytest.mark.parametrize(
    "seen", [NO_RED, NO_GREEN, NO_BLUE], ids=["protanopia", "deuteranopia", "tritanopia"]
)
@pytest.mark.parametrize(("opacity", "distance"), [(1.0, 24), (0.4, 12)])
def test_colour_blind_users_tell_classes_apart(seen, opacity, distance) -> None:
    """The first five of ImageJ's colours, and the first eight of those made for it."""
    assert _least_distance(glasbey()[1:6], opacity, seen) > distance
    assert _least_distance(colours_apart()[1:9], opacity, seen) > distance
    if seen is not NO_BLUE:  # why there are others
        assert _least_distance(glasbey()[1:9], opacity, seen) < distance / 2


def test_the_other_colours_are_the_same() -> None:
    np.testing.assert_array_equal(colours_apart()[9:], glasbey()[9:])
    assert not colours_apart()[0].any()
