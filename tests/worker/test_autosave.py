"""What is kept for the worker that follows one that died."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

import tdseg
from tdseg.worker.autosave import Autosave
from tdseg.workflow.session import Session


def trained() -> Session:
    session = Session()
    session.set_classes(["dark", "bright"])
    pixels = np.arange(600, dtype=np.uint8).reshape(20, 30)
    marks = np.zeros(pixels.shape, np.uint8)
    marks[2:6, 2:6], marks[12:18, 12:18] = 1, 2
    settings = tdseg.Settings(features="classical", classical="gaussian", trees=3, held_out=False)
    labels = tdseg.SparseLabels.from_label_image(marks)
    session.adopt(tdseg.train([(tdseg.Image.from_array(pixels, axes="YX"), labels)], settings))
    return session


def test_the_last_classifier_and_all_classes_come_back(tmp_path):
    first = Session()
    first.set_classes(["one", "two", "three"])
    Autosave("a", tmp_path).keep(first)
    found = Session()
    assert "classes are there again" in Autosave("a", tmp_path).restore(found)
    assert found.classes == first.classes
    save = Autosave("a", tmp_path)
    session = trained()
    save.keep(session)
    found = Session()
    assert "classifier is there again" in Autosave("a", tmp_path).restore(found)
    pixels = np.arange(600, dtype=np.uint8).reshape(20, 30)
    ours, theirs = (tdseg.apply(s.model, pixels).labels for s in (session, found))
    np.testing.assert_array_equal(ours, theirs)
    assert Autosave("b", tmp_path).restore(Session()) is None


def test_only_what_changed_is_written(tmp_path):
    save, session = Autosave("a", tmp_path), trained()
    save.keep(session)
    file = tmp_path / "a" / "classifier.tdseg"
    file.unlink()
    save.keep(session)
    assert not file.exists()
    session.model = trained().model
    save.keep(session)
    assert file.exists()


def test_a_damaged_file_is_told_of(tmp_path):
    Autosave("a", tmp_path).keep(trained())
    (tmp_path / "a" / "classifier.tdseg").write_bytes(b"PK")
    assert "classifier is lost" in Autosave("a", tmp_path).restore(Session())


@pytest.mark.parametrize("name", ["", "../outside", "a/b", "µ", "x" * 65])
def test_other_names_save_nothing(tmp_path, name):
    folder = tmp_path / "sessions"
    folder.mkdir()
    Autosave(name, folder).keep(trained())
    assert [path.name for path in tmp_path.rglob("*")] == ["sessions"]


def test_what_is_old_goes_and_the_newest_of_each_day_stay(tmp_path):
    day = 24 * 3600
    ages = {"now": 0, "week": 7 * day, "month": 30 * day}
    ages |= {f"busy{k:02d}": 2 * day + k for k in range(25)}
    for name, age in ages.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "classes.json").write_text("{}")
        for path in (tmp_path / name / "classes.json", tmp_path / name):
            os.utime(path, (time.time() - age, time.time() - age))
    Autosave("new", tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [*(f"busy{k:02d}" for k in range(19)), "now"]
