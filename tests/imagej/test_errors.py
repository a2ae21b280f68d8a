"""Mistakes and accidents: one sentence each, no Java trace, nothing lost."""

import threading

import numpy as np
import pytest

import tdseg
from tdseg.commands import classifier
from tdseg.commands.reply import Reply
from tdseg.imagej.java import jc

FAST = "features=classical trees=10 held_out=false"
CELLS = """
setBatchMode(true);
newImage("cells", "8-bit ramp", 40, 30, 1);
run("TDS Set Classes...", "classes=[dark,bright]");
makeRectangle(1, 1, 6, 20); run("TDS Add Label...", "class=dark");
makeRectangle(32, 1, 6, 20); run("TDS Add Label...", "class=bright");
run("Select None");
"""


def sentence(ij, text):
    """Run a macro that must stop, and return why; what follows must not run."""
    printed = []
    with pytest.raises(tdseg.TdsegError) as caught:
        ij.run_macro(CELLS + text + '\nprint("went on");', on_print=printed.append)
    assert "went on" not in printed
    message = str(caught.value)
    assert "\n" not in message
    assert "java." not in message
    assert "Exception" not in message
    return message


@pytest.mark.parametrize(
    ("roi", "words"),
    [
        ("makeRectangle(100, 100, 5, 5);", ["outside", "cells"]),
        ('makeText("5 um", 5, 5);', ["text", "cells"]),
        ("makeArrow(2, 2, 20, 20);", ["arrow", "cells"]),
    ],
)
def test_selections_that_cannot_be_labels(ij, roi, words):
    message = sentence(ij, roi + ' run("TDS Add Label...", "class=dark");')
    assert all(word in message.replace("no pixel inside", "outside") for word in words)


def test_a_text_with_a_class_is_named(ij):
    message = sentence(
        ij,
        """
        makeText("5 um", 5, 5);
        Roi.setName("scale bar"); Roi.setGroup(2);
        run("Add Selection...");
        run("TDS Train...", "FAST");
        """.replace("FAST", FAST),
    )
    assert "scale bar" in message


def test_overlapping_classes_can_be_an_error(ij):
    message = sentence(
        ij,
        'makeRectangle(1, 1, 9, 9); run("TDS Add Label...", "class=bright");'
        f'run("TDS Train...", "overlap=error {FAST}");',
    )
    assert "bright-02" in message or "dark-01" in message


def test_one_class_only(ij):
    message = sentence(
        ij,
        'Overlay.clear; makeRectangle(1, 1, 6, 6); run("TDS Add Label...", "class=dark");'
        f'run("TDS Train...", "{FAST}");',
    )
    assert "two classes" in message


def test_roi_manager_without_a_display(ij):
    if not ij.headless:
        pytest.skip("there is a display")
    assert "ROI Manager" in sentence(ij, f'run("TDS Train...", "labels=manager {FAST}");')


def test_label_image_of_another_size(ij):
    message = sentence(
        ij,
        'newImage("drawn", "8-bit black", 20, 30, 1); selectImage("cells");'
        f'run("TDS Train...", "labels=image labels_image=drawn {FAST}");',
    )
    assert "drawn" in message
    assert "cells" in message


@pytest.mark.parametrize(
    ("key", "value"), [("labels_image", "nothing"), ("labels_path", "/nowhere/labels.zip")]
)
def test_missing_label_sources_are_named(ij, key, value):
    source = "image" if key == "labels_image" else "file"
    message = sentence(ij, f'run("TDS Train...", "labels={source} {key}=[{value}] {FAST}");')
    assert value in message


def test_paths_that_cannot_be_written(ij, tmp_path):
    (tmp_path / "file").write_text("x")
    train = f'run("TDS Train...", "{FAST}");'
    for path in (tmp_path, tmp_path / "none" / "c.tdseg", tmp_path / "file" / "c.tdseg"):
        message = sentence(ij, train + f'run("TDS Save Classifier...", "path=[{path}]");')
        assert str(path) in message or str(path.parent) in message
        message = sentence(ij, f'run("TDS Save Labels...", "path=[{path}]");')
        assert str(path) in message or str(path.parent) in message


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04K\x01.", b"\xac\xed\x00\x05sr"])
def test_files_that_are_no_classifiers(ij, tmp_path, content):
    path = tmp_path / "µ x.tdseg"
    path.write_bytes(content)
    assert "µ x.tdseg" in sentence(ij, f'run("TDS Load Classifier...", "path=[{path}]");')


def test_esc_stops_the_macro_and_keeps_what_was_there(ij, monkeypatch):
    session = tdseg.imagej.session()
    ij.run_macro(CELLS + f'run("TDS Train...", "{FAST}");', on_print=lambda line: None)
    before = session.model

    def pressed(call):
        jc.IJ.setKeyDown(jc.KeyEvent.VK_ESCAPE)
        return original(call)

    original = classifier.train
    monkeypatch.setattr(classifier, "train", pressed)
    assert "Cancel" in sentence(ij, f'run("TDS Train...", "{FAST}");')
    assert session.model is before
    monkeypatch.undo()
    jc.IJ.resetEscape()
    ij.run_macro(CELLS + f'run("TDS Train...", "{FAST}");', on_print=lambda line: None)
    assert session.model is not before


def test_an_image_that_is_closed_meanwhile_does_not_stop_the_job(ij, monkeypatch):
    original = classifier.apply_model

    def closing(*arguments, **keywords):
        result = original(*arguments, **keywords)
        image = jc.WindowManager.getCurrentImage()
        image.changes = False
        image.close()
        return result

    monkeypatch.setattr(classifier, "apply_model", closing)
    title = ij.run_macro(
        CELLS
        + f'run("TDS Train...", "{FAST}");'
        + 'run("TDS Apply...", "output=labels"); return getTitle();',
        on_print=lambda line: None,
    )
    assert title == "cells-labels"


def test_a_running_command_leaves_others_free_and_status_tells(ij, monkeypatch):
    """ImageJ calls listeners inside a lock: a job must not hold up every other command."""
    holding, done = threading.Event(), threading.Event()

    def hold(call):
        holding.set()
        assert done.wait(60)
        return Reply()

    monkeypatch.setattr(classifier, "save_classifier", hold)
    thread = threading.Thread(target=jc.IJ.run, args=("TDS Save Classifier...", "path=x"))
    thread.start()
    assert holding.wait(20)
    printed = []
    try:
        ij.run_macro(
            'run("TDS Status", ""); newImage("free", "8-bit black", 9, 9, 1); run("Invert");',
            on_print=printed.append,
        )
    finally:
        done.set()
        thread.join(20)
    assert "running: TDS Save Classifier..." in "\n".join(printed)
    assert tdseg.imagej.session().running == ""


def test_rgb_classifiers_and_grey_images(ij):
    message = sentence(
        ij,
        f"""
        run("TDS Train...", "{FAST}");
        newImage("colours", "RGB ramp", 30, 20, 1);
        run("TDS Apply...", "output=labels");
        """,
    )
    assert "colours" in message
    assert "RGB" in message


def test_nan_pixels_are_told(ij):
    message = sentence(
        ij,
        f"""
        run("32-bit");
        setPixel(3, 3, NaN);
        run("TDS Train...", "{FAST}");
        """,
    )
    assert "NaN" in message
    assert "cells" in message


def test_install_attaches_to_what_runs(ij):
    assert tdseg.imagej.install() is ij
    assert tdseg.imagej.start() is ij


def test_constant_images_have_a_result(ij):
    value = ij.run_macro(
        """
        setBatchMode(true);
        newImage("flat", "8-bit black", 30, 20, 1);
        run("TDS Set Classes...", "classes=[a,b]");
        makeRectangle(1, 1, 4, 4); run("TDS Add Label...", "class=a");
        makeRectangle(20, 1, 4, 4); run("TDS Add Label...", "class=b");
        run("TDS Train...", "backbone=offline quality=fast trees=10 held_out=false");
        run("TDS Apply...", "output=probabilities");
        getStatistics(area, mean, min, max);
        return "" + isNaN(mean);
        """,
        on_print=lambda line: None,
    )
    assert value == "0"
    assert np.isfinite(tdseg.imagej.session().model.classifier.importances()).all()


def test_crf_keys_of_apply_reach_the_pixels_and_the_recorded_line(ij):
    session = tdseg.imagej.session()
    lines = []
    for options in ("refine=crf crf_iterations=0", "refine=crf crf_spatial_compat=50"):
        ij.run_macro(
            CELLS
            + f'run("TDS Train...", "{FAST}"); run("TDS Apply...", "{options} tile=16 '
            + 'output=probabilities");',
            on_print=lambda line: None,
        )
        lines.append(session.last_line)
    assert "crf_iterations=0" in lines[0]
    assert "crf_spatial_compat=50" in lines[1]
