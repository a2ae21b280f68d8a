"""Small pictures of images and results."""

import numpy as np
import pytest

import tdseg
from tdseg.batch.contact_sheet import EDGE, small_pair
from tdseg.labels.colours import glasbey


@pytest.mark.parametrize("shape", [(256, 256), (400, 181), (3, 1000), (EDGE, EDGE), (50, 20)])
def test_a_picture_fills_its_room_and_is_never_enlarged(shape):
    image = tdseg.Image.from_array(np.zeros(shape, np.uint8))
    pair = small_pair("a", image, np.ones((1, 1, *shape), np.uint8), [0])
    expected = [max(1, n * min(EDGE, max(shape)) // max(shape)) for n in shape]
    assert list(pair.image.shape[:2]) == list(pair.result.shape[:2]) == expected


def test_greys_are_means_and_labels_are_those_of_the_place():
    halves = np.zeros((EDGE * 2, EDGE * 2), np.uint8)
    halves[:, 1::2] = 200  # each small pixel is a mean of 0 and 200
    halves[:2] = 0
    halves[-2:] = 200
    labels = np.ones((1, 1, *halves.shape), np.uint8)
    labels[..., EDGE:] = 2
    pair = small_pair("a", tdseg.Image.from_array(halves), labels, [0])
    # The darkest and brightest row are what is stretched to black and white.
    assert pair.image[0].max() == 0
    assert pair.image[-1].min() == 255
    assert np.ptp(pair.image[1:-1]) == 0
    assert 120 < pair.image[EDGE // 2, 0, 0] < 135
    colours = glasbey()
    assert (pair.result[:, : EDGE // 2] == colours[1]).all()
    assert (pair.result[:, EDGE // 2 :] == colours[2]).all()
