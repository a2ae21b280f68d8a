"""Levels that the labels cannot judge are left out of a training."""

import numpy as np
import pytest

import tdseg
from tdseg.runtime.progress import Silent
from tdseg.workflow.coverage import AROUND, coverage, covered_levels, pixels_around

SETTINGS = tdseg.Settings(features="deep", backbone="offline", held_out=False, trees=5)
ALL = "stride2,stride4,stride8,stride16,stride32"


class Heard(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_coverage_is_the_share_of_the_variance_with_classes_alike():
    rng = np.random.default_rng(0)
    around = rng.normal(size=(4000, 3)) * [1, 2, 0] + 5
    # Class 1 is rare: counted by pixels it would hardly widen the first level.
    labelled = np.concatenate([np.zeros((900, 3)), np.tile([2.0, 0.0, 0.0], (100, 1))])
    classes = np.repeat([0, 1], [900, 100])
    levels = np.array(["fine", "coarse", "flat"])
    found = coverage(levels, labelled.astype(np.float32), classes, around.astype(np.float32))
    assert found["fine"] == pytest.approx(1.0, rel=0.1)  # +-1 around the middle of both classes
    assert found["coarse"] == 0
    assert found["flat"] == 1  # nothing varies: there is nothing to miss


@pytest.mark.parametrize(
    ("levels", "backbones", "found", "expected", "out"),
    [
        ("a,b", "x", {"a": 0.9, "b": 0.4}, "a", ["b"]),
        ("a,b", "x", {"a": 0.2, "b": 0.4}, "b", ["a"]),
        ("a,b+c", "x+y", {"x.a": 0.9, "x.b": 0.1, "y.c": 0.3}, "a+c", ["x.b"]),
        ("a,b", "x", {"a": 0.5, "b": 2.0}, "a,b", []),
    ],
)
def test_every_backbone_keeps_a_level(levels, backbones, found, expected, out):
    assert covered_levels(levels, backbones, found) == (expected, out)


def test_pixels_are_drawn_around_the_labels_only():
    rows, cols = np.array([400, 420]), np.array([10, 990])
    y, x = pixels_around(rows, cols, (1000, 1000), 5000, np.random.default_rng(0))
    assert (y.min(), y.max()) == (400 - AROUND, 420 + AROUND)
    assert (x.min(), x.max()) == (0, 999)


@pytest.fixture(scope="module")
def image():
    """Fine grain everywhere, on patches of other brightness that single strokes do not see."""
    rng = np.random.default_rng(3)
    coarse = np.kron(rng.integers(0, 2, (5, 5)), np.ones((96, 96))) * 90
    grain = (rng.random((240, 240)) > 0.5).repeat(2, 0).repeat(2, 1) * 60
    return (coarse + grain + 40).astype(np.uint8)


def test_labels_at_one_place_leave_coarse_levels_out_and_say_so(image):
    bright = image % 90 < 20  # the grain: 40 or 130, and 100 or 190
    labels = np.zeros(image.shape, np.uint8)
    labels[200:216, 200:224] = np.where(bright, 2, 1)[200:216, 200:224]
    heard = Heard()
    model = tdseg.train([(image, labels)], SETTINGS, progress=heard)
    kept = model.settings.levels.split(",")
    assert "stride2" in kept
    assert "stride32" not in kept
    assert any("Left out" in line and "stride32 (" in line for line in heard.notes)
    assert not any("stride32" in name for name in model.feature_names)
    # What was recorded gives the same classifier; levels that are named are all used.
    again = tdseg.train([(image, labels)], model.settings)
    assert again.feature_names == model.feature_names
    found, other = (tdseg.apply(m, image) for m in (model, again))
    assert np.array_equal(found.probabilities, other.probabilities)
    named = tdseg.train([(image, labels)], SETTINGS.with_(levels=ALL))
    assert named.settings.levels == ALL


def test_labels_all_over_the_image_keep_all_levels(image):
    labels = np.zeros(image.shape, np.uint8)
    labels[8::24, 8::24] = np.where(image % 90 < 20, 2, 1)[8::24, 8::24]
    heard = Heard()
    model = tdseg.train([(image, labels)], SETTINGS, progress=heard)
    assert model.settings.levels == ALL
    assert not any("Left out" in line for line in heard.notes)
