"""Which image a command means: by its number where titles come twice, never by a guess."""

from __future__ import annotations

import numpy as np
import pytest

import tdseg
from tdseg.imagej import results
from tdseg.imagej.images import from_imageplus
from tdseg.imagej.java import jc

CLASSES = 'setBatchMode(true); run("TDS Set Classes...", "classes=[dark,bright]");'
LABELS = """
makeRectangle(1, 1, 6, 20); run("TDS Add Label...", "class=dark");
makeRectangle(32, 1, 6, 20); run("TDS Add Label...", "class=bright"); run("Select None");
"""
TRAIN = 'run("TDS Train...", "features=classical trees=10 held_out=false");'
TWIST = 'run("Invert"); run("Add Specified Noise...", "standard=90");'
REFINE = "crf_iterations=2 output=labels"


def image(title, how="8-bit ramp"):
    return f'newImage("{title}", "{how}", 40, 30, 1);'


def quiet(ij, text):
    return ij.run_macro(text, on_print=lambda line: None)


def stopped(ij, text):
    with pytest.raises(tdseg.TdsegError) as caught:
        quiet(ij, text)
    return str(caught.value)


def current():
    return from_imageplus(jc.WindowManager.getCurrentImage()).array


@pytest.fixture
def alone(ij):
    """The refined labels of a ramp where nothing else is open."""
    stack = image("cells") + LABELS + TRAIN + 'run("TDS Apply...", "output=probabilities");'
    quiet(ij, CLASSES + stack + f'run("TDS Refine...", "{REFINE}");')
    return current()


@pytest.mark.parametrize(
    ("first", "second"),
    [("cells", "cells"), ("exp.lif - Series001", "exp.lif - Series002"), ("c.tif", "c.png")],
)
def test_a_stack_is_refined_with_the_image_that_it_was_made_from(ij, alone, first, second):
    """Also where another image has the title, or the same part of it; whichever came first."""
    other = image(second) + TWIST
    mine = image(first) + LABELS + TRAIN + 'run("TDS Apply...", "output=probabilities");'
    for text in (
        CLASSES + other + mine,
        CLASSES + mine + "s = getImageID();" + other + "selectImage(s);",
    ):
        quiet(ij, text + f'run("TDS Refine...", "{REFINE}");')
        np.testing.assert_array_equal(current(), alone)


def test_a_duplicate_of_a_result_is_refined_as_the_result_is(ij, alone):
    text = (
        CLASSES + image("cells") + LABELS + TRAIN + 'run("TDS Apply...", "output=probabilities");'
    )
    quiet(ij, text + f'run("Duplicate...", "duplicate"); run("TDS Refine...", "{REFINE}");')
    np.testing.assert_array_equal(current(), alone)


def test_two_images_of_one_title_are_not_told_apart_by_it(ij, alone, tmp_path, monkeypatch):
    """A stack that another ImageJ saved knows its image by the title alone."""
    path = (tmp_path / "cells-probabilities.tif").as_posix()
    monkeypatch.setattr(results, "_THIS_IMAGEJ", "another")
    made = (
        CLASSES + image("cells") + LABELS + TRAIN + 'run("TDS Apply...", "output=probabilities");'
    )
    quiet(ij, made + f'saveAs("Tiff", "{path}");')
    monkeypatch.undo()

    def text(*titles):
        both = "".join(image(title) + how for title, how in zip(titles, ("", TWIST), strict=False))
        return f'setBatchMode(true); run("Close All"); {both} open("{path}");'

    refine = f'run("TDS Refine...", "{REFINE}");'
    quiet(ij, text("cells") + refine)
    np.testing.assert_array_equal(current(), alone)
    message = stopped(ij, text("cells", "cells") + refine)
    assert "'cells', 'cells'" in message
    assert "image=[title]" in message
    named = f'run("TDS Refine...", "image=cells {REFINE}");'
    assert "2 open images are called 'cells'" in stopped(ij, text("cells", "cells") + named)
    quiet(ij, text("cells", "second") + named)
    np.testing.assert_array_equal(current(), alone)
    missing = stopped(ij, text("c") + refine)
    assert "open 'cells', or name it with image=[title]" in missing


def test_an_image_that_was_closed_must_be_named_when_it_is_open_again(ij, alone):
    text = (
        CLASSES
        + image("cells")
        + LABELS
        + TRAIN
        + 'run("TDS Apply...", "output=probabilities"); selectImage("cells"); close();'
    )
    refine = f'selectImage("cells-probabilities"); run("TDS Refine...", "{REFINE}");'
    message = stopped(ij, text + refine)
    assert "open it again and name it with image=[title]" in message
    assert "open it again and name it" in stopped(ij, text + image("cells") + refine)
    quiet(ij, text + image("cells") + refine.replace(REFINE, f"image=cells {REFINE}"))
    np.testing.assert_array_equal(current(), alone)


def test_a_label_image_that_two_images_could_be_is_refused(ij):
    drawn = image("drawn", "8-bit black") + "setPixel(1, 1, 1); setPixel(30, 3, 2);"
    train = TRAIN.replace('"features', '"labels=image labels_image=drawn features')
    text = CLASSES + drawn + drawn + image("cells")
    message = stopped(ij, text + train)
    assert "'labels_image'" in message
    assert "2 open images are called 'drawn'" in message
    quiet(ij, CLASSES + drawn + 'rename("old");' + drawn + image("cells") + train)
    assert tdseg.imagej.session().model.class_values == (1, 2)
