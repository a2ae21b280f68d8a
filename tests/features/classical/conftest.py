"""Reference stacks of the real TWS, and images that are awkward on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile


@dataclass(frozen=True)
class Reference:
    """An image, TWS's slices by name, and the part of the image that they cover."""

    image: np.ndarray
    slices: dict[str, np.ndarray]
    part: tuple[slice, slice]


@pytest.fixture(scope="session")
def reference(reference_data: Path) -> Callable[[str, str], Reference]:
    def read(image: str, kind: str) -> Reference:
        stored = np.load(reference_data / "weka" / f"{image}.{kind}.npz")
        y0, y1, x0, x1 = stored["crop"]
        names = [str(name) for name in stored["names"]]
        return Reference(
            tifffile.imread(reference_data / "weka" / f"{image}.input.tif"),
            dict(zip(names, stored["stack"], strict=True)),
            (slice(y0, y1), slice(x0, x1)),
        )

    return read


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.fixture
def spots(rng: np.random.Generator) -> np.ndarray:
    """A smooth, structured 8-bit image of 96 x 118 pixels."""
    y, x = np.mgrid[:96, :118]
    waves = 60 * np.sin(x / 5) * np.cos(y / 9) + 50 * (x > y) + rng.normal(0, 12, x.shape)
    return np.clip(waves + 110, 0, 255).astype(np.uint8)
