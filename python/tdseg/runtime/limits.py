"""What a container (Linux control groups, version 1 or 2) lets this process have.

Docker, Kubernetes and cluster schedulers limit processors and memory in control groups; what the
machine has says nothing there.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
OF_PROCESS = Path("/proc/self/cgroup")


def processor_count(root: Path = ROOT, of_process: Path = OF_PROCESS) -> int:
    """Return how many processors this process may use, at least 1.

    The smaller of its affinity and its group's share of time, rounded up.
    """
    if hasattr(os, "process_cpu_count"):  # Python 3.13: PYTHON_CPU_COUNT counts too
        count = os.process_cpu_count() or 1
    elif hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    share = _share_of_time(root, of_process)
    return max(1, count if share is None else min(count, math.ceil(share)))


@cache
def _share_of_time(root: Path, of_process: Path) -> float | None:
    """Return how many processors' time the groups allow; asked for very often, so kept."""
    share: float | None = None
    for folder in _groups("cpu", root, of_process):
        words = _words(folder / "cpu.max") or [
            *_words(folder / "cpu.cfs_quota_us"),
            *_words(folder / "cpu.cfs_period_us"),
        ]
        numbers = [int(word) for word in words if word.isdigit() and int(word) > 0]
        if len(numbers) == len(words) == 2:
            found = numbers[0] / numbers[1]
            share = found if share is None else min(share, found)
    return share


def memory_left(root: Path = ROOT, of_process: Path = OF_PROCESS) -> int | None:
    """Return the bytes that this process's groups leave it; None where nothing limits them.

    File caches that the system would give back count as free.
    """
    left: int | None = None
    for folder in _groups("memory", root, of_process):
        for limit_name, used_name, cache_name in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit, used = _words(folder / limit_name), _words(folder / used_name)
            if not (limit and used and limit[0].isdigit() and used[0].isdigit()):
                continue
            words = _words(folder / "memory.stat")
            given_back = dict(zip(words[::2], words[1::2], strict=False)).get(cache_name, "0")
            free = max(0, int(limit[0]) - max(0, int(used[0]) - int(given_back)))
            left = free if left is None else min(left, free)
    return left


def _groups(controller: str, root: Path, of_process: Path) -> Iterator[Path]:
    """Give the folders of this process's group and all above it, for one controller.

    In a container the group's path may be the machine's, while only its end is to be seen: then
    the top folder is the container's own.
    """
    try:
        lines = of_process.read_text().splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        tops = [root] if not controllers else [root / controllers, root / controller]
        for top in tops:
            if not os.path.isdir(top):
                continue
            inside = Path(path.lstrip("/"))
            if ".." in inside.parts:
                inside = Path()
            for part in (inside, *inside.parents):
                yield top / part
            break


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except (OSError, ValueError):
        return []
