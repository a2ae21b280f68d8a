"""What does it cost to begin? CPU seconds and peak memory, before and now, side by side.

Each line is a process of its own, run three times after one that fills the caches (Python's byte
code, Numba's and ImageJ's changed classes); the least CPU time counts.

    python benchmarks/startup.py [--before PATH]     # PATH: a checkout of the state before
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
MACRO = 'newImage("a", "8-bit ramp", 64, 64, 1); run("TDS Set Classes...", "classes=[a,b]");'
IMAGES = """
import numpy as np, tifffile
pixels = np.random.default_rng(0).integers(0, 255, (64, 64))
tifffile.imwrite("image.tif", pixels.astype(np.uint8))
labels = np.zeros((64, 64), np.uint8)
labels[4:20, 4:20], labels[40:60, 40:60] = 1, 2
tifffile.imwrite("labels.tif", labels)
"""
CLI = "import sys; from tdseg.cli import main; sys.exit(main())"


def jobs(folder: Path) -> dict[str, list[str]]:
    """Return what to time: arguments of Python."""
    (folder / "macro.ijm").write_text(MACRO)
    # Not here: a process counts the memory of the one that it was forked from as its own peak.
    subprocess.run([sys.executable, "-c", IMAGES], cwd=folder, check=True)
    image, model = str(folder / "image.tif"), str(folder / "model.tdseg")
    labelled = ["--labels", "image", "--labels-path", str(folder / "labels.tif")]
    classical = ["--features", "classical", "--trees", "20", "--held-out", "false"]
    overwrite = ["--existing", "overwrite"]
    return {
        "import tdseg": ["-c", "import tdseg"],
        "tdseg --help": ["-c", CLI, "--help"],
        "tdseg --version": ["-c", CLI, "--version"],
        "a usage error": ["-c", CLI, "train", "--no-such-key"],
        "tdseg run, a macro that trains nothing": ["-c", CLI, "run", str(folder / "macro.ijm")],
        "tdseg train, classical, 64 x 64": [
            *["-c", CLI, "train", image, "--model", model, *labelled, *classical, *overwrite]
        ],
        "tdseg apply, classical, 64 x 64": [
            *["-c", CLI, "apply", model, image, "--output-folder", str(folder), *overwrite]
        ],
    }


def cost(arguments: list[str], tree: Path, folder: Path) -> tuple[float, float, int]:
    """Run Python once; return CPU seconds, peak memory in MB and the exit status."""
    environment = {**os.environ, "PYTHONPATH": str(tree / "python"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *arguments]
    with open(os.devnull, "w") as nowhere:
        child = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=nowhere, stderr=nowhere
        )
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit, child.returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, help="a checkout of the state before")
    trees = {"now": HERE}
    before = parser.parse_args().before
    if before is not None:
        trees = {"before": before.resolve(), **trees}
    print("| what | " + " | ".join(f"{name}, CPU s | {name}, MB" for name in trees) + " |")
    print("|---|" + "---:|---:|" * len(trees))
    with tempfile.TemporaryDirectory() as name:
        folders = {tree: Path(name) / tree for tree in trees}  # a classifier of one for each
        for folder in folders.values():
            folder.mkdir()
        todo = {tree: jobs(folder) for tree, folder in folders.items()}
        for what in todo["now"]:
            cells = []
            for tree, path in trees.items():
                runs = [cost(todo[tree][what], path, folders[tree]) for _ in range(4)][1:]
                seconds = min(run[0] for run in runs)
                cells.append(f"{seconds:.2f} | {max(run[1] for run in runs):.0f}")
                # A usage error ends with 2, and so does --version where there was none.
                if runs[0][2] not in (0, 2):
                    cells[-1] += f" (exit status {runs[0][2]})"
            print(f"| {what} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
