from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tifffile
from crf_reference import brute_force, from_grey_levels, scene

from tdseg.errors import Cancelled, TdsegError
from tdseg.options.groups import CrfOptions
from tdseg.refine.crf import bytes_per_pixel, default_halo, refine_plane, refine_tiled
from tdseg.runtime.threads import set_thread_count

PLAIN = CrfOptions(crf_min_fraction=0.0)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
@pytest.mark.parametrize("seed", [0, 1])
def test_small_planes_agree_with_brute_force(channels, seed):
    probabilities, guide = scene(20, 24, channels, seed=seed)
    expected = brute_force(probabilities, guide)
    refined = refine_plane(probabilities, guide, PLAIN)
    assert (expected.argmax(0) != probabilities.argmax(0)).mean() > 0.02
    assert np.abs(refined - expected).max() < 1e-2
    assert (refined.argmax(0) == expected.argmax(0)).mean() >= 0.995
    np.testing.assert_allclose(refined.sum(axis=0), 1.0, atol=1e-5)


def test_every_option_means_what_brute_force_makes_of_it():
    probabilities, guide = scene(18, 23, 3, classes=4)
    options = CrfOptions(
        crf_iterations=4,
        crf_spatial_sigma=1.5,
        crf_spatial_compat=3.0,
        crf_bilateral_sigma=9.0,
        crf_bilateral_range=30.0,
        crf_bilateral_compat=2.0,
        crf_min_fraction=0.0,
    )
    weights = (1.0, 1.6, 0.4, 1.0)
    expected = brute_force(
        probabilities, guide, 4, (1.5, 3.0), (9.0, 30.0, 2.0), (1.0, 1.6, 0.4, 1.0)
    )
    found = refine_plane(probabilities, guide, options, class_weights=weights)
    np.testing.assert_allclose(found, expected, atol=1e-3)


@pytest.mark.parametrize("off", ["crf_spatial_compat", "crf_bilateral_compat"])
def test_each_kernel_can_be_switched_off(off):
    probabilities, guide = scene(20, 24, 3)
    strength = {"crf_spatial_compat": 10.0, "crf_bilateral_compat": 10.0, off: 0.0}
    expected = brute_force(
        probabilities,
        guide,
        spatial=(3.0, strength["crf_spatial_compat"]),
        bilateral=(80.0, 13.0, strength["crf_bilateral_compat"]),
    )
    refined = refine_plane(probabilities, guide, replace(PLAIN, **strength))
    np.testing.assert_allclose(refined, expected, atol=1e-2)


@pytest.mark.parametrize("name", ["rgb", "tcell_a", "alloy"])
def test_micrographs_agree_with_pydensecrf(reference_data, name):
    densecrf = pytest.importorskip("pydensecrf.densecrf")
    image = tifffile.imread(reference_data / "micrographs" / f"{name}_image.tif")[:260, :300]
    labels = tifffile.imread(reference_data / "micrographs" / f"{name}_labels.tif")[:260, :300]
    probabilities = from_grey_levels(image, labels)
    classes, height, width = probabilities.shape
    field = densecrf.DenseCRF2D(width, height, classes)
    field.setUnaryEnergy(-np.log(np.maximum(probabilities, 1e-5)).reshape(classes, -1))
    colour = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
    field.addPairwiseGaussian(sxy=3, compat=10)
    field.addPairwiseBilateral(sxy=80, srgb=13, rgbim=np.ascontiguousarray(colour), compat=10)
    expected = np.array(field.inference(10)).reshape(probabilities.shape)
    refined = refine_plane(probabilities, image, PLAIN)
    assert (expected.argmax(0) != probabilities.argmax(0)).mean() > 0.02
    assert (refined.argmax(0) == expected.argmax(0)).mean() >= 0.999
    assert np.abs(refined - expected).mean() < 1e-4


@pytest.mark.parametrize(("sigma", "tile"), [(80.0, 180), (40.0, 200)])
def test_tiles_leave_the_labels_of_a_micrograph_as_they_are(reference_data, sigma, tile):
    image = tifffile.imread(reference_data / "micrographs" / "tcell_b_image.tif")
    labels = tifffile.imread(reference_data / "micrographs" / "tcell_b_labels.tif")
    probabilities = from_grey_levels(image, labels)
    options = replace(PLAIN, crf_bilateral_sigma=sigma)
    whole = refine_plane(probabilities, image, options).argmax(0)
    equal = whole == refine_tiled(probabilities, image, options, tile=tile).argmax(0)
    assert equal.mean() >= 0.999
    border = np.zeros_like(equal)
    for edge in (tile, 2 * tile):
        border[edge - 2 : edge + 2] = border[:, edge - 2 : edge + 2] = True
    assert equal[border].mean() >= 0.999


def test_automatic_tiles_follow_the_memory_limit():
    probabilities, guide = scene(300, 70, 1)
    options = replace(PLAIN, crf_bilateral_sigma=2.0, crf_spatial_sigma=2.0, crf_iterations=1)
    calls: dict[float, list[float]] = {1.0: [], 0.001: []}
    for limit, seen in calls.items():
        refine_tiled(probabilities, guide, options, memory_limit=limit, progress=seen.append)
    assert calls[1.0] == [0.0, 1.0]  # whole
    assert len(calls[0.001]) == 4  # 256 rows and the rest
    assert bytes_per_pixel(8, 5) > bytes_per_pixel(3, 3) == bytes_per_pixel(3, 1) > 100


def test_tiles_are_what_they_would_be_alone():
    """The halo is cut at the plane's border, and each tile lands where it was taken from."""
    probabilities, guide = scene(70, 90, 1)
    options = replace(PLAIN, crf_bilateral_sigma=3.0, crf_spatial_sigma=1.0, crf_iterations=2)
    whole = refine_plane(probabilities, guide, options)
    tiled = refine_tiled(probabilities, guide, options, tile=25, halo=30)
    np.testing.assert_allclose(tiled, whole, atol=1e-3)
    assert default_halo(PLAIN) == 320
    assert default_halo(replace(PLAIN, crf_bilateral_compat=0.0)) == 12


@pytest.mark.parametrize("shape", [(20, 24), (90, 101)])
def test_result_does_not_depend_on_threads_or_repetition(shape):
    probabilities, guide = scene(*shape, 3)
    results = []
    try:
        for threads in (1, 3, 1):
            set_thread_count(threads)
            results.append(refine_plane(probabilities, guide))
            results.append(refine_tiled(probabilities, guide, tile=40, halo=200))
            results.append(refine_tiled(probabilities, guide, tile=40, halo=200, memory_limit=0.0))
    finally:
        set_thread_count(None)
    for first, later in zip(results[:3] * 2, results[3:], strict=True):
        np.testing.assert_array_equal(first, later)
    np.testing.assert_array_equal(results[1], results[2])


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (2, 3)])
def test_thin_and_tiny_planes(shape):
    probabilities, guide = scene(*shape, 1)
    refined = refine_plane(probabilities, guide)
    assert refined.shape == probabilities.shape
    assert refined.dtype == np.float32
    np.testing.assert_allclose(refined.sum(axis=0), 1.0, atol=1e-5)


@pytest.mark.parametrize("shape", [(30, 30), (80, 80)])
def test_constant_image_and_constant_probabilities(shape):
    flat = np.full((4, *shape), 0.25, np.float32)
    guide = np.full(shape, 77, np.uint8)
    np.testing.assert_allclose(refine_plane(flat, guide), 0.25, atol=1e-5)
    probabilities, _ = scene(*shape, 1)
    assert np.isfinite(refine_plane(probabilities, guide)).all()


def test_one_class_is_certain_and_no_iteration_changes_nothing():
    guide = np.zeros((5, 6), np.uint8)
    np.testing.assert_array_equal(refine_plane(np.ones((1, 5, 6), np.float32), guide), 1.0)
    probabilities, guide = scene(9, 8, 3)
    refined = refine_plane(probabilities, guide, CrfOptions(crf_iterations=0))
    np.testing.assert_allclose(refined, probabilities, atol=1e-6)


def test_nearly_normalised_input_of_any_kind_is_normalised_and_left_alone():
    probabilities, guide = scene(20, 24, 3)
    expected = refine_plane(probabilities, guide)
    given = (probabilities * 1.0005).astype(np.float64)
    copy = given.copy()
    refined = refine_plane(given, guide.astype(np.float32))
    np.testing.assert_array_equal(given, copy)
    np.testing.assert_allclose(refined, expected, atol=1e-4)
    half = refine_plane(probabilities.astype(np.float16), guide)
    np.testing.assert_allclose(half, expected, atol=2e-2)


def test_result_can_go_to_a_mapped_file(tmp_path):
    probabilities, guide = scene(70, 80, 3)
    mapped = np.memmap(tmp_path / "refined", np.float32, "w+", shape=probabilities.shape)
    returned = refine_tiled(probabilities, guide, tile=40, out=mapped)
    assert returned is mapped
    np.testing.assert_array_equal(mapped, refine_tiled(probabilities, guide, tile=40))


def test_progress_rises_to_one_and_may_cancel():
    probabilities, guide = scene(70, 80, 3)
    seen: list[float] = []
    refine_tiled(probabilities, guide, tile=40, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[0] == 0.0
    assert seen[-1] == pytest.approx(1.0)
    assert len(seen) > 10

    def cancel(fraction: float) -> None:
        seen.append(fraction)
        if fraction > 0.3:
            raise Cancelled

    seen.clear()
    with pytest.raises(Cancelled):
        refine_plane(probabilities, guide, progress=cancel)
    assert seen[-1] < 0.5


def _spoiled(value: float) -> np.ndarray:
    probabilities = np.full((2, 4, 5), 0.5, np.float32)
    probabilities[1, 2, 3] = value
    return probabilities


HALF = _spoiled(0.5)
GREY = np.zeros((4, 5), np.uint8)


@pytest.mark.parametrize(
    ("probabilities", "guide", "options", "words"),
    [
        (_spoiled(np.nan), GREY, {}, "x=3, y=2 are not finite"),
        (_spoiled(np.inf), GREY, {}, "x=3, y=2 are not finite"),
        (_spoiled(0.6), GREY, {}, r"x=3, y=2 .* sum to 1\.1"),
        (np.stack([HALF[0] + 1, HALF[1] - 1]), GREY, {}, "negative"),
        (HALF[0], GREY, {}, r"shape \(4, 5\)"),
        (HALF[:0], GREY, {}, "none of them zero"),
        (HALF, GREY[:3], {}, "5 x 4 pixels and the image is 5 x 3"),
        (HALF, GREY[0], {}, "needs .height, width, channels"),
        (HALF, np.full((4, 5), 256, np.uint16), {}, "scale the image to 0 to 255"),
        (HALF, np.full((4, 5), np.nan), {}, "scale the image to 0 to 255"),
        (HALF, GREY, {"crf_iterations": -1}, "crf_iterations.*-1"),
        (HALF, GREY, {"crf_spatial_sigma": 0.0}, "crf_spatial_sigma.*0.0"),
        (HALF, GREY, {"crf_bilateral_range": np.nan}, "crf_bilateral_range.*nan"),
        (HALF, GREY, {"crf_bilateral_compat": -1.0}, "crf_bilateral_compat.*-1"),
        (HALF, GREY, {"crf_min_fraction": 1.5}, "crf_min_fraction.*1.5"),
        (HALF, GREY, {"class_weights": (1.0,)}, "1 class weights for 2 classes"),
        (HALF, GREY, {"class_weights": (1.0, -1.0)}, "class weight of the CRF is negative"),
    ],
)
def test_wrong_input_is_refused_in_one_sentence(probabilities, guide, options, words):
    weights = options.get("class_weights")
    keys = {name: value for name, value in options.items() if name != "class_weights"}
    with pytest.raises(TdsegError, match=words) as caught:
        refine_plane(probabilities, guide, CrfOptions(**keys), class_weights=weights)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
