"""A report for bug reports, of an account with a telling name."""

from __future__ import annotations

import os
import subprocess
import sys

from tdseg._version import __version__

TRACE = """\
2026-01-02 03:04:05,678 tdseg worker started
2026-01-02 03:04:06,000 Traceback (most recent call last):
2026-01-02 03:04:06,000   File "{home}/my env/site-packages/tdseg/worker/serving.py", line 9, in run
2026-01-02 03:04:06,000     return self._run(task)
2026-01-02 03:04:06,000 ValueError: '{home}/Patienten/Erika Mustermann.tif' broke it
2026-01-02 03:04:07,000 later line of Rumpelstilz
"""


def test_a_report_tells_all_but_who_and_where(tmp_path):
    home = tmp_path / "Rumpelstilz Schneewittchen"
    logs = home / ".cache" / "tdseg" / "worker-logs"
    logs.mkdir(parents=True)
    (logs / "2026-01-01-000000-1.log").write_text("nothing", encoding="utf-8")
    (logs / "2026-01-02-030405-7.log").write_text(TRACE.format(home=home), encoding="utf-8")
    secret = {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "LOCALAPPDATA": str(home / ".cache"),
        "USER": "rumpelstilz",
        "LOGNAME": "rumpelstilz",
        "TDSEG_CACHE": str(home / "Patienten"),
        "HF_HOME": "/mnt/Geheimlabor/hf home",
        "TDSEG_FIJI": str(tmp_path / "Geheimlabor" / "Fiji.app"),
        "HTTPS_PROXY": "http://rumpelstilz:Goldstroh@127.0.0.1:1",
        "HF_HUB_OFFLINE": "1",
        "PYTHONUTF8": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tdseg", "status", "--report", "--backbone", "offline"],
        env={**os.environ, **secret},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    told = done.stdout
    for word in ("Rumpelstilz", "Schneewittchen", "Patienten", "Erika", "Geheimlabor", "Goldstroh"):
        assert word.lower() not in told.lower(), word
    assert str(tmp_path) not in told
    assert str(home.parent.name) not in told
    rows = dict(line.split(": ", 1) for line in told.splitlines() if ": " in line)
    assert rows["tdseg"] == __version__
    assert rows["HTTPS_PROXY"] == "is set"
    assert rows["TDSEG_CACHE"] == "~/..."
    assert rows["weights on this machine"] == "efficientnet_lite0"
    for item in (
        "Java",
        "ImageJ",
        "system",
        "processor",
        "memory in all",
        "GPU",
        "locale",
        "appose",
    ):
        assert rows[item], item
    error = told.split("last error: ")[1]
    assert error.startswith("2026-01-02 03:04:06")
    assert 'File ".../tdseg/worker/serving.py", line 9, in run' in error
    assert error.rstrip().endswith("ValueError: '~/....tif' broke it")
