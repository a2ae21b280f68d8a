"""Jobs killed, out of disk, or with damaged files: nothing lost, doubled or half-written."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from batch_jobs import report, results

import tdseg
from tdseg.batch.apply_files import apply_to_files
from tdseg.errors import TdsegError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")

JOB = """
import sys
from pathlib import Path
import tdseg
from tdseg.batch.apply_files import apply_to_files

class Told:
    def update(self, fraction, message=""):
        print("at work", flush=True)

    def note(self, message):
        print(message, flush=True)

model = tdseg.load(sys.argv[1])
print("started", flush=True)
apply_to_files(model, [Path(sys.argv[2])], Path(sys.argv[3]), output="both", progress=Told())
"""


@pytest.fixture
def many(model, tmp_path):
    """A folder of twelve images, a classifier file, and what an undisturbed job makes of them."""
    images = tmp_path / "images"
    images.mkdir()
    rng = np.random.default_rng(6)
    for k in range(12):
        tifffile.imwrite(images / f"{k:02d}.tif", rng.integers(0, 255, (24, 30), np.uint8))
    apply_to_files(model, [images], tmp_path / "right", output="both")
    return images, model.save(tmp_path / "c.tdseg"), tmp_path / "right"


def started(many, out) -> subprocess.Popen[str]:
    images, file, _ = many
    environment = {**os.environ, "PYTHONPATH": str(Path(tdseg.__file__).parents[1])}
    return subprocess.Popen(
        [sys.executable, "-c", JOB, str(file), str(images), str(out)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_a_job_that_is_killed_again_and_again_ends_as_if_it_was_not(many, tmp_path):
    out, rng = tmp_path / "out", np.random.default_rng(int(time.time()))
    for _ in range(4):
        process = started(many, out)
        assert process.stdout is not None
        # At a random moment of its work, wherever that is: reading, computing, writing.
        for _ in range(1 + int(rng.integers(0, 30))):
            if not process.stdout.readline():
                break
        time.sleep(float(rng.uniform(0, 0.02)))
        process.kill()
        process.wait(30)
        process.stdout.close()
        for name in [n for n in results(out) if n.endswith(".tif")] if out.is_dir() else []:
            assert tifffile.imread(out / name).shape[-2:] == (24, 30)  # whole, or not there
    process = started(many, out)
    process.communicate(timeout=120)
    assert process.returncode == 0
    _, _, right = many
    assert results(out) == results(right)  # no temporary file either
    for name in results(right):
        assert (out / name).read_bytes() == (right / name).read_bytes()
    rows, undisturbed = report(out), report(right)
    assert [row["file"] for row in rows] == [row["file"] for row in undisturbed]
    for row, expected in zip(rows, undisturbed, strict=True):
        assert row["status"] in ("written", "skipped")
        # Of the run that made it; nobody knows where that was killed before it wrote its report.
        assert row["seconds"] == "" or float(row["seconds"]) > 0
        same = [key for key in row if key.startswith(("pixels", "area", "fraction", "results"))]
        assert [row[key] for key in same] == [expected[key] for key in same]


def test_ctrl_c_ends_a_job_in_order(many, tmp_path):
    images, file, right = many
    out = tmp_path / "out"
    environment = {**os.environ, "PYTHONPATH": str(Path(tdseg.__file__).parents[1])}
    job = [sys.executable, "-m", "tdseg", "apply", str(file), str(images), "--output=both"]
    process = subprocess.Popen(
        [*job, "--output-folder", str(out)],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        # A shell that put the tests in the background would have it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while process.poll() is None and not list(out.glob("*-labels.tif")):
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    rows = report(out)
    if process.returncode == 0:  # it was faster
        assert len(rows) == 12
        return
    assert process.returncode == 130
    assert said.strip() == "tdseg: Stopped."
    assert {row["status"] for row in rows} == {"written"}
    done = {name for row in rows for name in row["results"].split()}
    assert set(results(out)) == done  # what is there is told, and nothing half-written
    assert done <= set(results(right))


def test_a_full_disk_is_a_row_for_each_image(model, many, tmp_path):
    images, file, _ = many
    limit = 8000  # bytes of a file: the results are larger, the report is smaller
    big = np.random.default_rng(0).integers(0, 255, (120, 120), np.uint8)
    for path in images.glob("*.tif"):
        tifffile.imwrite(path, big)
    out = tmp_path / "out"
    environment = {**os.environ, "PYTHONPATH": str(Path(tdseg.__file__).parents[1])}
    job = [sys.executable, "-m", "tdseg", "apply", str(file), str(images)]
    done = subprocess.run(
        [*job, "--output-folder", str(out), "--contact-sheet=false"],
        preexec_fn=lambda: _limit_files(limit),
        capture_output=True,
        text=True,
        env={**environment, "NUMBA_DISABLE_JIT": "0"},
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("cannot be written") == 12, done.stderr
    assert "Traceback" not in done.stderr
    assert "12 of 12 files failed" in done.stderr
    assert results(out) == []
    assert [row["status"] for row in report(out)] == ["failed"] * 12
    again = apply_to_files(model, [images], out)
    assert {o.status for o in again} == {"written"}


def test_a_report_that_cannot_be_written_meanwhile_does_not_end_the_job(model, folder, monkeypatch):
    from tdseg.batch import report as room

    monkeypatch.setattr(room, "_LEAST_SECONDS", 0.0)
    monkeypatch.setattr(room, "_SHARE", 0)
    whole, calls = room._write, []

    def write(path, columns, rows):
        calls.append(path.name)
        if len(calls) < 3:
            raise TdsegError(f"File '{path}' cannot be written: No space left on device.")
        whole(path, columns, rows)

    monkeypatch.setattr(room, "_write", write)
    outcomes = apply_to_files(model, [folder], folder / "out")
    assert [o.status for o in outcomes] == ["written"] * 3
    assert len(calls) >= 5


def _limit_files(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def test_a_folder_that_cannot_be_written_to_is_told_before_the_work(model, folder):
    with pytest.raises(TdsegError, match=r"Output folder|may not be written to"):
        apply_to_files(model, [folder], Path("/proc/tdseg"))  # root, too, writes nothing there
    if os.geteuid() == 0:
        return
    out = folder / "out"
    out.mkdir()
    out.chmod(0o500)
    try:
        with pytest.raises(TdsegError, match="may not be written to"):
            apply_to_files(model, [folder], out)
    finally:
        out.chmod(0o700)


def test_damaged_images_are_rows_and_the_rest_is_done(model, folder):
    rng = np.random.default_rng(9)
    pixels = rng.integers(0, 255, (24, 20), np.uint8)
    whole = folder / "whole.tif"
    tifffile.imwrite(whole, pixels, compression="zlib", description="x" * 99)
    content = whole.read_bytes()
    for k, cut in enumerate(np.linspace(0, len(content) - 1, 25).astype(int)):
        (folder / f"cut-{k:02d}.tif").write_bytes(content[:cut])
    for k in range(25):
        broken = bytearray(content)
        for place in rng.integers(0, len(content), 3):
            broken[place] ^= int(rng.integers(1, 256))
        (folder / f"flip-{k:02d}.tif").write_bytes(broken)
    outcomes = apply_to_files(model, [folder], folder / "out", contact_sheet=False)
    assert len(outcomes) == len(report(folder / "out")) == 54
    by_name = {o.source.name: o for o in outcomes}
    for name in ("a.tif", "b µ.tif", "c.tif", "whole.tif"):
        assert by_name[name].status == "written"
    for outcome in outcomes:
        assert outcome.status in ("written", "failed")
        assert "\n" not in outcome.error
        if outcome.source.name.startswith("cut"):
            assert outcome.status == "failed"
        if outcome.status == "written":
            expected = tdseg.apply(model, tdseg.read_image(outcome.source)).labels
            found = tdseg.read_image(outcome.written[0]).array[:, :, 0]
            np.testing.assert_array_equal(found, expected)
