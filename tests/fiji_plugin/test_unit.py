"""The plugin's own tests (JUnit), run by Maven."""

import re
import shutil
import subprocess
from pathlib import Path

PLUGIN = Path(__file__).parents[2] / "fiji-plugin"


def test_the_plugins_own_tests_pass(maven, tmp_path):
    work = tmp_path / "fiji-plugin"
    shutil.copytree(PLUGIN, work, ignore=shutil.ignore_patterns("target"))
    done = subprocess.run([maven, "-B", "test"], cwd=work, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:]
    counts = re.findall(r"Tests run: (\d+), Failures: 0, Errors: 0, Skipped: 0", done.stdout)
    assert int(counts[-1]) > 50
