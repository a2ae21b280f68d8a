"""Drawn micrographs: exact truth, the same for a seed, and as hard as they claim to be."""

from itertools import combinations

import numpy as np
import pytest

from tdseg.samples import materials
from tdseg.samples.cells import CLASS_NAMES, Exposure, drawn_cell
from tdseg.samples.strokes import draw_strokes, redraw

DRAWN = {
    "cell": (drawn_cell, CLASS_NAMES),
    "cathode": (materials.cathode, materials.CATHODE),
    "cast iron": (materials.cast_iron, materials.CAST_IRON),
    "crystals": (materials.crystals, materials.CRYSTALS),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_seed_is_an_image_with_all_its_classes(name):
    draw, classes = DRAWN[name]
    for seed in range(4):
        image, truth = draw(seed, 128)
        assert image.shape == truth.shape == (128, 128)
        assert image.dtype == truth.dtype == np.uint8
        assert sorted(np.unique(truth)) == list(range(1, 1 + len(classes)))
        assert 20 < image.mean() < 235
    again = draw(3, 128)
    np.testing.assert_array_equal(again[0], image)
    np.testing.assert_array_equal(again[1], truth)
    assert (draw(4, 128)[1] != truth).any()


@pytest.mark.parametrize("name", DRAWN)
def test_a_threshold_cannot_tell_the_classes_apart(name):
    """For at least two classes the best threshold is wrong on a tenth of them or more."""
    draw, classes = DRAWN[name]
    image, truth = draw(1, 200)
    wrong = []
    for one, other in combinations(range(1, len(classes) + 1), 2):
        below = [np.cumsum(np.bincount(image[truth == k], minlength=256)) for k in (one, other)]
        shares = [each / each[-1] for each in below]
        wrong.append(0.5 * (1 - np.abs(shares[0] - shares[1]).max()))
    assert max(wrong) > 0.1


def test_cells_differ_in_brightness_and_the_exposure_changes_grey_only():
    means = [drawn_cell(seed, 96)[0].mean() for seed in range(8)]
    assert np.ptp(means) > 20
    dark, bright = (drawn_cell(0, 96, Exposure(brightness=b)) for b in (-30, 30))
    np.testing.assert_array_equal(dark[1], bright[1])
    assert bright[0].mean() - dark[0].mean() == pytest.approx(60, abs=8)


def test_strokes_lie_in_their_class():
    _, truth = drawn_cell(0, 128)
    strokes = draw_strokes(truth, 5, strokes=3, length=(10, 30), radius=2)
    assert [value for value, _ in strokes] == [1] * 3 + [2] * 3 + [3] * 3
    for value, path in strokes:
        assert (truth[tuple(path.T)] == value).all()
        assert np.abs(np.diff(path, axis=0)).max(initial=0) <= 1
    drawn = redraw(truth, 5, strokes=3, length=(10, 30), radius=2)
    assert (drawn[drawn > 0] == truth[drawn > 0]).all()
    assert all((drawn[tuple(path.T)] == value).all() for value, path in strokes)
    assert (redraw(truth, 6, strokes=3) != redraw(truth, 7, strokes=3)).any()
