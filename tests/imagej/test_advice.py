"""What a message of a command advises works when it is followed, in a macro."""

from __future__ import annotations

import re

import pytest

import tdseg

CELLS = """
newImage("cells", "8-bit ramp", 40, 30, 1);
run("TDS Set Classes...", "classes=[dark,bright]");
makeRectangle(1, 1, 6, 20); run("TDS Add Label...", "class=dark");
makeRectangle(32, 1, 6, 20); run("TDS Add Label...", "class=bright");
run("Select None");
"""
TRAIN = 'run("TDS Train...", "{} features=classical trees=5 held_out=false");'
STACK = CELLS.replace("30, 1)", "30, 3)")
BARE = 'newImage("bare", "8-bit ramp", 40, 30, 1);'
DRAWN = 'newImage("drawn", "{}", 40, 30, {});  setPixel(1, 1, 1); setPixel(30, 3, 2);'

# What is done before, what fails, what the message advises, and that advice followed, before what
# failed is done again, unless the advice is another form of it. ADVICE: the words of the message.
CASES = {
    "no classifier: train": (
        CELLS + 'call("ij.IJ.log", "");',
        'run("TDS Apply...", "");',
        "train one.*TDS Train",
        TRAIN.format(""),
    ),
    "no classifier: a file": (CELLS, 'run("TDS Apply...", "");', r"model=\[path\]", None),
    "no labels": (
        CELLS + "Overlay.clear;",
        TRAIN.format(""),
        "no overlay; add labels with TDS Add Label",
        'makeRectangle(1, 1, 6, 20); run("TDS Add Label...", "class=dark");'
        'makeRectangle(32, 1, 6, 20); run("TDS Add Label...", "class=bright");',
    ),
    "ROIs without a class": (
        CELLS + 'Overlay.clear; makeRectangle(1, 1, 6, 6); run("Add Selection...");',
        TRAIN.format(""),
        "set their group. TDS Add Label... adds the selection as a label",
        'Overlay.clear; makeRectangle(1, 1, 6, 20); run("TDS Add Label...", "class=dark");'
        'makeRectangle(32, 1, 6, 20); run("TDS Add Label...", "class=bright");',
    ),
    "one class": (
        CELLS + "Overlay.removeSelection(1);",
        TRAIN.format(""),
        "draw labels of at least two classes",
        'makeRectangle(32, 1, 6, 20); run("TDS Add Label...", "class=bright");',
    ),
    "unknown class": (
        CELLS,
        'makeRectangle(9, 9, 3, 3); run("TDS Add Label...", "class=membrane");',
        "TDS Set Classes... names the classes",
        'run("TDS Set Classes...", "classes=[dark,bright,membrane]");',
    ),
    "no selection": (
        CELLS,
        'run("TDS Add Label...", "class=dark");',
        "draw one, then add it as 'dark'",
        "makeRectangle(9, 9, 3, 3);",
    ),
    "a text as label": (
        CELLS,
        'if (!is("area")) makeText("5 um", 5, 5); run("TDS Add Label...", "class=dark");',
        "draw an area, a line or points",
        "makeRectangle(9, 9, 3, 3);",
    ),
    "overlapping classes": (
        CELLS + 'makeRectangle(1, 1, 9, 9); run("TDS Add Label...", "class=bright");',
        TRAIN.format("overlap=error"),
        "use overlap=last",
        TRAIN.format("overlap=last") + "exit;",
    ),
    "ROIs without a position": (
        STACK + "Overlay.setPosition(0);",
        TRAIN.format("unpositioned=error"),
        "use unpositioned=current or unpositioned=all",
        TRAIN.format("unpositioned=current") + TRAIN.format("unpositioned=all") + "exit;",
    ),
    "no labels_image": (
        CELLS + DRAWN.format("8-bit black", 1) + 'selectImage("cells");',
        TRAIN.format("labels=image"),
        r"labels_image=\[title\] of an open image",
        TRAIN.format("labels=image labels_image=[drawn]") + "exit;",
    ),
    "frames for slices": (
        STACK + DRAWN.format("8-bit black", 3) + 'run("Properties...", "slices=1 frames=3");'
        'selectImage("cells");',
        TRAIN.format("labels=image labels_image=drawn"),
        "exchange slices and frames of one of them",
        'selectImage("drawn"); run("Properties...", "slices=3 frames=1"); selectImage("cells");',
    ),
    "a label image with NaN": (
        CELLS
        + DRAWN.format("32-bit black", 1)
        + 'setPixel(5, 5, NaN); setPixel(6, 5, 1/0); selectImage("cells");',
        TRAIN.format("labels=image labels_image=drawn"),
        "in a macro: (.*;)",
        'selectImage("drawn"); ADVICE selectImage("cells");',
    ),
    "an image with NaN": (
        CELLS + 'run("32-bit"); setPixel(5, 5, NaN); setPixel(6, 5, -1/0);',
        TRAIN.format(""),
        "in a macro: (.*;)",
        "ADVICE",
    ),
    "samples": (
        CELLS,
        TRAIN.format("samples=1"),
        "give more, or 0 for all",
        TRAIN.format("samples=2") + TRAIN.format("samples=0") + "exit;",
    ),
    "two images of different channels": (
        CELLS + TRAIN.format("") + 'run("Duplicate...", "title=two");'
        'run("Add Slice"); run("Properties...", "channels=2 slices=1 frames=1");',
        TRAIN.format("append=true"),
        "for example (channels=1)",
        TRAIN.format("append=true ADVICE") + "exit;",
    ),
    "apply to more channels": (
        CELLS + TRAIN.format("") + 'newImage("two", "8-bit composite-mode", 40, 30, 2, 1, 1);',
        'run("TDS Apply...", "");',
        "for example (channels=1)",
        'run("TDS Apply...", "ADVICE"); exit;',
    ),
    "grey for an RGB classifier": (
        CELLS + 'run("RGB Color");' + TRAIN.format("") + BARE,
        'run("TDS Apply...", "");',
        "convert it to RGB colour first",
        'run("RGB Color");',
    ),
    "RGB for a grey classifier": (
        CELLS + TRAIN.format("") + BARE + 'run("RGB Color");',
        'run("TDS Apply...", "");',
        "channels=1|convert it to grey values",
        'run("8-bit");',
    ),
    "no area": (
        CELLS + TRAIN.format(""),
        'run("TDS Apply...", "region=selection");',
        "draw one, or use region=image",
        'run("TDS Apply...", "region=image"); selectImage("cells"); makeRectangle(1, 1, 9, 9);',
    ),
    "not a probability stack": (
        CELLS + TRAIN.format(""),
        'run("TDS Refine...", "");',
        "select a result of TDS Apply... with output=probabilities",
        'run("TDS Apply...", "output=probabilities");',
    ),
    "not a label image": (
        CELLS + TRAIN.format("") + 'run("32-bit");',
        'run("TDS Class Statistics", "");',
        "select a result of TDS Apply... first",
        'selectImage("cells"); run("8-bit"); run("TDS Apply...", "");',
    ),
    "no ROIs to measure": (
        BARE,
        'run("TDS Measure ROIs...", "features=classical");',
        "add labels with TDS Add Label..., or choose another source with the key 'labels'",
        'makeRectangle(1, 1, 9, 9); run("TDS Measure ROIs...", "labels=selection '
        'features=classical");  run("Add Selection...");',
    ),
    "no overlay to save": (
        BARE,
        'run("TDS Save Labels...", "path=[" + getArgument() + "]");',
        "add labels first",
        'makeRectangle(1, 1, 9, 9); run("Add Selection...");',
    ),
    "an existing file": (
        CELLS + 'run("TDS Save Labels...", "path=[" + getArgument() + "] existing=overwrite");',
        'run("TDS Save Labels...", "path=[" + getArgument() + "]");',
        "choose another name, or (existing=overwrite)",
        'run("TDS Save Labels...", "path=[" + getArgument() + "] ADVICE");'
        'run("TDS Save Labels...", "path=[" + getArgument() + " too]"); exit;',
    ),
    "an unknown key": (
        CELLS,
        TRAIN.format("sigma_maxx=4"),
        "Did you mean '(sigma_max)'",
        TRAIN.format("ADVICE=4") + "exit;",
    ),
    "an open bracket": (
        BARE,
        'run("TDS Set Classes...", "classes=[a,b");',
        r"write classes=\[...\]",
        'run("TDS Set Classes...", "classes=[a,b]"); exit;',
    ),
    "more components than features": (
        BARE,
        'run("TDS Features...", "features=classical classical=gaussian components=900");',
        r"is more than the (\d+) features",
        'run("TDS Features...", "features=classical classical=gaussian components=ADVICE"); exit;',
    ),
    "no image": (
        'run("Close All");',
        'run("TDS Features...", "features=classical classical=gaussian");',
        "open an image first",
        BARE,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_advice_works(ij, name, tmp_path):
    before, fails, advice, follow = CASES[name]
    tdseg.imagej.session().model = None
    argument = str(tmp_path / "file")

    def quiet(text):
        return ij.run_macro(
            "setBatchMode(true); run('Close All');" + text, argument, on_print=lambda line: None
        )

    if follow is None:  # what the advice needs is made beforehand
        path = (tmp_path / "c.tdseg").as_posix()
        quiet(before + TRAIN.format("") + f'run("TDS Save Classifier...", "path=[{path}]");')
        tdseg.imagej.session().model = None
        follow = f'run("TDS Apply...", "model=[{path}]"); exit;'
    with pytest.raises(tdseg.TdsegError) as caught:
        quiet(before + fails)
    found = re.search(advice, str(caught.value))
    assert found, str(caught.value)
    words = found.group(1) if found.groups() else ""
    quiet(before + follow.replace("ADVICE", words) + fails)


def test_a_display_is_advised_where_one_is_missing(ij):
    if not ij.headless:
        pytest.skip("there is a display")
    message = "use objects=overlay"
    objects = 'run("TDS Segment Without Labels...", "method=foreground features=classical {}");'
    with pytest.raises(tdseg.TdsegError, match=message):
        ij.run_macro(BARE + objects.format("objects=manager"))
    ij.run_macro(BARE + objects.format("objects=overlay"), on_print=lambda line: None)


def test_extensions_belong_into_a_macro(ij):
    with pytest.raises(tdseg.TdsegError, match=r"no class 7\. Classes: 1, 2"):
        ij.run_macro(
            'run("TDS Macro Extensions"); run("TDS Set Classes...", "classes=[a,b]");'
            "Ext.TDS_className(7);"
        )
    named = 'run("TDS Macro Extensions"); return Ext.TDS_className(2);'
    assert ij.run_macro(named) == "b"
