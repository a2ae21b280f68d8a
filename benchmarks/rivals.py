"""Whole jobs beside other programs: the same images, strokes and number of trees, in CPU seconds.

A job is to train on an image's strokes and to label a whole image. Each program runs in a process
of its own, on one thread or two; a first small job, not counted, compiles and loads what stays, and
the least of the following ones counts. Programs take turns, so that they share what else the
machine does. ``--before`` names a checkout of an earlier version. The rivals live in an environment
of their own:

    python -m venv rivals
    rivals/bin/pip install scikit-image scikit-learn apoc pyopencl pocl-binary-distribution
    python benchmarks/rivals.py --rivals rivals/bin/python [--threads 1 2] [--rounds 2]

apoc's forest has at most what its OpenCL code can hold, so that it gets the number of trees that it
is asked for, but no deeper ones than `max_depth` 8. Figures of programs that no registry for Python
provides are given, not measured: `GIVEN`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

GIVEN = {
    "Weka (TWS), ImageJ 1.54p": {"whole job 1024": "145 to 232", "folder image 512": "43"},
    "Labkit": {"whole job 1024": "21 to 25"},
}
"""CPU seconds on a machine of this kind, not run here."""

TREES = 200
MICROGRAPHS = Path(__file__).resolve().parents[1] / "tests" / "data" / "micrographs"


def material(name: str) -> dict[str, np.ndarray]:
    """Return an image with strokes of 512 x 512 pixels, and both mirrored to 1024 x 1024."""
    image = tifffile.imread(MICROGRAPHS / f"{name}_image.tif")[:512, :512]
    labels = tifffile.imread(MICROGRAPHS / f"{name}_labels.tif")[:512, :512].astype(np.uint8)
    large = np.pad(image, ((0, 512), (0, 512)), mode="symmetric")
    strokes = np.zeros(large.shape, np.uint8)
    strokes[:512, :512] = labels
    return {"image": image, "large": large, "strokes": strokes}


class Ours:
    """tdseg, with the settings given."""

    def __init__(self, threads: int, **settings: Any) -> None:
        import torch

        import tdseg
        from tdseg.runtime.threads import set_thread_count

        set_thread_count(threads)
        torch.set_num_threads(threads)
        self._tdseg = tdseg
        self._settings = tdseg.Settings(trees=TREES, backbone="offline", **settings)

    def train(self, image: np.ndarray, strokes: np.ndarray) -> None:
        """Train."""
        self._model = self._tdseg.train([(image, strokes)], self._settings)

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Return the labels."""
        return self._tdseg.apply(self._model, image, probabilities=False).labels[0, 0]


class Scikit:
    """multiscale_basic_features of scikit-image with the forest of scikit-learn: the plain way."""

    def __init__(self, threads: int) -> None:
        from sklearn.ensemble import RandomForestClassifier

        self._threads = threads
        self._forest = RandomForestClassifier(
            TREES, n_jobs=threads, random_state=0, max_depth=None, class_weight="balanced"
        )

    def _features(self, image: np.ndarray) -> np.ndarray:
        from skimage.feature import multiscale_basic_features

        return multiscale_basic_features(image, sigma_min=1, sigma_max=16, workers=self._threads)

    def train(self, image: np.ndarray, strokes: np.ndarray) -> None:
        """Train."""
        self._forest.fit(self._features(image)[strokes > 0], strokes[strokes > 0])

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Return the labels."""
        found = self._features(image)
        return self._forest.predict(found.reshape(-1, found.shape[-1])).reshape(image.shape)


class Apoc:
    """apoc's PixelClassifier, OpenCL on the processor (pocl)."""

    FEATURES = " ".join(
        f"{name}={sigma}"
        for sigma in (1, 2, 4, 8, 16)
        for name in ("gaussian_blur", "sobel_of_gaussian_blur", "laplace_box_of_gaussian_blur")
    )

    def __init__(self, threads: int) -> None:
        os.environ["POCL_MAX_PTHREAD_COUNT"] = str(threads)
        import apoc

        self._file = tempfile.mktemp(suffix=".cl")
        self._classifier = apoc.PixelClassifier(
            opencl_filename=self._file, max_depth=8, num_ensembles=TREES
        )

    def train(self, image: np.ndarray, strokes: np.ndarray) -> None:
        """Train."""
        self._classifier.train("original " + self.FEATURES, strokes, image)

    def apply(self, image: np.ndarray) -> np.ndarray:
        """Return the labels."""
        return np.asarray(self._classifier.predict(image=image))


PROGRAMS: dict[str, tuple[bool, Any]] = {
    "tdseg classical, random_forest": (
        True,
        lambda n: Ours(n, features="classical", classifier="random_forest"),
    ),
    "tdseg classical, random_forest, held_out=false": (
        True,
        lambda n: Ours(n, features="classical", classifier="random_forest", held_out=False),
    ),
    "tdseg classical, auto": (True, lambda n: Ours(n, features="classical")),
    "tdseg hybrid, random_forest": (True, lambda n: Ours(n, classifier="random_forest")),
    "tdseg hybrid, auto": (True, lambda n: Ours(n)),
    "scikit-image with scikit-learn": (False, Scikit),
    "apoc (OpenCL)": (False, Apoc),
}
"""Whether a program is ours, and how it is made for a number of threads."""


def seconds() -> float:
    """Return the processor time of this process and of what it started."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    used = [resource.getrusage(kind) for kind in kinds]
    return sum(use.ru_utime + use.ru_stime for use in used)


def serve(name: str, threads: int, image_name: str) -> None:
    """Do a job for each line that comes in, and answer with its figures."""
    given = material(image_name)
    program = PROGRAMS[name][1](threads)
    program.train(given["large"][:320, :320], given["strokes"][:320, :320])
    program.apply(given["large"][:320, :320])
    for line in sys.stdin:
        if not line.strip():
            break
        times: dict[str, float] = {}
        begun, clock = seconds(), time.perf_counter()
        program.train(given["large"], given["strokes"])
        times["train"] = seconds() - begun
        program.apply(given["large"])
        times["whole job 1024"] = seconds() - begun
        times["clock"] = time.perf_counter() - clock
        begun = seconds()
        program.apply(given["image"])
        times["folder image 512"] = seconds() - begun
        print("FIGURES " + json.dumps(times), flush=True)


def main() -> None:
    """Print a table for each image."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rivals", help="the Python of the rivals' environment")
    parser.add_argument("--before", help="a checkout of an earlier version, to run as well")
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--images", nargs="+", default=["alloy", "m1"])
    parser.add_argument("--only", nargs="+", default=list(PROGRAMS))
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.threads[0], options.images[0])
        return
    columns = ("train", "whole job 1024", "folder image 512", "clock")
    for image in options.images:
        for threads in options.threads:
            print(f"\n{image}, {threads} thread(s): CPU s, and the whole job by the clock")
            print("| program | " + " | ".join(columns) + " |")
            print("|---|" + "---|" * len(columns))
            for name, least in measured(options, image, threads).items():
                print(f"| {name} | " + " | ".join(f"{least[c]:.2f}" for c in columns) + " |")
    for name, figures in GIVEN.items():
        told = (str(figures.get(c, "")) for c in columns)
        print(f"| {name}, given, not run | " + " | ".join(told) + " |")


def measured(options: argparse.Namespace, image: str, threads: int) -> dict[str, dict[str, float]]:
    """Return the least seconds of each program, which take turns."""
    running: dict[str, subprocess.Popen[str]] = {}
    wanted = [(name, "") for name in options.only]
    if options.before:
        wanted += [(name, options.before) for name in options.only if PROGRAMS[name][0]]
    for name, checkout in wanted:
        python = sys.executable if PROGRAMS[name][0] else options.rivals
        if python:
            line = [python, __file__, "--serve", name, "--threads", str(threads), "--images", image]
            environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
            if checkout:
                environment["PYTHONPATH"] = str(Path(checkout) / "python")
            running["before: " * bool(checkout) + name] = subprocess.Popen(
                line,
                env=environment,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
    least: dict[str, dict[str, float]] = {}
    for _ in range(options.rounds):
        for name, process in list(running.items()):
            assert process.stdin is not None
            assert process.stdout is not None
            with suppress(BrokenPipeError):
                process.stdin.write("go\n")
                process.stdin.flush()
            told = next((line for line in process.stdout if line.startswith("FIGURES ")), None)
            if told is None:
                print(f"{name} ended without figures", file=sys.stderr)
                del running[name]
                continue
            found = json.loads(told.removeprefix("FIGURES "))
            before = least.get(name, found)
            least[name] = {key: min(value, before[key]) for key, value in found.items()}
    for process in running.values():
        with suppress(BrokenPipeError):
            process.communicate("\n")
    return least


if __name__ == "__main__":
    main()
