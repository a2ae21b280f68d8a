"""Workers, and images with labels for them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from roifile import ImagejRoi

sys.path.insert(0, str(Path(__file__).parent))  # for the shared module of this folder

from plugin_host import OpenImage, PluginHost


def rectangle(x: int, y: int, group: int, size: int = 8) -> bytes:
    """A square label of a class, in ImageJ's encoding."""
    corners = np.array([[x, y], [x + size, y], [x + size, y + size], [x, y + size]])
    roi = ImagejRoi.frompoints(corners)
    roi.group = group
    return bytes(roi.tobytes())


@pytest.fixture(scope="session")
def labelled() -> OpenImage:
    """A 16-bit image of two textures with a label in each."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 4000, (48, 64)).astype(np.uint16)
    pixels[:, 32:] += 20000
    rois = [rectangle(4, 4, 1), rectangle(44, 20, 2)]
    return OpenImage("cells µ.tif", pixels[None, None, None], "16-bit", {"overlay": rois})


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory, labelled: OpenImage) -> Iterator[PluginHost]:
    """A Fiji whose worker the tests of a file share."""
    with PluginHost(tmp_path_factory.mktemp("cache"), labelled) as host:
        host.hello()
        yield host
