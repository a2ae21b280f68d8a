"""Fixtures for the whole suite."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of reference images and of stacks by the real TWS; see its README."""
    return Path(__file__).resolve().parent / "data"
