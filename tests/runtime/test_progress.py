"""Progress: repeated notes, and a terminal's bar."""

from __future__ import annotations

import io

import pytest

from tdseg.runtime.progress import Counted, Part, Silent, TerminalProgress, counted


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_equal_notes_in_a_row_are_one_line_with_a_count():
    heard = Silent()
    with counted(heard) as progress:
        for _ in range(40):
            Part(progress, 0, 1).note("ROI without a position")
        progress.note("other")
        assert heard.notes == ["ROI without a position (40 times)"]
    assert heard.notes == ["ROI without a position (40 times)", "other"]


def test_notes_that_come_again_later_are_counted_at_the_end_even_after_a_failure():
    heard = Silent()

    def job() -> None:
        with counted(heard) as progress:
            for image in range(5):
                progress.note("8-bit image")
                progress.update(image / 5)
            assert heard.notes == ["8-bit image"]
            progress.note("odd")
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        job()
    assert heard.notes == ["8-bit image", "odd", "8-bit image (4 times more)"]


def test_a_note_is_said_before_the_work_that_follows():
    heard = Silent()
    progress = Counted(heard)
    progress.note("a download begins")
    progress.update(0.0, "downloading")
    assert heard.notes == ["a download begins"]


def test_where_there_is_no_terminal_only_notes_are_printed():
    stream = io.StringIO()
    progress = TerminalProgress(stream)
    for k in range(11):
        progress.update(k / 10, "work")
    progress.note("a line")
    assert stream.getvalue() == "a line\n"


def test_a_terminal_shows_a_bar_that_goes_when_the_work_is_done():
    stream = Terminal()
    progress = TerminalProgress(stream)
    progress.update(0.0, "segmenting größe")
    assert "segmenting größe" in stream.getvalue()
    progress.note("a line")
    assert "\ra line\n" in stream.getvalue().replace(" ", "").replace("aline", "a line")
    progress.update(1.0)
    assert stream.getvalue().endswith("\r")
    assert stream.getvalue().split("\r")[-2].strip() == ""
