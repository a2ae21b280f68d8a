from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

import tdseg
from tdseg.errors import Cancelled, TdsegError
from tdseg.features.token_cache import TokenCache
from tdseg.runtime.progress import Silent
from tdseg.runtime.threads import set_thread_count
from tdseg.samples.mosaic import texture_mosaic
from tdseg.workflow import unlabelled

DEEP = tdseg.Settings(features="deep", backbone="offline", quality="fast", device="cpu")
segment_without_labels = partial(unlabelled.segment_without_labels, initial=24)
CLASSICAL = tdseg.Settings(features="classical", classical="gaussian,sobel", sigma_max=4)


def _dots(size: int = 96, seed: int = 0, level: int = 60) -> tuple[tdseg.Image, np.ndarray]:
    """Three bright discs on a dark, noisy ground."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    truth = np.zeros((size, size), bool)
    for cy, cx in ((0.25, 0.3), (0.6, 0.7), (0.75, 0.25)):
        truth |= (y - cy * size) ** 2 + (x - cx * size) ** 2 < (0.11 * size) ** 2
    pixels = np.where(truth, level + 120, level) + rng.normal(0, 6, truth.shape)
    return tdseg.Image.from_array(pixels.astype(np.uint8), name=f"dots-{seed}"), truth


def _agreement(labels: np.ndarray, truth: np.ndarray) -> float:
    """Return the accuracy under the best assignment of labels to classes."""
    table = np.zeros((labels.max() + 1, truth.max() + 1))
    np.add.at(table, (labels.ravel(), truth.ravel()), 1)
    rows, cols = linear_sum_assignment(-table)
    return float(table[rows, cols].sum() / truth.size)


@pytest.fixture(scope="module")
def mosaic() -> tuple[tdseg.Image, np.ndarray]:
    sample = texture_mosaic(128)
    return tdseg.Image.from_array(sample.image, name="mosaic"), sample.truth


def test_clusters_of_deep_features_are_textures(mosaic, tmp_path: Path) -> None:
    image, truth = mosaic
    (found,) = segment_without_labels([image], clusters=3, options=DEEP, probabilities=True)
    assert found.labels.shape == (1, 1, 128, 128)
    assert found.labels.dtype == np.uint8
    assert found.class_values == (1, 2, 3)
    assert _agreement(found.labels[0, 0], truth.astype(int)) > 0.75
    counts = np.bincount(found.labels.ravel(), minlength=4)
    assert counts[0] == 0
    assert counts[1] >= counts[3] > 0
    assert np.array_equal(found.probabilities[0, 0].argmax(axis=0) + 1, found.labels[0, 0])
    assert "efficientnet" in found.info["tdseg.unlabelled"]
    assert found.info["tdseg.features"] == "deep"
    # The classes can be saved, and applied like those of any classifier: the same pixels.
    found.model.save(tmp_path / "found.tdseg")
    again = tdseg.apply(tdseg.load(tmp_path / "found.tdseg"), image)
    assert np.array_equal(again.labels, found.labels)
    np.testing.assert_array_equal(again.probabilities, found.probabilities)


def test_same_seed_same_labels_whatever_the_threads_and_blocks(mosaic) -> None:
    image, _ = mosaic

    def run(threads: int, **changes: object) -> np.ndarray:
        set_thread_count(threads)
        options = CLASSICAL.with_(**changes)
        return segment_without_labels([image], clusters=4, options=options)[0].labels

    try:
        first = run(1)
        assert np.array_equal(run(2, tile=48), first)
        # PyTorch rounds differently with other numbers of threads, so these stay the same here.
        hybrid = {"features": "hybrid", "backbone": "offline", "quality": "fast", "device": "cpu"}
        assert np.array_equal(run(1, **hybrid), run(1, tile=48, **hybrid))
    finally:
        set_thread_count(None)


def test_classes_are_the_same_in_all_images() -> None:
    bright, first = _dots(seed=0)
    turned = tdseg.Image.from_array(bright.array[0, 0, 0][::-1].copy(), name="turned")
    found = segment_without_labels([bright, turned], clusters=2, options=CLASSICAL)
    assert len(found) == 2
    assert found[0].model is not None
    for result, truth in zip(found, (first, first[::-1]), strict=True):
        # Background is larger, hence class 1.
        assert ((result.labels[0, 0] == 2) == truth).mean() > 0.95


def test_stacks_and_chosen_planes() -> None:
    image, _ = _dots()
    stack = np.stack([image.array[0, 0, 0]] * 6).reshape(2, 3, 96, 96)
    stack = tdseg.Image.from_array(stack, "TZYX")
    (whole,) = segment_without_labels([stack], clusters=2, options=CLASSICAL)
    assert whole.labels.shape == (2, 3, 96, 96)
    assert (whole.labels == whole.labels[0, 0]).all()
    (part,) = segment_without_labels(
        [stack], method="foreground", options=CLASSICAL, planes=[1, 4], min_size=30
    )
    assert part.labels.shape == (2, 1, 96, 96)
    assert {(o.t, o.z) for o in part.objects} == {(0, 0), (1, 0)}


@pytest.mark.parametrize("method", ["foreground", "attention"])
def test_objects_stand_out(method: str) -> None:
    image, truth = _dots()
    (found,) = segment_without_labels([image], method=method, options=CLASSICAL, min_size=50)
    assert found.labels.dtype == np.uint16
    assert len(found.objects) == 3
    assert found.labels.max() == 3
    front = found.labels[0, 0] > 0
    assert (front & truth).sum() / (front | truth).sum() > 0.6
    assert "normalised cut" in found.info["tdseg.unlabelled"]
    for row in found.objects:
        assert row.area == (found.labels == row.label).sum()
    if method == "attention":
        assert found.attention.shape == (1, 1, 1, 96, 96)
        assert found.attention_names == ("ncut",)
        assert found.model is None
    else:
        assert found.attention is None
        assert found.model.class_names == ("background", "foreground")
        applied = tdseg.apply(found.model, image).labels[0, 0] == 2
        assert (front <= applied).all()  # objects are the foreground without what is too small
        assert (applied & ~front).sum() < 50 * 20


def test_attention_of_a_transformer() -> None:
    image, _ = _dots(64)
    options = tdseg.Settings(
        features="deep", backbone="dino_s16", weights="random:1", quality="fast", device="cpu"
    )
    (found,) = segment_without_labels([image], method="attention", options=options, min_size=0)
    assert found.attention_names == ("mean", *(f"head {k}" for k in range(1, 7)))
    assert found.attention.shape == (1, 1, 7, 64, 64)
    assert found.attention.dtype == np.float32
    mean = found.attention[0, 0, 0].mean(dtype=float)
    above = found.attention[0, 0, 0] > mean + 1e-6 * abs(mean)
    assert np.array_equal(found.labels[0, 0] > 0, above)
    assert "the network's attention" in found.info["tdseg.unlabelled"]


def test_auto_chooses_a_number_of_classes(mosaic) -> None:
    image, _ = mosaic
    cache = TokenCache(2**28)
    counts = []
    for scale in (0.6, 1.0, 5.0):
        (found,) = segment_without_labels(
            [image], options=DEEP, cutoff_scale=scale, initial=40, cache=cache
        )
        counts.append(len(found.class_values))
        assert set(np.unique(found.labels)) <= set(found.class_values)
    assert counts[0] >= counts[1] >= counts[2] == 2
    assert counts[0] > 2


def test_crf_refines_clusters_too() -> None:
    image, truth = _dots()
    plain, refined = (
        segment_without_labels([image], clusters=2, options=CLASSICAL.with_(refine=refine))[0]
        for refine in ("none", "crf")
    )
    assert not np.array_equal(plain.labels, refined.labels)
    assert ((refined.labels[0, 0] == 2) == truth).mean() > 0.9


def test_defaults_are_deep_features_and_a_cache_is_used() -> None:
    image, _ = _dots(64)
    cache = TokenCache(2**28)
    segment_without_labels([image], clusters=2, options=DEEP, cache=cache)
    assert cache.count == 1
    (found,) = segment_without_labels([image], clusters=2, options=DEEP, cache=cache)
    assert cache.count == 1
    assert found.model.summary["method"] == "clusters"
    assert found.model.settings.features == "deep"


def test_constant_image() -> None:
    image = tdseg.Image.from_array(np.full((40, 50), 7, np.uint8), name="flat")
    (found,) = segment_without_labels([image], options=CLASSICAL)
    assert (found.labels == 1).all()
    assert found.class_names == ("class 1",)
    for method in ("foreground", "attention"):
        (found,) = segment_without_labels([image], method=method, options=CLASSICAL)
        assert not found.labels.any()
        assert found.objects == ()
        assert found.model is None
    with pytest.raises(TdsegError, match=r"clusters=3 is not possible.* only 1 kind of pixels"):
        segment_without_labels([image], clusters=3, options=CLASSICAL)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (13, 20)])
def test_images_smaller_than_a_patch(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    image = tdseg.Image.from_array(rng.integers(0, 255, size, dtype=np.uint8))
    for options in (DEEP, CLASSICAL):
        (found,) = segment_without_labels([image], options=options)
        assert found.labels.shape == (1, 1, *size)
        assert found.labels.min() >= 1
        segment_without_labels([image], method="foreground", options=options, min_size=0)


def test_more_clusters_than_pixels() -> None:
    image = tdseg.Image.from_array(np.arange(6, dtype=np.uint8).reshape(2, 3) * 40)
    with pytest.raises(TdsegError, match="clusters=7 is not possible"):
        segment_without_labels([image], clusters=7, options=CLASSICAL)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"clusters": 1}, "'clusters'.*from 2 to 255"),
        ({"clusters": 256}, "'clusters'"),
        ({"clusters": True}, "'clusters'"),
        ({"clusters": "many"}, "'clusters'"),
        ({"method": "magic"}, "'clusters', 'attention', 'foreground'"),
        ({"min_size": -1}, "'min_size'"),
        ({"cutoff_scale": 0}, "'cutoff_scale'"),
        ({"cutoff_scale": float("nan")}, "'cutoff_scale'"),
        ({"initial": 1}, "initial=1 "),
    ],
)
def test_wrong_options_are_named(options, words: str) -> None:
    image, _ = _dots(32)
    with pytest.raises(TdsegError, match=words):
        segment_without_labels([image], options=CLASSICAL, **options)


def test_wrong_images_are_named() -> None:
    image, _ = _dots(32)
    with pytest.raises(TdsegError, match="at least one image"):
        segment_without_labels([])
    two = tdseg.Image.from_array(np.zeros((2, 32, 32), np.uint8), "CYX", name="pair")
    with pytest.raises(TdsegError, match="'dots-0' and 'pair' differ in their channels"):
        segment_without_labels([image, two], clusters=2, options=CLASSICAL)
    pixels = np.random.default_rng(0).random((32, 32)).astype(np.float32)
    pixels[3, 4] = np.nan
    broken = tdseg.Image.from_array(pixels, name="broken")
    for method in ("clusters", "attention", "foreground"):
        with pytest.raises(TdsegError, match="'broken' has 1 NaN"):
            segment_without_labels([broken], method=method, options=CLASSICAL)


def test_colour_and_channels() -> None:
    rng = np.random.default_rng(0)
    colour = rng.integers(0, 60, (40, 44, 3), dtype=np.uint8)
    colour[:, 20:, 0] += 150
    two = tdseg.Image.from_array(colour[:, :, :2].transpose(2, 0, 1), "CYX")
    for image in (tdseg.Image.from_array(colour), two):
        (found,) = segment_without_labels([image], clusters=2, options=CLASSICAL)
        left, right = found.labels[0, 0][:, :16], found.labels[0, 0][:, 24:]
        assert (left == np.median(left)).mean() > 0.9
        assert np.median(left) != np.median(right)
        (deep,) = segment_without_labels([image], clusters=2, options=DEEP)
        assert deep.labels.shape == (1, 1, 40, 44)


def test_can_be_cancelled() -> None:
    class Stop(Silent):
        def update(self, fraction: float, message: str = "") -> None:
            if fraction >= 0.5:
                raise Cancelled

    image, _ = _dots(32)
    with pytest.raises(Cancelled):
        segment_without_labels([image], clusters=2, options=CLASSICAL, progress=Stop())
