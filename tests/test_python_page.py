"""The page for Python users, run as it stands, by a Python of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import tifffile
from roifile import ImagejRoi

PAGE = Path(__file__).resolve().parents[1] / "docs" / "python.md"


def test_every_example_runs(tmp_path):
    pixels = np.random.default_rng(5).integers(0, 60, (72, 80)).astype(np.uint8)
    pixels[:, 40:] += 120
    rois = []
    for group, x in enumerate((5, 50), start=1):
        roi = ImagejRoi.frompoints(np.array([[x, 10], [x + 20, 10], [x + 20, 30], [x, 30]]))
        roi.group = group
        rois.append(roi.tobytes())
    for name in ("cells.tif", "other.tif"):
        tifffile.imwrite(tmp_path / name, pixels, imagej=True, metadata={"Overlays": rois})
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 5
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks), encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    told = ran.stdout
    assert "Held-out quality" in told
    assert "(1, 1, 72, 80) (1, 1, 2, 72, 80)" in told
    # The image falls into two halves, and its classifier finds them: class 1 on the left.
    (counts,) = re.findall(r"^\[ *(\d+) +(\d+) +(\d+)\]$", told, re.MULTILINE)
    assert int(counts[0]) == 0
    np.testing.assert_allclose([int(counts[1]), int(counts[2])], 72 * 40, rtol=0.1)
    assert (tmp_path / "cells.tdseg").is_file()
