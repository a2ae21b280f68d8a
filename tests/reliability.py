"""Make ``docs/reliability.md``: run the tests of each kind of fault and count their cases.

    python tests/reliability.py > docs/reliability.md
    python tests/reliability.py --trial kills

The first runs the tests; the second runs one of the trials, which take minutes, and keeps what it
printed in ``tests/data/reliability_trials.json``, from where the page takes it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Fault:
    """A kind of fault that users met, what is right, and the tests that try it."""

    kind: str
    right: str
    tests: tuple[str, ...]


FAULTS = (
    Fault(
        "Image files: compressions, bands, planes, sets of files, truncated and foreign files",
        "ImageJ's pixels, or a sentence that names the file",
        (
            "tests/images/test_image_files.py",
            "tests/images/test_tiff_kinds.py",
            "tests/images/test_damaged_files.py",
            "tests/images/test_pictures.py",
        ),
    ),
    Fault(
        "Arrays and pixel types: int16, masks, shapes that can be read in two ways",
        "one meaning on every route, or a question",
        ("tests/images/test_image.py", "tests/imagej/test_images.py"),
    ),
    Fault(
        "ROI files: every kind, version and position; damaged members; geometry beyond the image",
        "ImageJ's pixels and positions, or a sentence that names the ROI",
        (
            "tests/labels/test_roi_files.py",
            "tests/labels/test_roi_format.py",
            "tests/labels/test_roi_extremes.py",
        ),
    ),
    Fault(
        "Label images: NaN, fractions, other sizes, frames for slices",
        "a sentence that names the image and the cause",
        ("tests/labels/test_reading.py", "tests/labels/test_sparse_labels.py"),
    ),
    Fault(
        "Very small numbers, and very large ones",
        "the labels of the same picture in other units",
        (
            "tests/workflow/test_train_apply.py::test_heights_in_metres_give_the_labels_of_the_same_picture",
        ),
    ),
    Fault(
        "Classifier files: bombs, lies in the header, later versions, mutated bytes",
        "a classifier or a sentence; no code runs",
        ("tests/classifiers/test_storage.py",),
    ),
    Fault(
        "Weights: training checkpoints, foreign and damaged files, a hub that does not answer",
        "the averaged weights, said; or a sentence with the remedy",
        ("tests/backbones/test_checkpoints.py", "tests/backbones/test_hub.py"),
    ),
    Fault(
        "Files: names of any bytes and length, rights, races, killed writers, existing results",
        "nothing overwritten, nothing half-written, leftovers swept",
        (
            "tests/runtime/test_files.py",
            "tests/batch/test_apply_files.py",
            "tests/batch/test_segment_files.py",
        ),
    ),
    Fault(
        "Folder jobs: killed, stopped, out of disk, into a folder that may not be written; images "
        "damaged, vanished between listing and reading, of one name",
        "every image is a row; the next run goes on; nothing lost, doubled or half-written",
        (
            "tests/batch/test_killed_jobs.py",
            "tests/batch/test_folder_jobs.py",
            "tests/batch/test_train_files.py",
            "tests/commands/test_folder.py",
        ),
    ),
    Fault(
        "Jobs in parts and on a cluster: begun at once, a worker killed, machines that differ",
        "the bytes of one process's results; every image is a row, once",
        ("tests/batch/test_parts.py", "tests/batch/test_cluster.py"),
    ),
    Fault(
        "Zip bombs and paths that lead out of a folder, in classifiers and RoiSets",
        "refused in little memory; nothing is written elsewhere",
        (
            "tests/classifiers/test_storage.py::test_a_bomb_takes_no_memory",
            "tests/classifiers/test_storage.py::test_foreign_and_damaged_files_are_named_with_a_remedy",
            "tests/labels/test_roi_format.py::test_a_bomb_is_not_unpacked",
        ),
    ),
    Fault(
        "The host: fork after deep work, thread settings, containers' limits, read-only caches",
        "the host's settings count and stay; no hang",
        (
            "tests/runtime/test_host_threads.py",
            "tests/runtime/test_limits.py",
            "tests/runtime/test_threads.py",
            "tests/test_startup.py",
        ),
    ),
    Fault(
        "Options: unknown keys, values out of bounds, brackets, control characters",
        "a sentence, or a value that survives recorder and replay",
        ("tests/commands/test_parsing.py", "tests/options/test_keys_and_settings.py"),
    ),
    Fault(
        "Macros that abort, Esc, Ctrl-C, SIGTERM, windows that close",
        "one sentence, Java lives on, nothing half-written",
        (
            "tests/imagej/test_errors.py",
            "tests/imagej/test_macro_runner.py",
            "tests/imagej/test_desktop.py",
            "tests/test_cli.py",
        ),
    ),
    Fault(
        "Notes: repeated lines, what the CRF's guard undid",
        "one line with a count",
        ("tests/runtime/test_progress.py", "tests/refine/test_guard.py"),
    ),
    Fault(
        "Messages: what they advise, in the words of macros and of the command line",
        "the advice works when followed",
        ("tests/imagej/test_advice.py", "tests/commands/test_terminal_words.py"),
    ),
    Fault(
        "Images of one title, series of one file, duplicates, results whose image is gone",
        "the right image, or a sentence that asks which; one set of class names",
        ("tests/imagej/test_which_image.py", "tests/imagej/test_class_names.py"),
    ),
    Fault(
        "Two ImageJs that start at once, damaged jars",
        "both have all their commands",
        (
            "tests/imagej/test_one_start.py",
            "tests/imagej/test_kept_jars.py",
            "tests/imagej/test_headless_classes.py",
        ),
    ),
    Fault(
        "The plugin: worker or Fiji killed; a Python that is moved, broken or of another version",
        "one sentence; labels, images and classifier are there; no process, no memory left",
        (
            "tests/worker/test_faults.py",
            "tests/fiji_install/test_versions.py",
            "tests/fiji_plugin/test_faults.py",
        ),
    ),
)


@dataclass(frozen=True)
class Trial:
    """Something tried many times by a program of its own.

    Attributes
    ----------
    name
        For ``--trial``.
    kind, right
        As of `Fault`.
    command
        What follows ``python``; the last line that it prints tells the figures.
    """

    name: str
    kind: str
    right: str
    command: str


TRIALS = (
    Trial(
        "kills",
        "A folder job killed by SIGKILL at random moments, 50 times",
        "nothing lost, doubled or damaged",
        "benchmarks/folder_jobs.py kills --times 50",
    ),
    Trial(
        "disk",
        "A disk that gets full",
        "a row for each image, whole files only; with room again the rest is written",
        "benchmarks/folder_jobs.py disk",
    ),
    Trial(
        "damaged",
        "TIFFs of three kinds, each cut at 200 places and changed at random 200 times",
        "a row for each, never a crash",
        "benchmarks/folder_jobs.py damaged --cuts 200 --flips 200",
    ),
    Trial(
        "options",
        "Option strings of all commands, made and changed at random",
        "a sentence, or values that read back the same",
        "benchmarks/fuzzing.py options --cases 10000",
    ),
    Trial(
        "rois",
        "ROI files and RoiSets, changed at random",
        "a sentence, or labels in the image; no code runs, nothing is written elsewhere",
        "benchmarks/fuzzing.py rois --cases 10000",
    ),
    Trial(
        "classifiers",
        "Classifier files, changed at random as bytes and in their members",
        "a sentence, or known labels; no code runs, nothing is written elsewhere, no hang",
        "benchmarks/fuzzing.py classifiers --cases 3000 --seed 1",
    ),
    Trial(
        "memory",
        "A folder job over 500 images of 256 x 256",
        "no more memory at the end than after a tenth",
        "benchmarks/folder_jobs.py memory --images 500",
    ),
    Trial(
        "java",
        "The same, read by ImageJ in the same process",
        "no more memory, and no more of Java's heap",
        "benchmarks/folder_jobs.py memory --images 500 --reader imagej",
    ),
    Trial(
        "plugin",
        "300 calls from a Fiji to its worker, in a heap of 256 MiB",
        "no more memory or open files of either at the end than after 50 calls",
        "benchmarks/plugin.py --heap 256 --calls 300 --size 1000",
    ),
)
FIGURES = ROOT / "tests" / "data" / "reliability_trials.json"

HEAD = """# Reliability

What users of this and of similar programs reported, by kind, and how many cases of each are tried.
Made by `python tests/reliability.py > docs/reliability.md`, which runs them.

| Kind of fault | What is right | Cases | Right | Skipped | Wrong |
|---|---|---|---|---|---|
"""


def run_tests(report: Path) -> None:
    """Run the tests of all kinds; pytest writes what came of them to `report`."""
    tests = list(dict.fromkeys(test for fault in FAULTS for test in fault.tests))
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *tests],
        cwd=ROOT,
        stdout=sys.stderr,
        check=False,
    )


def outcomes(report: Path, tests: Sequence[str]) -> tuple[int, int, int]:
    """Return how many cases of these tests passed, were skipped and failed."""
    right = skipped = wrong = 0
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        path = str(case.get("classname")).replace(".", "/") + ".py"
        name = str(case.get("name")).partition("[")[0]
        if path not in tests and f"{path}::{name}" not in tests:
            continue
        if case.find("skipped") is not None:
            skipped += 1
        elif case.find("failure") is not None or case.find("error") is not None:
            wrong += 1
        else:
            right += 1
    return right, skipped, wrong


TRIAL_HEAD = """
## Tried many times

Each by the program named, on Linux; `python tests/reliability.py --trial NAME` runs one again.

| What | What is right | What came of it | By |
|---|---|---|---|
"""


def run_trial(name: str) -> None:
    """Run a trial and keep its last line."""
    (trial,) = (one for one in TRIALS if one.name == name)
    done = subprocess.run(
        [sys.executable, *trial.command.split()], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    print(done.stdout, end="", file=sys.stderr)
    figures = trial_figures()
    figures[name] = done.stdout.strip().splitlines()[-1]
    FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def trial_figures() -> dict[str, str]:
    """Return what each trial printed when it was run last."""
    found: dict[str, str] = json.loads(FIGURES.read_text(encoding="utf-8"))
    return found


def print_trials() -> None:
    """Print the second table."""
    print(TRIAL_HEAD, end="")
    figures = trial_figures()
    for trial in TRIALS:
        if trial.name in figures:
            figure = figures[trial.name]
            print(f"| {trial.kind} | {trial.right} | {figure} | `{trial.command}` |")


def main() -> None:
    """Print the page, from a report of pytest (``--junitxml``) if one is given."""
    if sys.argv[1:2] == ["--trial"]:
        run_trial(sys.argv[2])
        return
    with tempfile.TemporaryDirectory() as folder:
        report = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder) / "report.xml"
        if len(sys.argv) == 1:
            run_tests(report)
        print(HEAD, end="")
        for fault in FAULTS:
            right, skipped, wrong = outcomes(report, fault.tests)
            total = right + skipped + wrong
            print(f"| {fault.kind} | {fault.right} | {total} | {right} | {skipped} | {wrong} |")
    print_trials()


if __name__ == "__main__":
    main()
