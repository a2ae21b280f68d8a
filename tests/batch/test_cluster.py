"""A job on a real Dask cluster of separate processes: the results are those of one process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import distributed
import numpy as np
import pytest
import tifffile
from batch_jobs import report, results

import tdseg
from tdseg.batch import on_worker
from tdseg.batch.apply_files import apply_to_files
from tdseg.batch.existing import Decision
from tdseg.batch.inputs import find_sources
from tdseg.batch.on_worker import JobPlugin
from tdseg.batch.one_file import FileWork, JobSpec
from tdseg.batch.targets import plan_targets
from tdseg.errors import TdsegError
from tdseg.options.groups import ApplyJobOptions
from tdseg.runtime.progress import Silent

SOURCE = str(Path(tdseg.__file__).parents[1])
pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")


class Cluster:
    """A scheduler and workers, each a process of its own without a nanny."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._environment = {
            **os.environ,
            "PYTHONPATH": SOURCE,
            "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "20s",
        }
        file = folder / "scheduler.json"
        options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show"]
        self._processes = [self._start("scheduler", *options, "--scheduler-file", str(file))]
        while not file.exists() or not file.read_text().endswith("}"):
            time.sleep(0.05)
        self.third: subprocess.Popen[bytes]
        self.address = json.loads(file.read_text())["address"]

    def _start(self, *line: str) -> subprocess.Popen[bytes]:
        with (self._folder / "log.txt").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "distributed.cli.dask_" + line[0], *line[1:]],
                env=self._environment,
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )

    def add_worker(self, *more: str) -> subprocess.Popen[bytes]:
        """Start a worker; it is ready somewhat later."""
        place = ["--local-directory", str(self._folder), "--no-dashboard"]
        process = self._start(
            "worker", self.address, "--nthreads", "1", "--no-nanny", *place, *more
        )
        self._processes.append(process)
        return process

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait(20)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    found.add_worker()
    found.add_worker()
    found.third = found.add_worker("--resources", "GPU=1", "--name", "third")
    with distributed.Client(found.address, set_as_default=False) as client:
        client.wait_for_workers(3, timeout=120)
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def images(tmp_path):
    """Twelve images in two folders, one damaged, and truth for two."""
    folder = tmp_path / "images"
    (folder / "day 1").mkdir(parents=True)
    rng = np.random.default_rng(7)
    for k in range(12):
        path = folder / ("day 1" if k % 2 else "") / f"{k:02d}.tif"
        tifffile.imwrite(path, rng.integers(0, 255, (24, 30), np.uint8), imagej=True)
        if k < 2:
            tifffile.imwrite(path.with_suffix(".truth"), rng.integers(0, 3, (24, 30), np.uint8))
    (folder / "05 broken.tif").write_bytes(b"II*\0 nothing")
    return folder


OPTIONS = {"recursive": True, "output": "both", "truth": "*.truth", "particles": True}


def alike(out: Path, whole: Path) -> None:
    """Compare results byte by byte, and the reports but for times."""
    assert results(out) == results(whole)
    for name in results(whole):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    rows = [[{**row, "seconds": ""} for row in report(folder)] for folder in (out, whole)]
    assert rows[0] == rows[1]
    for name in ("report-classes.csv", "contact-sheet-001.png"):
        assert (out / name).exists()
    assert (out / "report-classes.csv").read_bytes() == (whole / "report-classes.csv").read_bytes()


class Watch(Silent):
    """Calls something once so many files are done."""

    def __init__(self, after: int, call) -> None:
        super().__init__()
        self._after, self._call = after, call

    def update(self, fraction, message=""):
        number = message.partition(" of ")[0]
        if self._call and number.isdecimal() and int(number) > self._after:
            call, self._call = self._call, None
            call()


def test_a_worker_that_dies_with_a_file_written_counts_it_as_written(model, folder, tmp_path):
    out = tmp_path / "out"
    apply_to_files(model, [folder], out, output="both")
    (out / "b µ-probabilities.tif").unlink()
    before = {name: (out / name).stat().st_mtime_ns for name in results(out)}
    # As the task of a lost worker is tried again: it was to write what lies there meanwhile.
    planned, work = _plan(model, folder, out)
    told = on_worker._Told(threading.Event())
    for one in planned:
        decision = Decision(dict(one.targets), "error")
        done = on_worker._done(work, one, decision, told)
        outcome, pair = done.outcome, done.pair
        assert outcome.status == "written"
        assert set(outcome.written) == set(one.targets.values())
        assert outcome.facts["pixels"]
        assert pair is not None
    assert {n: (out / n).stat().st_mtime_ns for n in before} == before
    assert len(results(out)) == 6


def _plan(model, folder, out):
    planned = plan_targets(find_sources([folder], leave_out=out), out, "both")
    options = ApplyJobOptions(output="both")
    return planned, FileWork(JobSpec(model, model.settings, "all", options))


def test_ctrl_c_cancels_what_is_not_done(model, images, tmp_path, cluster):
    def stop():
        raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        apply_to_files(
            model, [images], out, scheduler=cluster.address, progress=Watch(3, stop), **OPTIONS
        )
    done = {row["file"] for row in report(out)}
    assert 3 <= len(done) < 13
    outcomes = apply_to_files(model, [images], out, scheduler=cluster.address, **OPTIONS)
    assert {o.status for o in outcomes if not o.error} == {"skipped", "written"}
    with distributed.Client(cluster.address, set_as_default=False) as client:
        assert client.run(on_worker.jobs_here) == dict.fromkeys(client.nthreads(), 0)
    assert not list(out.rglob("*.part"))


def test_workers_that_are_not_alike_are_refused(model, folder, tmp_path, cluster, monkeypatch):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        version = on_worker.metadata.version  # of this machine only
        patch.setattr(
            on_worker.metadata, "version", lambda name: "1" if name == "torch" else version(name)
        )
        with pytest.raises(TdsegError, match=r"Worker tcp\S+ has torch .*, the job 1; install"):
            apply_to_files(model, [folder], out, scheduler=cluster.address)
    assert results(out) == []
    # A worker that comes later looks for itself.
    planned, _ = _plan(model, folder, out)
    plugin = JobPlugin(
        "job", b"", "", model.settings, "all", ApplyJobOptions(), f"{tmp_path}/elsewhere/probe"
    )
    with distributed.Client(cluster.address, set_as_default=False) as client:
        client.register_plugin(plugin, name="job")
        task = client.submit(on_worker.do_file, "job", planned[0], Decision())
        with pytest.raises(TdsegError, match=r"does not see '.*elsewhere', the results' folder"):
            task.result(20)
        client.unregister_worker_plugin("job")


def test_a_gpu_is_kept_by_its_resource(model, images, tmp_path, cluster):
    busy = []
    with distributed.Client(cluster.address, set_as_default=False) as client:
        workers = client.scheduler_info()["workers"].items()
        (address,) = [where for where, facts in workers if facts["name"] == "third"]

        def look():
            busy.extend(where for where, keys in client.processing().items() if keys)

        settings = model.settings.with_(device="cuda")
        options = {"settings": settings, "scheduler": cluster.address, "recursive": True}
        apply_to_files(model, [images], tmp_path / "out", progress=Watch(2, look), **options)
    assert busy == [address]
    assert len(results(tmp_path / "out")) == 12


def test_a_worker_that_is_killed_costs_nothing(model, images, tmp_path, cluster):
    whole, out = tmp_path / "whole", tmp_path / "out"
    expected = apply_to_files(model, [images], whole, **OPTIONS)
    progress = Watch(2, lambda: cluster.third.send_signal(signal.SIGKILL))
    outcomes = apply_to_files(
        model, [images], out, scheduler=cluster.address, progress=progress, **OPTIONS
    )
    assert cluster.third.wait(20) == -signal.SIGKILL
    alike(out, whole)
    assert [o.place for o in outcomes] == [o.place for o in expected]
    assert [o.status for o in outcomes].count("written") == 12
    assert [o.place for o in outcomes if o.error] == ["05 broken.tif"]
    # Started again, nothing is left to do.
    again = apply_to_files(model, [images], out, scheduler=cluster.address, **OPTIONS)
    assert [o.status for o in again if not o.error] == ["skipped"] * 12
    # Nor is there a worker any more with what it had.
    settings = model.settings.with_(device="cuda")
    options = {"settings": settings, "scheduler": cluster.address}
    with pytest.raises(TdsegError, match="no worker has the resource GPU"):
        apply_to_files(model, [images], tmp_path / "gpu", **options)


def test_blocks_of_a_large_image_are_tasks(model, tmp_path, cluster):
    pixels = np.random.default_rng(3).integers(0, 255, (96, 130), np.uint8)
    images = tmp_path / "images"
    images.mkdir()
    tifffile.imwrite(images / "a.ome.tif", pixels, ome=True, tile=(32, 32))
    (images / "broken.ome.tif").write_bytes(b"II*\0")
    settings = model.settings.with_(tile=48)
    options = {"settings": settings, "format": "zarr", "output": "both"}
    apply_to_files(model, [images], tmp_path / "whole", **options)
    blocks = []

    class Heard(Silent):
        def update(self, fraction, message=""):
            if "blocks" in message:
                blocks.append(message)

    found = apply_to_files(
        model,
        [images],
        tmp_path / "out",
        scheduler=cluster.address,
        progress=Heard(),
        **options,
    )
    assert [o.status for o in found] == ["written", "failed"]
    assert any("a.ome.tif: " in message and " blocks" in message for message in blocks)
    assert results(tmp_path / "out") == results(tmp_path / "whole")
    for name in results(tmp_path / "whole"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_what_cannot_be_distributed_is_a_sentence(model, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("tdseg.batch.cluster._CONNECT_SECONDS", 1)
    options = {"scheduler": "tcp://127.0.0.1:9"}
    with pytest.raises(TdsegError, match="reader=tdseg"):
        apply_to_files(model, [folder], tmp_path / "out", read=tdseg.read_image, **options)
    with pytest.raises(TdsegError, match=r"No Dask scheduler answers at 'tcp:"):
        apply_to_files(model, [folder], tmp_path / "out", **options)


def test_without_the_extra_a_sentence_tells_it(model, folder, tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("distributed")]:
        monkeypatch.setitem(sys.modules, name, None)
    for name in ("tdseg.batch.cluster", "tdseg.batch.on_worker"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(TdsegError, match=r"pip install tdseg\[cluster\]"):
        apply_to_files(model, [folder], tmp_path / "out", scheduler="local")


def test_workers_of_this_machine(model, folder, tmp_path):
    """As a user calls it: in a process of its own, from the command line."""
    file = model.save(tmp_path / "c.tdseg")
    whole, out = tmp_path / "whole", tmp_path / "out"
    apply_to_files(model, [folder], whole, filter="*.tif")
    line = ["apply", str(file), str(folder), "--output-folder", str(out), "--filter", "*.tif"]
    done = subprocess.run(
        [sys.executable, "-m", "tdseg", *line, "--scheduler", "local"],
        env={**os.environ, "PYTHONPATH": SOURCE, "TDSEG_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 images: 3 segmented" in done.stdout
    assert results(out) == results(whole)
    for name in results(whole):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
