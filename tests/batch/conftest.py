"""A small classifier and three images."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

import tdseg

sys.path.insert(0, str(Path(__file__).parent))  # for the shared module of this folder

from batch_jobs import train


@pytest.fixture(scope="session")
def model() -> tdseg.Model:
    return train()


@pytest.fixture(scope="session")
def other_model() -> tdseg.Model:
    return train(seed=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    for name in ("a", "b µ", "c"):
        tifffile.imwrite(
            tmp_path / f"{name}.tif", rng.integers(0, 255, (20, 30), np.uint8), imagej=True
        )
    return tmp_path
