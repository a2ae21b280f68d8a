"""Time and memory of a 32768 x 32768 image by blocks: some blocks are done, the rest is reckoned.

    python benchmarks/large_images.py --features classical --blocks 4
    python benchmarks/large_images.py --size 8192 --blocks all   # whole, with its levels

CPU seconds are those of the process, all threads; memory is the largest resident set above that
after the imports.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import zarr

import tdseg
from tdseg.batch.block_job import BlockJob
from tdseg.batch.existing import decide
from tdseg.batch.inputs import find_sources
from tdseg.batch.one_file import FileWork, JobSpec
from tdseg.batch.targets import plan_targets
from tdseg.options.groups import ApplyJobOptions

MIB = 1024**2
TILE = 1024


def texture(seed: int) -> np.ndarray:
    """Return bright cells on a dark ground, uint8."""
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.normal(size=(TILE, TILE)), 12, mode="wrap")
    fine = ndimage.gaussian_filter(rng.normal(size=(TILE, TILE)), 1.5, mode="wrap")
    grey = 60 + 130 / (1 + np.exp(-noise / noise.std() * 3)) + 12 * fine / fine.std()
    return np.clip(grey, 0, 255).astype(np.uint8) & 0xFC  # compresses


def make_image(folder: Path, size: int) -> None:
    """Write an OME-Zarr 0.5 whose shards are filled with a few textures."""
    steps = [{"type": "scale", "scale": [0.325, 0.325]}]
    axes = [{"name": a, "type": "space", "unit": "micrometer"} for a in "yx"]
    described = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": steps}]}
    attributes = {"ome": {"version": "0.5", "multiscales": [described]}}
    group = zarr.create_group(str(folder), zarr_format=3, attributes=attributes)
    array = group.create_array(
        "0", shape=(size, size), dtype="uint8", chunks=(512, 512), shards=(2048, 2048)
    )
    tiles = [texture(k) for k in range(6)]
    rng = np.random.default_rng(0)
    for top in range(0, size, 2048):
        for left in range(0, size, 2048):
            part = [[tiles[rng.integers(6)] for _ in range(2)] for _ in range(2)]
            block = np.block(part)[: size - top, : size - left]
            array[top : top + 2048, left : left + 2048] = block


def train(features: str) -> tdseg.Model:
    """Return a classifier of two classes, as a user would train it."""
    pixels = texture(0)[:512, :512]
    labels = np.zeros(pixels.shape, np.uint8)
    rows = slice(100, 400)
    labels[rows][pixels[rows] < 90] = 1
    labels[rows][pixels[rows] > 160] = 2
    rng = np.random.default_rng(0)
    labels[rng.random(labels.shape) > 0.05] = 0
    image = tdseg.Image.from_array(pixels, name="training")
    names = {1: "ground", 2: "cell"}
    settings = tdseg.Settings(
        features=features, classifier="random_forest", held_out=False, device="cpu"
    )
    return tdseg.train([(image, tdseg.SparseLabels.from_label_image(labels, names))], settings)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", default="classical", choices=["classical", "deep", "hybrid"])
    parser.add_argument("--size", type=int, default=32768)
    parser.add_argument("--blocks", default="4", help="how many, or all")
    parser.add_argument("--memory-limit", type=float, default=4.0)
    parser.add_argument("--format", default="zarr")
    parser.add_argument("--output", default="labels")
    parser.add_argument("--tile", type=int, default=0)
    parser.add_argument("--image", type=Path, help="kept between runs")
    given = parser.parse_args()
    process = psutil.Process()
    folder = Path(tempfile.mkdtemp(prefix="tdseg-large-"))
    image = given.image or folder / "large.zarr"
    if not image.exists():
        make_image(image, given.size)
    model = train(given.features)
    settings = model.settings.with_(memory_limit=given.memory_limit, tile=given.tile)
    options = ApplyJobOptions(format=given.format, output=given.output)
    (planned,) = plan_targets(
        find_sources([image]), folder / "out", given.output, format=given.format
    )
    work = FileWork(JobSpec(model, settings, "all", options))
    baseline = process.memory_info().rss
    load = psutil.getloadavg()[0]

    def cpu() -> float:
        times = process.cpu_times()
        return times.user + times.system

    def peak() -> float:
        with open("/proc/self/status") as status:
            line = next(line for line in status if line.startswith("VmHWM"))
        return (int(line.split()[1]) * 1024 - baseline) / MIB

    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    start = cpu()
    read = work.read(planned)
    job = BlockJob(work.spec, planned, decide(planned, "skip", work.spec.recipe), read.image,
                   read.facts)  # fmt: skip
    job.begin()
    print(f"{given.features}, {given.size} x {given.size}, {job.count} blocks of "
          f"{job.layout.block}, load {load:.1f}")  # fmt: skip
    print(f"open, hash, begin: {cpu() - start:.1f} CPU s")
    start = cpu()
    job._prepared(0, given.output == "labels")
    print(f"one look at the whole plane: {cpu() - start:.1f} CPU s")
    count = job.count if given.blocks == "all" else int(given.blocks)
    across = -(-given.size // job.layout.block)
    # inside the image, where a block has neighbours on all sides
    first = across + 1 if count < job.count else 0
    each = []
    for number in range(first, first + count):
        start, began = cpu(), time.monotonic()
        job.run(number % job.count)
        each.append(cpu() - start)
        clock = time.monotonic() - began
        print(f"block {number}: {each[-1]:.1f} CPU s, {clock:.1f} s by the clock, "
              f"peak {peak():.0f} MiB", flush=True)  # fmt: skip
    mean = float(np.mean(each[1:] if len(each) > 1 else each))
    print(f"all {job.count} blocks: about {mean * job.count / 3600:.2f} CPU hours")
    if count == job.count:
        start = cpu()
        job.finish(job.facts())
        print(f"levels and names: {cpu() - start:.1f} CPU s, peak {peak():.0f} MiB")
        target = next(iter(planned.targets.values()))
        files = [target] if target.is_file() else [p for p in target.rglob("*") if p.is_file()]
        print(f"{target.name}: {sum(p.stat().st_size for p in files) / MIB:.1f} MiB, "
              f"{len(files)} files")  # fmt: skip
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
