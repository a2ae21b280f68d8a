"""The panel: how late its event thread is, how soon a stroke shows, how soon *Stop* is obeyed.

A real ImageJ 1.54p under Xvfb, with the plugin built by Maven and the real worker; an image of
1024 x 1024 pixels and two textures, of which the window shows 512 x 512; tokens are cached.

    python benchmarks/panel.py [--features hybrid] [--classifier random_forest] [--strokes 8]

- *Stroke to visible part*: from the press of *Add to ...*, with *Live* on, until the classes that
  know the stroke are over all that the window shows; *to all*: over the rest too.
- *Event thread*: how long its events take, during those strokes and six more that are drawn by
  mouse while it works; also by the processor time of the thread, as others may use the machine.
- *Stop*: from the press until nothing runs, at some moments of a training with held-out figures.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tifffile

import tdseg
from tdseg.fiji_install.artifacts import fetch
from tdseg.imagej.jdk import find_java
from tdseg.imagej.start import EMBEDDED_ENDPOINTS

ROOT = Path(__file__).parents[1]


def built(folder: Path) -> list[Path]:
    """Build the plugin and its test programs; return what the class path needs."""
    work = folder / "fiji-plugin"
    shutil.copytree(ROOT / "fiji-plugin", work, ignore=shutil.ignore_patterns("target"))
    call = ["mvn", "-q", "-B", "package", "dependency:copy-dependencies", "-DskipTests"]
    call += ["-DincludeScope=runtime", "-DoutputDirectory=target/needed"]
    subprocess.run(call, cwd=work, check=True)
    target = work / "target"
    (folder / "plugins").mkdir()
    shutil.copy(next(target.glob("*.jar")), folder / "plugins")  # for its menu
    return [*target.glob("*.jar"), *(target / "needed").glob("*.jar"), target / "test-classes"]


def image_of_two_textures(path: Path) -> None:
    """Write 1024 x 1024 pixels: noise on the left, stripes in noise on the right."""
    _, x = np.mgrid[:1024, :1024]
    noise = np.random.default_rng(0).normal(0, 14, (1024, 1024))
    grey = 90 + 25 * np.sin(x / 3) * (x >= 512) + noise
    tifffile.imwrite(path, grey.clip(0, 255).astype(np.uint8), imagej=True)


def run(program: list[str], display: str) -> dict[str, list[float]]:
    """Run the program; return the numbers that it prints, by name."""
    environment = {
        **os.environ,
        "DISPLAY": display,
        "TDSEG_PYTHON": sys.executable,
        "PYTHONPATH": str(Path(tdseg.__file__).parents[1]),
    }
    found: dict[str, list[float]] = {}
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            name, _, value = line.strip().rpartition(": ")
            if value.isdigit():
                found.setdefault(name, []).append(float(value))
            else:
                print(line.rstrip())
    return found


def program(folder: Path, name: str, *options: str) -> list[str]:
    """Return the command line of a program of the plugin's tests, with preferences of its own."""
    jars = [jar.path for jar in fetch(EMBEDDED_ENDPOINTS) if jar.path.name.startswith("ij-1")]
    path = os.pathsep.join(map(str, [*jars, *built(folder)]))
    java = [str(find_java() / "bin" / "java"), "-Xmx1g", f"-Duser.home={folder}"]
    java += [f"-Dplugins.dir={folder}", "--add-opens=java.base/java.lang=ALL-UNNAMED", *options]
    return [*java, "-cp", path, f"tdseg.fiji.panel.{name}"]


@contextmanager
def screen(size: str) -> Iterator[str]:
    """Open a screen of its own, and give its name."""
    call = ["Xvfb", "-displayfd", "1", "-screen", "0", size]
    with subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield f":{server.stdout.readline().strip()}"
        finally:
            server.terminate()


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", default="hybrid")
    parser.add_argument("--classifier", default="random_forest")
    parser.add_argument("--strokes", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image_of_two_textures(folder / "textures.tif")
        java = [*program(folder, "PanelSpeed"), str(folder / "textures.tif")]
        java += [options.features, options.classifier, str(options.strokes)]
        before = os.getloadavg()[0]
        with screen("1400x1200x24") as display:
            found = run(java, display)
        print(f"{options.features}, {options.classifier}; load {before:.1f} before, ", end="")
        print(f"{os.getloadavg()[0]:.1f} after")
        for what, values in found.items():
            figures = ", ".join(f"{value:.0f}" for value in values)
            middle = f"median {statistics.median(values):.0f} of " if len(values) > 1 else ""
            print(f"{what}: {middle}{figures}")


if __name__ == "__main__":
    main()
