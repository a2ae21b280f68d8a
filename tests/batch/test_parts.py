"""A job in parts: each its own process, no image twice or never, one report in the end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from batch_jobs import report, results

import tdseg
from tdseg.batch.apply_files import apply_to_files
from tdseg.batch.parts import FOLDER, Share, join_parts
from tdseg.cli import main
from tdseg.errors import TdsegError
from tdseg.runtime.progress import Silent

PART = """
import sys
from pathlib import Path
import tdseg
from tdseg.batch.apply_files import apply_to_files

class Beginning:
    begun = False
    def update(self, fraction, message=""):
        if not self.begun:
            print("ready", flush=True)
            sys.stdin.readline()  # all parts begin at once
        self.begun = True

    def note(self, message):
        print(message, flush=True)

model, images, out, part = tdseg.load(sys.argv[1]), *map(Path, sys.argv[2:4]), sys.argv[4]
apply_to_files(model, [images], out, output="both", part=part, progress=Beginning())
"""


@pytest.fixture
def images(tmp_path):
    """Seven images in two folders, one of them damaged, with truth for two."""
    folder = tmp_path / "images"
    (folder / "day 1").mkdir(parents=True)
    rng = np.random.default_rng(7)
    for k in range(6):
        path = folder / ("day 1" if k % 2 else "") / f"{k}.tif"
        tifffile.imwrite(path, rng.integers(0, 255, (24, 30), np.uint8), imagej=True)
        if k < 2:
            tifffile.imwrite(path.with_suffix(".png.truth"), rng.integers(0, 3, (24, 30), np.uint8))
    (folder / "broken.tif").write_bytes(b"II*\0 nothing")
    return folder


def without_seconds(out: Path) -> list[dict[str, str]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in report(out)]


def test_parts_in_processes_that_begin_at_once_make_what_one_process_makes(model, images, tmp_path):
    for path in images.glob("*.tif"):  # no folders: the parts list as the script below does
        path.rename(images / "day 1" / path.name)
    images = images / "day 1"
    whole, out = tmp_path / "whole", tmp_path / "out"
    apply_to_files(model, [images], whole, output="both")
    file = model.save(tmp_path / "c.tdseg")
    environment = {**os.environ, "PYTHONPATH": str(Path(tdseg.__file__).parents[1])}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PART, str(file), str(images), str(out), f"{k}/3"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for k in (1, 2, 3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    said = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        said.append(process.communicate(timeout=120)[0])
        assert process.returncode == 0
    assert results(out) == results(whole)
    assert len(results(out)) == 12
    for name in results(whole):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    assert without_seconds(out) == without_seconds(whole)
    assert (out / "report-classes.csv").read_bytes() == (whole / "report-classes.csv").read_bytes()
    assert any("all have ended" in text for text in said)
    sheets = sorted(path.name for path in out.glob("*.png"))
    assert sheets == [f"contact-sheet-part-{k}-of-3-001.png" for k in (1, 2, 3)]


def test_each_part_has_its_rows_and_the_last_one_joins_them(model, images, tmp_path):
    whole, out = tmp_path / "whole", tmp_path / "out"
    options = {"recursive": True, "truth": "*.png.truth", "particles": True, "filter": "*.tif"}
    expected = apply_to_files(model, [images], whole, **options)
    found = []
    for part in ("2/3", "3/3", "1/3"):
        assert not (out / "report.csv").exists()
        progress = Silent()
        found += apply_to_files(model, [images], out, part=part, progress=progress, **options)
    assert "the report has the rows of all" in progress.notes[-1]
    assert sorted(o.place for o in found) == sorted(o.place for o in expected)
    assert without_seconds(out) == without_seconds(whole)
    assert (out / "report-classes.csv").read_bytes() == (whole / "report-classes.csv").read_bytes()
    assert any(row["mIoU"] for row in report(out))
    # Started again, everything is there; how long it took is still known.
    before = report(out)
    for k in (1, 2, 3):
        again = apply_to_files(model, [images], out, part=f"{k}/3", **options)
        assert {o.status for o in again} <= {"skipped", "failed"}
    assert [row["seconds"] for row in report(out)] == [row["seconds"] for row in before]


def test_more_parts_than_images_and_rows_of_a_part_that_is_missing(model, folder, tmp_path, capsys):
    out = tmp_path / "out"
    for k in (1, 2, 4, 5):
        apply_to_files(model, [folder], out, part=f"{k}/5", filter="*.tif")
    assert main(["report", str(out)]) == 1
    assert "4 of 5 parts have ended; not begun: 3." in capsys.readouterr().out
    assert [row["file"] for row in report(out)] == ["a.tif", "b µ.tif"]
    (outcome,) = apply_to_files(model, [folder], out, part="3/5", filter="*.tif")
    assert outcome.place == "c.tif"
    assert main(["report", str(out)]) == 0
    assert [row["status"] for row in report(out)] == ["written"] * 3
    assert "3 images: 3 segmented" in capsys.readouterr().out


def test_a_part_that_is_stopped_keeps_its_rows(model, folder, tmp_path):
    class Stop(Silent):
        def update(self, fraction, message=""):
            if message.startswith("2 of 3"):
                raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        apply_to_files(model, [folder], out, part="1/1", filter="*.tif", progress=Stop())
    joined = join_parts(out)
    assert (joined.ended, joined.running) == ([], [1])
    assert [row["file"] for row in report(out)] == ["a.tif"]
    apply_to_files(model, [folder], out, part="1/1", filter="*.tif")
    assert [row["status"] for row in report(out)] == ["skipped", "written", "written"]
    assert all(float(row["seconds"]) > 0 for row in report(out))
    assert join_parts(out).running == []


def test_parts_of_other_jobs_are_not_joined(model, other_model, folder, tmp_path):
    out = tmp_path / "out"
    apply_to_files(model, [folder], out, part="1/2", filter="*.tif")
    apply_to_files(other_model, [folder], out, part="2/2", filter="*.tif", suffix="_x")
    assert not (out / "report.csv").exists()
    assert join_parts(out).ended == [2]
    # An image that came meanwhile would be in no part's share, or in two.
    tifffile.imwrite(folder / "aa.tif", np.zeros((20, 30), np.uint8))
    apply_to_files(model, [folder], out, part="2/2", filter="*.tif")
    assert join_parts(out).ended == [2]
    apply_to_files(model, [folder], out, part="1/2", filter="*.tif")
    assert [row["file"] for row in report(out)] == ["a.tif", "aa.tif", "b µ.tif", "c.tif"]


def test_results_beside_the_images_do_not_move_the_shares(model, folder):
    for k in (1, 2):
        apply_to_files(model, [folder], folder, part=f"{k}/2", output="both")
    rows = report(folder)
    assert [row["file"] for row in rows] == ["a.tif", "b µ.tif", "c.tif"]
    assert [row["status"] for row in rows] == ["written"] * 3


@pytest.mark.parametrize("text", ["0/4", "5/4", "0/0"])
def test_parts_that_do_not_exist_are_refused(model, folder, text):
    with pytest.raises(TdsegError, match="Key 'part'"):
        apply_to_files(model, [folder], folder / "out", part=text)
    assert not (folder / "out").exists()


@pytest.mark.parametrize("count", [1, 3, 7, 50])
def test_shares_are_all_images_once_and_even(count):
    shares = [Share(k, count).numbers(23) for k in range(1, count + 1)]
    assert sorted(number for share in shares for number in share) == list(range(23))
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1


def test_a_damaged_file_of_rows_is_a_sentence(model, folder, tmp_path):
    apply_to_files(model, [folder], tmp_path / "out", part="1/1", filter="*.tif")
    (rows,) = (tmp_path / "out" / FOLDER).iterdir()
    rows.write_text(rows.read_text()[:50])
    with pytest.raises(TdsegError, match=re.escape(rows.name)):
        join_parts(tmp_path / "out")
    apply_to_files(model, [folder], tmp_path / "out", part="1/1", filter="*.tif")
    assert len(report(tmp_path / "out")) == 3
