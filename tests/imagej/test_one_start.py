"""Processes that start ImageJ together do not take each other's jars away."""

from __future__ import annotations

import threading

from tdseg.imagej.one_start import one_start_at_a_time


def test_starts_follow_one_another(tmp_path):
    inside, most = [], []

    def start(name: int) -> None:
        with one_start_at_a_time(tmp_path / "new"):
            inside.append(name)
            most.append(len(inside))
            threading.Event().wait(0.02)
            inside.remove(name)

    threads = [threading.Thread(target=start, args=(k,)) for k in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 5


def test_a_folder_that_cannot_be_written_holds_up_nothing(tmp_path):
    (tmp_path / "file").write_text("x")
    with one_start_at_a_time(tmp_path / "file"):
        pass
    with one_start_at_a_time(tmp_path / "file" / "below"):
        pass
