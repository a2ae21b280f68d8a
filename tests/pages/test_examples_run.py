"""The code of README and of all pages, run in one process on small images."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from page_blocks import Block, blocks, docstring_examples, shell_lines

RUNNER = Path(__file__).with_name("page_runner.py")

# Blocks that are not run, by page and first line, and why. Command lines are parsed all the same.
NOT_RUN = {
    ("docs/architecture.md", "features_per_split: int = integer("): (
        "an invented key; tests/commands/test_one_definition.py adds one"
    ),
    ("docs/extending.md", ""): "run by tests/test_extending.py, which looks at the results",
    ("docs/clusters.md", "from dask_jobqueue"): "needs SLURM; tests/batch has workers of its own",
    ("docs/worker-protocol.md", "import tdseg.worker"): "a task's script; run by tests/worker",
    ("docs/classical-features.md", 'call("trainableSegmentation.'): "calls TWS",
    (
        "docs/case-",
        'run("TDS Set Classes',
    ): "on 36 images; run by tests/imagej/test_case_studies.py",
}
# Subcommands that need a Fiji, a display or parts of a job, or do what another test does.
PARSED_ONLY = {"fiji", "install-fiji", "demo", "report", "samples"}
PARSED_ONLY_WITH = {"--fiji", "--scheduler"}


def reason(block: Block) -> str:
    """Return why a block is not run, empty if it is."""
    for (page, start), why in NOT_RUN.items():
        if block.page.startswith(page) and block.text.startswith(start):
            return why
    return ""


def of_tdseg(block: Block) -> list[list[str]]:
    """Return a block's command lines that can be run here, without the name of the program."""
    if block.language != "bash":
        return []
    return [
        words[1:]
        for words in shell_lines(block)
        if words[0] == "tdseg" and words[1] not in PARSED_ONLY and not PARSED_ONLY_WITH & set(words)
    ]


def to_run() -> list[dict[str, object]]:
    found = []
    for block in sorted([*blocks(), *docstring_examples()], key=lambda b: (b.page, b.line)):
        commands = of_tdseg(block)
        if (block.language in ("python", "ijm") and not reason(block)) or commands:
            found.append({**vars(block), "place": str(block), "commands": commands})
    return found


WANTED = to_run()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    ran = subprocess.run(
        [sys.executable, str(RUNNER), str(tmp_path_factory.mktemp("pages"))],
        input=json.dumps(WANTED),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONUTF8": "1"},
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return {block["place"]: block for block in json.loads(ran.stdout.splitlines()[-1])}


@pytest.mark.parametrize("place", [str(block["place"]) for block in WANTED])
def test_the_example_runs(told, place):
    assert told[place]["trace"] == "", told[place]["printed"][-2000:] + told[place]["trace"]


def test_every_exception_is_still_needed(capsys):
    found = [block for block in blocks() if block.language in ("python", "ijm")]
    for page, start in NOT_RUN:
        assert any(b.page.startswith(page) and b.text.startswith(start) for b in found), (
            page,
            start,
        )
    left = [f"{block}: {reason(block)}" for block in found if reason(block)]
    with capsys.disabled():
        print(f"\n{len(WANTED)} blocks of pages are run, {len(left)} are not:", *left, sep="\n  ")


def test_the_page_for_python_tells_the_truth(told):
    """The figures that the page's own prints show are those of its image of two halves."""
    printed = "".join(
        block["printed"] for place, block in told.items() if place.startswith("docs/python.md")
    )
    assert "Held-out quality" in printed
    assert "(1, 1, 72, 80) (1, 1, 2, 72, 80)" in printed
    (counts,) = re.findall(r"^\[ *(\d+) +(\d+) +(\d+)\]$", printed, re.MULTILINE)
    assert int(counts[0]) == 0
    np.testing.assert_allclose([int(counts[1]), int(counts[2])], 72 * 40, rtol=0.1)
