"""Files are written completely or not at all."""

from __future__ import annotations

import os

import pytest

from tdseg.errors import TdsegError
from tdseg.runtime.files import write_file


def test_a_new_file_and_each_way_to_meet_an_old_one(tmp_path):
    path = tmp_path / "a.txt"
    assert write_file(path, lambda part: part.write_text("one"))
    with pytest.raises(TdsegError, match=r"a\.txt' exists"):
        write_file(path, lambda part: part.write_text("two"), "error")
    assert not write_file(path, lambda part: part.write_text("two"), "skip")
    assert path.read_text() == "one"
    assert write_file(path, lambda part: part.write_text("two"), "overwrite")
    assert path.read_text() == "two"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(part):
        part.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_file(path, fail, "overwrite")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_what_cannot_be_written_is_said(tmp_path):
    with pytest.raises(TdsegError, match="is a folder"):
        write_file(tmp_path, lambda part: None)
    with pytest.raises(TdsegError, match="does not exist; create it"):
        write_file(tmp_path / "no" / "a.txt", lambda part: None)
    with pytest.raises(TdsegError, match="use one of skip, overwrite, error"):
        write_file(tmp_path / "a.txt", lambda part: None, "maybe")

    def no_space(part):
        raise OSError(28, "No space left on device")

    with pytest.raises(TdsegError, match="No space left on device"):
        write_file(tmp_path / "a.txt", no_space)
