"""One classifier of several open images, each with its own labels."""

from __future__ import annotations

import numpy as np
import pytest

import tdseg
from tdseg.demo import macro_folder
from tdseg.imagej.images import from_imageplus
from tdseg.imagej.java import jc

OPEN = """
setBatchMode(true); close("*"); run("TDS Set Classes...", "classes=[dark,bright]");
newImage("a, left.tif", "8-bit ramp", 40, 30, 1);
makeRectangle(1, 1, 6, 20); run("TDS Add Label...", "class=dark");
makeRectangle(32, 1, 6, 20); run("TDS Add Label...", "class=bright"); run("Select None");
newImage("b.tif", "8-bit ramp", 40, 30, 1); run("Invert");
makeRectangle(14, 1, 6, 20); run("TDS Add Label...", "class=bright"); run("Select None");
newImage("c.tif", "8-bit ramp", 40, 30, 1);
makeOval(3, 4, 12, 20); run("TDS Add Label...", "class=bright"); run("Select None");
"""
FAST = "features=classical trees=10 sigma_max=2"


def quiet(ij, text):
    return ij.run_macro(text, on_print=lambda line: None)


def probabilities(ij, text):
    quiet(ij, f'{text} selectImage("b.tif"); run("TDS Apply...", "output=probabilities");')
    return from_imageplus(jc.WindowManager.getCurrentImage()).array


def test_all_that_are_named_train_the_same_classifier_whichever_is_active(ij):
    at_once = probabilities(
        ij,
        OPEN + f'selectImage("b.tif"); run("TDS Train...", "{FAST} images=[c.tif,a, left.tif]");',
    )
    assert tdseg.imagej.session().model.summary["pixels"]["bright"] > 300
    other = OPEN + f'selectImage("a, left.tif"); run("TDS Train...", "{FAST} images=b.tif,c.tif");'
    np.testing.assert_array_equal(probabilities(ij, other), at_once)
    # As one after the other, which is what append=true is.
    by_one = OPEN + "".join(
        f'selectImage("{title}"); run("TDS Train...", "{FAST} append={append}");'
        for title, append in (("a, left.tif", "false"), ("b.tif", "true"), ("c.tif", "true"))
    )
    np.testing.assert_array_equal(probabilities(ij, by_one), at_once)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ("images=[d.tif]", "Key 'images': no image called 'd.tif' is open."),
        ("images=[b.tif,c.tif]", "Key 'images': image 'c.tif' trains already; name it once."),
        ("images=b.tif labels=manager", "leave labels=manager out"),
    ],
)
def test_titles_that_cannot_be_meant_are_refused(ij, keys, sentence):
    with pytest.raises(tdseg.TdsegError) as caught:
        quiet(ij, OPEN + f'run("TDS Train...", "{FAST} {keys}");')
    assert sentence in str(caught.value)


def test_an_image_without_labels_is_named(ij):
    text = OPEN + 'selectImage("b.tif"); run("Remove Overlay"); selectImage("c.tif");'
    with pytest.raises(tdseg.TdsegError, match=r"Image 'b\.tif' has no overlay"):
        quiet(ij, text + f'run("TDS Train...", "{FAST} images=b.tif");')


def test_the_ready_macro_trains_on_all_open_images_with_labels(ij):
    text = (macro_folder() / "several_images.ijm").read_text(encoding="utf-8")
    quiet(ij, OPEN + text.replace("features=classical", FAST))
    assert sorted(tdseg.imagej.session().model.summary["images"]) == [
        "a, left.tif",
        "b.tif",
        "c.tif",
    ]
    assert jc.WindowManager.getImage("c-labels") is not None
