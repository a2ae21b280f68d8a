"""Fixtures for the whole suite."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Reference images and stacks by the real TWS; tests skip where they are absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the reference data are not beside this checkout")
    return SHARED_DATA
