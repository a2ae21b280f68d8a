"""The page about extensions, run as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

import tdseg
from tdseg.backbones.registry import BACKBONES
from tdseg.classifiers.registry import CLASSIFIERS
from tdseg.features.classical import FAMILIES
from tdseg.upsampling.registry import UPSAMPLERS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "extending.md"
REGISTRIES = (FAMILIES, BACKBONES, UPSAMPLERS, CLASSIFIERS)


@pytest.fixture(scope="module")
def extended() -> Iterator[None]:
    """Run all blocks of the page, each once and alone; forget what they registered."""
    before = [(registry, dict(registry._items)) for registry in REGISTRIES]
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for block in blocks:
        assert len(block.splitlines()) <= 40
        exec(compile(block, str(PAGE), "exec"), {})
    assert all(len(registry._items) > len(items) for registry, items in before)
    yield
    for registry, items in before:
        registry._items = items


@pytest.fixture(scope="module")
def image() -> tdseg.Image:
    pixels = np.random.default_rng(3).integers(0, 255, (24, 32)).astype(np.uint8)
    pixels[:, 16:] //= 4
    return tdseg.Image.from_array(pixels)


def test_a_family(extended, image):
    settings = tdseg.Settings(features="classical", classical="gaussian,local_range", sigma_max=2)
    stack = tdseg.compute_features(image, settings)
    assert stack.names[-2:] == ["Local_range_1", "Local_range_2"]
    pixels = image.array[0, 0, 0].astype(np.float32)
    expected = [
        ndimage.maximum_filter(pixels, side, mode="nearest")
        - ndimage.minimum_filter(pixels, side, mode="nearest")
        for side in (3, 5)
    ]
    np.testing.assert_array_equal(stack.array[-2:], expected)


def test_a_backbone_and_an_upsampler(extended, image):
    settings = tdseg.Settings(features="deep", backbone="patch_means", upsampling="nearest")
    stack = tdseg.compute_features(image, settings)
    assert stack.array.shape == (3, 24, 32)
    # The image is continued by reflection, so that tokens surround all its pixels: here by 2.
    pixels = np.pad(image.array[0, 0, 0] / 255, 2, "reflect")
    means = pixels.reshape(7, 4, 9, 4).mean(axis=(1, 3))
    expected = np.kron(means, np.ones((4, 4)))[2:-2, 2:-2]
    np.testing.assert_allclose(stack.array[0], expected, atol=1e-3)  # half precision


def test_the_names_travel_with_a_classifier(extended, image, tmp_path):
    drawn = np.zeros((24, 32), np.uint8)
    drawn[5:9, 2:8], drawn[5:9, 20:28] = 1, 2
    labels = tdseg.SparseLabels.from_label_image(drawn, class_names=["left", "right"])
    settings = tdseg.Settings(
        features="hybrid",
        classical="local_range",
        backbone="patch_means",
        upsampling="nearest",
        classifier="nearest_mean",
        held_out=False,
    )
    model = tdseg.train([(image, labels)], settings)
    again = tdseg.load(model.save(tmp_path / "model.tdseg"))
    assert again.settings.backbone == "patch_means"
    assert type(again.classifier).__name__ == "NearestMean"
    np.testing.assert_array_equal(
        tdseg.apply(again, image).labels, tdseg.apply(model, image).labels
    )
