"""What folder jobs survive, and what the overlap of reading, computing and writing is worth.

    python benchmarks/folder_jobs.py kills [--times 50]
    python benchmarks/folder_jobs.py damaged [--cuts 200] [--flips 200]
    python benchmarks/folder_jobs.py disk
    python benchmarks/folder_jobs.py pace [--images 40]
    python benchmarks/folder_jobs.py memory [--images 500] [--reader imagej]
    python benchmarks/folder_jobs.py cost [--images 3]

``kills``: a job over small images is killed (SIGKILL) at random moments until it has ended; the
pixels of its results are compared with those of a job that was left alone. ``damaged``: TIFFs cut
at many places, and with random bytes changed. ``disk``: a file system of 2 MB (needs the right to
mount one). ``pace``: seconds of the whole job, and of reading and applying alone. ``memory``: of
the process when a tenth of the images is done, and at the end; with ImageJ as the reader also what
is left in Java's heap when its garbage has been collected. ``cost``: processor seconds of a
1024x1024 image on one thread, and what a million of them cost.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import tifffile

import tdseg
from tdseg.batch.apply_files import apply_to_files
from tdseg.batch.one_file import Read
from tdseg.commands.folder import reader_of
from tdseg.runtime.threads import set_thread_count

WATCHED = """
import sys
from pathlib import Path
import tdseg
from tdseg.batch.apply_files import apply_to_files

class Told:
    def update(self, fraction, message=""):
        print(fraction, flush=True)

    def note(self, message):
        pass

model, options = tdseg.load(sys.argv[1]), {"recursive": True, "output": "both"}
apply_to_files(model, [Path(sys.argv[2])], Path(sys.argv[3]), progress=Told(), **options)
"""
JOB = [sys.executable, "-m", "tdseg", "apply"]


def train(size: int = 64) -> tdseg.Model:
    """Train a small classical classifier."""
    rng = np.random.default_rng(0)
    half = (size, size // 2)
    pixels = np.concatenate([rng.integers(0, 90, half), rng.integers(150, 255, half)], 1)
    labels = np.zeros(pixels.shape, np.uint8)
    labels[8:-8, 4:12], labels[8:-8, -12:-4] = 1, 2
    settings = tdseg.Settings(features="classical", trees=20, held_out=False)
    return tdseg.train([(pixels.astype(np.uint8), labels)], settings)


def write_images(folder: Path, count: int, size: int) -> None:
    """Write noise in two subfolders."""
    rng = np.random.default_rng(1)
    for k in range(count):
        path = folder / f"part {k % 2}" / f"{k:03d}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, rng.integers(0, 255, (size, size), np.uint8), imagej=True)


def report_of(out: Path) -> list[dict[str, str]]:
    """Read the report of a job."""
    with (out / "report.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def kills(options: argparse.Namespace, work: Path) -> None:
    """Kill a job again and again, each time within its first images."""
    model, rng = train(), np.random.default_rng(options.seed)
    file, killed = model.save(work / "c.tdseg"), 0
    faults = dict.fromkeys(("lost", "doubled", "damaged", "temporary files", "wrong rows"), 0)
    jobs = 0
    while killed < options.times:
        jobs += 1
        images, out, left_alone = (work / f"{what} {jobs}" for what in ("images", "out", "right"))
        write_images(images, options.images, 64)
        right = apply_to_files(model, [images], left_alone, recursive=True, output="both")
        while True:
            process = subprocess.Popen(
                [sys.executable, "-c", WATCHED, str(file), str(images), str(out)],
                stdout=subprocess.PIPE,
            )
            assert process.stdout is not None
            process.stdout.readline()  # it is at work
            if killed >= options.times:
                process.communicate()
                break
            try:
                process.wait(float(rng.uniform(0, options.within)))
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                killed += 1
        expected = {path.relative_to(left_alone) for o in right for path in o.written}
        found = {path.relative_to(out) for path in out.rglob("*.tif")}
        faults["lost"] += len(expected - found)
        faults["doubled"] += len(found - expected)
        faults["temporary files"] += len(list(out.rglob("*.part")))
        faults["damaged"] += sum(not alike(out / n, left_alone / n) for n in expected & found)
        rows = report_of(out)
        faults["wrong rows"] += [row["file"] for row in rows] != [o.place for o in right]
        faults["wrong rows"] += sum(row["status"] not in ("written", "skipped") for row in rows)
    found = ", ".join(f"{count} {what}" for what, count in faults.items())
    where = f"{jobs} job{'s' if jobs > 1 else ''} of {options.images} images, two results each"
    print(f"{killed} kills at work in {where}: {found}")


def alike(path: Path, right: Path) -> bool:
    """Compare the pixels of two results."""
    try:
        return np.array_equal(tifffile.imread(path), tifffile.imread(right))
    except Exception:  # a damaged file provokes anything
        return False


def damaged(options: argparse.Namespace, work: Path) -> None:
    """Apply to cut and changed files."""
    model, rng = train(), np.random.default_rng(options.seed)
    images = work / "images"
    images.mkdir()
    pixels = rng.integers(0, 255, (64, 64), np.uint16)
    kinds = {
        "plain": {"imagej": True},
        "tiled": {"tile": (16, 16), "compression": "zlib", "predictor": True},
        "ome": {"ome": True, "compression": "lzw"},
    }
    for name, how in kinds.items():
        whole = work / f"{name}.{'ome.' if name == 'ome' else ''}tif"
        tifffile.imwrite(whole, pixels, **how)
        content = whole.read_bytes()
        for k, cut in enumerate(np.linspace(0, len(content) - 1, options.cuts).astype(int)):
            (images / f"{name} cut {k:03d}.tif").write_bytes(content[:cut])
        for k in range(options.flips):
            broken = bytearray(content)
            # Half of the changes fall into the first bytes, where the header is.
            reach = len(content) if k % 2 else 512
            for place in rng.integers(0, reach, 1 + k % 4):
                broken[place] = int(rng.integers(0, 256))
            (images / f"{name} flip {k:03d}.tif").write_bytes(broken)
    outcomes = apply_to_files(model, [images], work / "out", contact_sheet=False)
    rows = report_of(work / "out")
    failed = sum(o.status == "failed" for o in outcomes)
    traces = sum("Error: " in o.error or "\n" in o.error for o in outcomes)
    print(
        f"{len(outcomes)} damaged files, {len(rows)} rows: {failed} failed with a sentence, "
        f"{len(outcomes) - failed} were segmented all the same; {traces} unforeseen errors"
    )


def disk(options: argparse.Namespace, work: Path) -> None:
    """Fill a small file system."""
    model = train()
    file = model.save(work / "c.tdseg")
    write_images(work / "images", 60, 256)
    small = work / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)], check=True)
    try:
        out = small / "out"
        line = [*JOB, str(file), str(work / "images"), "--output-folder", str(out), "--recursive"]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        rows = report_of(out)
        states = [row["status"] for row in rows]
        whole = sum(tifffile.imread(p).shape == (256, 256) for p in out.rglob("*.tif"))
        found = (
            f"60 results into 2 MB: status {done.returncode}, {len(rows)} rows, "
            f"{states.count('written')} written, {states.count('failed')} failed, {whole} whole, "
            f"{len(list(out.rglob('*.part')))} temporary, traces: {'Traceback' in done.stderr}; "
        )
        subprocess.run(["mount", "-o", "remount,size=64m", str(small)], check=True)
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        states = [row["status"] for row in report_of(out)]
        print(
            f"{found}with room again: status {done.returncode}, "
            f"{states.count('skipped')} skipped, {states.count('written')} written"
        )
    finally:
        subprocess.run(["umount", str(small)], check=True)


def pace(options: argparse.Namespace, work: Path) -> None:
    """Compare a job with its parts, one after the other."""
    model = train()
    write_images(work / "images", options.images, 512)
    files = sorted((work / "images").rglob("*.tif"))
    apply_to_files(model, files[:2], work / "warm")
    began, cpu = time.perf_counter(), time.process_time()
    apply_to_files(model, files, work / "out", contact_sheet=options.sheets)
    whole = time.perf_counter() - began
    used = time.process_time() - cpu
    began = time.perf_counter()
    for path in files:
        tdseg.apply(model, tdseg.read_image(path), probabilities=False)
    plain = time.perf_counter() - began
    began = time.perf_counter()
    again = apply_to_files(model, files, work / "out", contact_sheet=options.sheets)
    skipping = time.perf_counter() - began
    assert all(o.status == "skipped" for o in again)
    count = len(files)
    print(f"{count} images of 512x512: job {whole:.2f} s ({used:.2f} CPU s), ")
    print(f"read and apply alone {plain:.2f} s; looking at {count} results {skipping:.2f} s")


def memory(options: argparse.Namespace, work: Path) -> None:
    """Watch the memory of the process while a job runs."""
    write_images(work / "images", options.images, 256)
    if options.reader == "imagej":
        from tdseg import imagej

        with imagej.start(headless=True):
            from tdseg.imagej.host import fiji_host
            from tdseg.imagej.java import jc

            def heap() -> float:
                jc.System.gc()
                free, total = (
                    jc.Runtime.getRuntime().freeMemory,
                    jc.Runtime.getRuntime().totalMemory,
                )
                return float(total() - free()) / 2**20

            watch_memory(options.images, work, reader_of("imagej", fiji_host()), heap)
    else:
        watch_memory(options.images, work, None, None)


def watch_memory(
    images: int, work: Path, read: Read | None, heap: Callable[[], float] | None
) -> None:
    """Run the job; print the largest memory until a part of it was done."""
    model, process = train(), psutil.Process()
    seen: list[tuple[float, float]] = []
    heaps: dict[int, float] = {}

    class Watch:
        def update(self, fraction: float, message: str = "") -> None:
            seen.append((fraction, process.memory_info().rss / 2**20))
            tenth = int(10 * fraction)
            if heap is not None and tenth not in heaps:
                heaps[tenth] = heap()

        def note(self, message: str) -> None:
            pass

    out = work / "out"
    apply_to_files(model, [work / "images"], out, recursive=True, progress=Watch(), read=read)
    parts = {f: max(mb for done, mb in seen if f - 0.1 <= done <= f) for f in (0.1, 0.5, 1.0)}
    figures = ", ".join(f"{mb:.0f} until {f:.0%} were done" for f, mb in parts.items())
    text = f"{images} images of 256x256, largest memory in MB: {figures}"
    if heaps:
        text += (
            f"; of Java's heap after collection: {heaps[1]:.1f}, {heaps[5]:.1f}, {heaps[10]:.1f}"
        )
    print(text)


COSTS = (
    ("classical", "random_forest"),
    ("classical", "logistic_regression"),
    ("hybrid", "random_forest"),
    ("hybrid", "logistic_regression"),
)


def cost(options: argparse.Namespace, work: Path) -> None:
    """Measure processor seconds of a whole job on one thread, for each image."""
    import torch

    set_thread_count(1)
    torch.set_num_threads(1)
    write_images(work / "images", options.images + 1, 1024)
    files = sorted((work / "images").rglob("*.tif"))
    pixels = tifffile.imread(files[0])
    labels = np.zeros(pixels.shape, np.uint8)
    labels[100:140, 100:140], labels[700:740, 300:340] = 1, 2
    for features, classifier in COSTS:
        settings = tdseg.Settings(features=features, classifier=classifier, held_out=False)
        model = tdseg.train([(pixels, labels)], settings)
        out = work / f"{features} {classifier}"
        apply_to_files(model, files[:1], out)  # loads networks, compiles
        began, cpu = time.perf_counter(), time.process_time()
        apply_to_files(model, files, out)
        count, cpu = len(files) - 1, time.process_time() - cpu
        clock = time.perf_counter() - began
        size = sum(path.stat().st_size for path in out.rglob("*-labels.tif")) / len(files)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        print(
            f"{features} {classifier}: {cpu / count:.1f} CPU s an image of 1024x1024 "
            f"({clock / count:.1f} s by the clock), result {size / 2**20:.2f} MiB, at most "
            f"{peak:.0f} MiB so far; a million: {cpu / count * 1e6 / 3600:,.0f} core-hours, "
            f"{cpu / count * 1e4 / 3600:.1f} h on 100 cores, {size * 1e6 / 2**40:.2f} TiB"
        )


def main() -> None:
    """Run one of the six."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("kills", "damaged", "disk", "pace", "memory", "cost"))
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--within", type=float, default=1.0, help="seconds at work before a kill")
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--flips", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--sheets", action="store_true")
    parser.add_argument("--reader", choices=("tdseg", "imagej"), default="tdseg")
    options = parser.parse_args()
    os.environ.setdefault("PYTHONPATH", str(Path(tdseg.__file__).parents[1]))
    with tempfile.TemporaryDirectory() as work:
        globals()[options.what](options, Path(work))


if __name__ == "__main__":
    main()
