"""The host's threads: its settings count and stay; children of fork do not wait for ever."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

DEEP = (
    "import numpy as np, torch, tdseg\n"
    "from tdseg.runtime import threads\n"
    "pixels = np.random.default_rng(0).integers(0, 255, (96, 96), np.uint8)\n"
    "image = tdseg.Image.from_array(pixels)\n"
    "settings = tdseg.Settings(features='deep', backbone='offline', device='cpu')\n"
    "def work(_=None):\n"
    "    found = tdseg.compute_features(image, settings).array\n"
    "    return float(np.asarray(found, np.float64).sum())\n"
)


def run(code: str, **environment: str) -> str:
    """Run Python code in a process of its own, for at most two minutes."""
    removed = ("OMP_NUM_THREADS", "TDSEG_THREADS", "MKL_NUM_THREADS")
    kept = {name: value for name, value in os.environ.items() if name not in removed}
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_processes_forked_after_deep_work_do_the_same_work():
    code = (
        DEEP + "import multiprocessing\n"
        "threads.set_thread_count(2)\n"
        "torch.set_num_threads(2)\n"
        "before = work()\n"
        "torch.rand(600, 600) @ torch.rand(600, 600)\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    found = pool.map_async(work, range(3)).get(90)\n"
        "    counts = pool.map_async(counted, range(2)).get(90)\n"
        "print(max(abs(f - before) for f in found) <= 1e-4 * abs(before), counts)\n"
    )
    code = code.replace(
        "import multiprocessing\n",
        "import multiprocessing\ndef counted(_):\n"
        "    return threads.thread_count(), torch.get_num_threads()\n",
    )
    assert run(code) == "True [(1, 1), (1, 1)]"


@pytest.mark.parametrize("count", [1, 2])
def test_what_the_host_gave_pytorch_counts_and_stays(count):
    code = (
        DEEP + f"torch.set_num_threads({count})\n"
        "inside = []\n"
        "from torch import nn\n"
        "plain = nn.Module.__call__\n"
        "def spy(self, *a, **k):\n"
        "    inside.append(torch.get_num_threads())\n"
        "    return plain(self, *a, **k)\n"
        "nn.Module.__call__ = spy\n"
        "work()\n"
        "print(max(inside), torch.get_num_threads())\n"
    )
    assert run(code, TDSEG_THREADS="") == f"{count} {count}"
    # An order to tdseg itself counts more than what is around it, while tdseg works.
    assert run(code, TDSEG_THREADS="3") == f"3 {count}"


def test_omp_num_threads_counts():
    code = "from tdseg.runtime.threads import thread_count\nprint(thread_count())\n"
    assert run(code, OMP_NUM_THREADS="1") == "1"
    assert run(code, OMP_NUM_THREADS="1,4") == "1"
    assert run(code, OMP_NUM_THREADS="1", TDSEG_THREADS="3") == "3"
    assert run(code, OMP_NUM_THREADS="nonsense") == run(code)
