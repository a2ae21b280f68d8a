"""The plugin and its worker: how long until the first answer, what a call costs beside its work.

A real ImageJ 1.54p in a Java of its own, headless, with the plugin as `tdseg install-fiji` puts it.

    python benchmarks/plugin.py [--calls 200] [--size 2000] [--heap 1024]

- *First answer*: from the first command of a fresh ImageJ to its end; the worker is started, and
  the command (`TDS Set Classes...`) computes nothing. The least of three.
- *A call*: `TDS Labels to Image` on a 16-bit image with two labels. The image goes to the worker, a
  label image of the same size comes back. The same command in one process is subtracted: what
  remains is the way there and back. The median of 20.
- *Growth*: resident memory and open files of both processes after each 50 calls, and what is left
  in Java's heap (whose limit is `--heap`) when its garbage has been collected.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import tifffile
from roifile import ImagejRoi

import tdseg
from tdseg.commands.request import HostImage
from tdseg.commands.run import run_command
from tdseg.commands.table import BY_NAME
from tdseg.fiji_install.artifacts import fetch
from tdseg.fiji_install.building import libraries, plugin_jar
from tdseg.fiji_install.installing import install
from tdseg.imagej.headless_classes import kept_classes
from tdseg.imagej.jdk import find_java, java_version
from tdseg.imagej.start import EMBEDDED_ENDPOINTS
from tdseg.runtime.progress import Silent
from tdseg.workflow.session import Session

FIRST = """
start = getTime();
run("TDS Set Classes...", "classes=[dark,bright]");
print("first", getTime() - start);
"""
CALLS = """
calls = parseInt(substring(getArgument(), 0, indexOf(getArgument(), " ")));
setBatchMode(true);
open(substring(getArgument(), indexOf(getArgument(), " ") + 1));
image = getImageID();
for (i = 1; i <= calls; i++) {
    selectImage(image);
    start = getTime();
    run("TDS Labels to Image");
    print("call", getTime() - start);
    close();
    if (i % 50 == 0) {
        print("calls", i);
        wait(500);
        call("java.lang.System.gc");
        used = IJ.currentMemory();
        print("heap", parseInt(used) / 1000000);
    }
}
"""


def make_imagej(folder: Path, heap: int) -> list[str]:
    """Install the plugin in a folder of a plain ImageJ; return the command line."""
    jars = [jar.path for jar in fetch(EMBEDDED_ENDPOINTS)]
    imagej = folder / "ImageJ"
    (imagej / "plugins").mkdir(parents=True)
    (imagej / "ij.jar").write_bytes(next(j for j in jars if j.name.startswith("ij-")).read_bytes())
    install(imagej, plugin_jar(find_java, print), libraries, say=lambda line: None)
    java = find_java()
    patched = kept_classes(EMBEDDED_ENDPOINTS, java_version(java))
    if patched is None or not patched.exists():
        (folder / "empty.ijm").write_text("")
        subprocess.run([sys.executable, "-m", "tdseg", "run", folder / "empty.ijm"], check=True)
    path = os.pathsep.join(map(str, [patched, *jars, *imagej.glob("plugins/**/*.jar")]))
    options = ["--add-opens=java.base/java.lang=ALL-UNNAMED", "-Djava.awt.headless=true"]
    options.append(f"-Xmx{heap}m")
    places = [f"-Dplugins.dir={imagej}", f"-Duser.home={folder}"]
    return [str(java / "bin" / "java"), *options, *places, "-cp", path, "ij.ImageJ", "-batch"]


def run(command: list[str], folder: Path, macro: str, argument: str = "") -> dict[str, list[float]]:
    """Run a macro; return the numbers that it prints, and MB of both processes at each fifty."""
    (folder / "macro.ijm").write_text(macro)
    environment = {**os.environ, "PYTHONPATH": str(Path(tdseg.__file__).parents[1])}
    child = subprocess.Popen(
        [*command, str(folder / "macro.ijm"), argument],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    found: dict[str, list[float]] = {}
    for line in child.stdout:
        name, _, value = line.strip().partition(" ")
        if name == "calls":
            java = psutil.Process(child.pid)
            worker = next(p for p in java.children() if is_worker(p))
            for what, process in (("java MB", java), ("worker MB", worker)):
                found.setdefault(what, []).append(process.memory_info().rss / 1e6)
                files = what.replace("MB", "open files")
                found.setdefault(files, []).append(float(process.num_fds()))
        elif name in ("first", "call", "heap"):
            found.setdefault(name, []).append(float(value))
        else:
            print(line.rstrip())
    child.wait()
    return found


def is_worker(process: psutil.Process) -> bool:
    """Tell whether a process is tdseg's worker; others come and go while they are asked."""
    try:
        return "tdseg.worker" in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def in_process(path: Path, calls: int) -> float:
    """Return the median milliseconds of the same command in one process."""
    image = tdseg.read_image(path)
    with tifffile.TiffFile(path) as file:
        rois = [bytes(roi) for roi in file.imagej_metadata["Overlays"]]
    shape = image.shape
    host = HostImage(path.name, "1", shape, 0, lambda: image, lambda source: rois)
    session, times = Session(), []
    for _ in range(calls):
        start = time.perf_counter()
        run_command(BY_NAME["TDS Labels to Image"], "", session, Silent(), host)
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--size", type=int, default=2000, help="edge of the image, pixels")
    parser.add_argument("--heap", type=int, default=1024, help="limit of Java's heap, MiB")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = make_imagej(folder, options.heap)
        firsts = [run(command, folder, FIRST)["first"][0] for _ in range(3)]
        print(f"first answer: {min(firsts):.0f} ms (of {', '.join(f'{f:.0f}' for f in firsts)})")
        rois = []
        for group in (1, 2):
            roi = ImagejRoi.frompoints(np.array([[9, 9], [99, 9], [99, 99], [9, 99]]) + 200 * group)
            roi.group = group
            rois.append(roi.tobytes())
        pixels = np.random.default_rng(0).integers(0, 4000, (options.size, options.size))
        path = folder / "image.tif"
        overlays = {"Overlays": rois}
        tifffile.imwrite(path, pixels.astype(np.uint16), imagej=True, metadata=overlays)
        found = run(command, folder, CALLS, f"{options.calls} {path}")
        calls, alone = found["call"][1:], in_process(path, 20)
        print(
            f"a call, {pixels.size / 1e6:.1f} megapixels of 16 bits: median "
            f"{statistics.median(calls):.0f} ms, in one process {alone:.0f} ms, on the way "
            f"{statistics.median(calls) - alone:.0f} ms"
        )
        steps = []
        for what in ("java MB", "heap", "worker MB", "java open files", "worker open files"):
            if what in found:
                what_of = "java heap MB, collected" if what == "heap" else what
                numbers = ", ".join(f"{value:.0f}" for value in found[what])
                steps.append(f"{what_of} {numbers}")
        print(f"{options.calls} calls, after each 50: {'; '.join(steps)}")


if __name__ == "__main__":
    main()
