"""The page of reliability names tests that there are, and every kind of fault that it lists."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_page_lists_every_kind_and_the_tests_exist() -> None:
    spec = importlib.util.spec_from_file_location("reliability", ROOT / "tests" / "reliability.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["reliability"] = module
    spec.loader.exec_module(module)
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    for fault in module.FAULTS:
        assert f"| {fault.kind} | {fault.right} |" in page
        for test in fault.tests:
            path, _, name = test.partition("::")
            assert not name or f"def {name}(" in (ROOT / path).read_text(encoding="utf-8")
            assert (ROOT / path).is_file(), test
    figures = module.trial_figures()
    for trial in module.TRIALS:
        assert (ROOT / trial.command.split()[0]).is_file(), trial.command
        row = (
            f"| {trial.kind} | {trial.right} | {figures.get(trial.name, '')} | `{trial.command}` |"
        )
        assert (row in page) == (trial.name in figures)
