"""Limits of containers, read from trees as the kernel documents them; the budget for a job."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from tdseg.runtime import limits
from tdseg.runtime.memory import free_memory, memory_budget

MIB = 1024**2


def tree(folder: Path, files: dict[str, str], process: str) -> tuple[Path, Path]:
    for name, text in files.items():
        (folder / "cgroup" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup" / name).write_text(text)
    (folder / "self").write_text(process)
    return folder / "cgroup", folder / "self"


def test_version_2_counts_every_group_on_the_way_up(tmp_path):
    files = {
        "a/cpu.max": "100000 100000\n",
        "a/b/cpu.max": "max 100000\n",
        "a/memory.max": f"{600 * MIB}\n",
        "a/memory.current": f"{500 * MIB}\n",
        "a/memory.stat": f"anon 1\ninactive_file {200 * MIB}\n",
        "a/b/memory.max": "max\n",
        "a/b/memory.current": f"{100 * MIB}\n",
    }
    where = tree(tmp_path, files, "0::/a/b\n")
    assert limits.processor_count(*where) == 1
    assert limits.memory_left(*where) == 300 * MIB


def test_version_1_in_a_container_that_sees_only_its_own_end_of_the_path(tmp_path):
    files = {
        "cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
        "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        "memory/memory.limit_in_bytes": f"{400 * MIB}\n",
        "memory/memory.usage_in_bytes": f"{100 * MIB}\n",
    }
    lines = "4:cpu,cpuacct:/docker/xyz\n3:memory:/docker/xyz\n0::/\n"
    where = tree(tmp_path, files, lines)
    assert limits.processor_count(*where) == 1
    assert limits.memory_left(*where) == 300 * MIB


@pytest.mark.parametrize("process", ["0::/\n", "", "nonsense", "0::/../..\n"])
def test_without_limits_the_machine_counts(tmp_path, process):
    where = tree(tmp_path, {"cpu.max": "max 100000\n", "memory/x": ""}, process)
    assert limits.memory_left(*where) is None
    assert limits.processor_count(*where) == limits.processor_count(tmp_path, tmp_path / "none")


def test_budgets_are_finite_whatever_is_asked_for():
    assert memory_budget(2) == 2 * 1024**3
    assert memory_budget(0.5) == 1024**3 // 2
    assert 0 < memory_budget("auto") <= psutil.virtual_memory().total // 4
    assert 0 < free_memory() <= psutil.virtual_memory().total
    for limit in (1e308, float("inf"), 10**400):
        assert memory_budget(limit) == 1 << 62
    assert memory_budget(float("nan")) == memory_budget(-1) == 0
