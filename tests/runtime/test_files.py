"""Files are written completely or not at all, and every name is answered in one sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tdseg.errors import TdsegError
from tdseg.runtime import leftovers
from tdseg.runtime.files import (
    check_output_folder,
    check_source,
    check_target,
    exists,
    is_file,
    is_folder,
    make_folder,
    write_file,
)

as_user = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root enters every folder"
)
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")


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
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("links", [True, False])
def test_of_writers_that_race_for_one_name_one_wins(tmp_path, monkeypatch, links):
    if not links:  # as on FAT

        def refuse(*_):
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", refuse)
    path, count = tmp_path / "a.txt", 6
    together = threading.Barrier(count)
    wrote: list[int] = []

    def one(number: int) -> None:
        def write(part: Path) -> None:
            part.write_text(str(number))
            together.wait(20)  # all have found the name free

        if write_file(path, write, "skip"):
            wrote.append(number)

    threads = [threading.Thread(target=one, args=(k,)) for k in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [path.read_text()] == [str(k) for k in wrote]
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path):
    path = tmp_path / "a.txt"

    def late(part: Path) -> None:
        part.write_text("mine")
        path.write_text("another's")

    with pytest.raises(TdsegError, match="exists"):
        write_file(path, late, "error")
    assert path.read_text() == "another's"


@posix
@pytest.mark.parametrize("name", ["x" * 255, "ö" * 127, os.fsdecode(b"gr\xf6\xdfe.tif")])
def test_every_name_that_the_file_system_takes_can_be_written(tmp_path, name):
    try:
        (tmp_path / name).write_text("")
    except (OSError, ValueError):
        pytest.skip("not a name on this file system")
    assert write_file(tmp_path / name, lambda part: part.write_text("one"), "overwrite")
    assert check_source(tmp_path / name).read_text() == "one"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("x" * 300, "too long a name"),
        ("a/" + "y" * 5000, "too long a name"),
        ("a\0b", "characters that no file name can have"),
        ("a\ud800b", "characters that no file name can have"),
    ],
)
def test_impossible_names_are_one_sentence_everywhere(tmp_path, name, words):
    path = tmp_path / name
    questions = [exists, is_file, is_folder, check_source, check_target, make_folder]
    for ask in questions:
        with pytest.raises(TdsegError, match=words) as caught:
            ask(path)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 400


@posix
@as_user
def test_folders_without_rights_are_one_sentence_everywhere(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0)
    try:
        for ask in (exists, is_file, is_folder, check_source, check_target, make_folder):
            with pytest.raises(TdsegError, match="folder that you may not enter"):
                ask(closed / "a.txt")
        closed.chmod(0o500)
        assert not exists(closed / "a.txt")
        with pytest.raises(TdsegError, match="may not be written to"):
            check_target(closed / "a.txt")
        with pytest.raises(TdsegError, match="may not be written to"):
            check_output_folder(closed / "new" / "deeper")
    finally:
        closed.chmod(0o700)


def test_sources_are_regular_files(tmp_path):
    with pytest.raises(TdsegError, match=r"no label file '.*none'"):
        check_source(tmp_path / "none", "label file")
    with pytest.raises(TdsegError, match="is a folder"):
        check_source(tmp_path)
    (tmp_path / "a").write_text("")
    with pytest.raises(TdsegError, match="There is no file"):
        check_source(tmp_path / "a" / "b")
    with pytest.raises(TdsegError, match="is a file, not a folder"):
        check_output_folder(tmp_path / "a" / "b")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(TdsegError, match="pipe or a device"):
            check_source(tmp_path / "pipe")


@posix
def test_what_a_killed_writer_left_is_swept_and_what_a_living_one_writes_is_not(tmp_path):
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom tdseg.runtime.files import write_file\n"
        "def write(part):\n"
        "    part.write_text('half')\n"
        "    print(part, flush=True)\n"
        "    time.sleep(60)\n"
        "write_file(Path(sys.argv[1]), write)\n"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "a.txt")], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    part = Path(writer.stdout.readline().strip())
    others = tmp_path / ".other.part"
    others.write_text("not ours")
    two_days_ago = time.time() - 2 * 86400
    for path in (part, others):
        os.utime(path, (two_days_ago, two_days_ago))
    assert leftovers.sweep(tmp_path) == []  # its writer lives
    writer.send_signal(signal.SIGKILL)
    writer.wait(20)
    writer.stdout.close()
    foreign = tmp_path / ".tdseg-000000000000.part"  # of another machine, whose locks may not show
    part.rename(foreign)
    os.utime(foreign)
    assert leftovers.sweep(tmp_path) == []
    foreign.rename(part)
    assert leftovers.sweep(tmp_path) == [part]  # of this machine, however young
    foreign.write_text("half")
    os.utime(foreign, (time.time() - 4000,) * 2)
    assert write_file(tmp_path / "b.txt", lambda new: new.write_text("whole"))
    assert sorted(os.listdir(tmp_path)) == [".other.part", "b.txt"]


@posix
def test_writers_and_sweepers_at_the_same_time_lose_nothing(tmp_path):
    stop = threading.Event()

    def sweeping() -> None:
        while not stop.is_set():
            leftovers.sweep(tmp_path)

    sweepers = [threading.Thread(target=sweeping) for _ in range(2)]
    for thread in sweepers:
        thread.start()
    try:
        for number in range(300):
            assert write_file(tmp_path / f"{number}", lambda part: part.write_text("whole"))
    finally:
        stop.set()
        for thread in sweepers:
            thread.join(30)
    assert len(os.listdir(tmp_path)) == 300
    assert all((tmp_path / f"{number}").read_text() == "whole" for number in range(300))
