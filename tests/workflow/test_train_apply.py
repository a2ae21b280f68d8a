import dataclasses

import numpy as np
import pytest

import tdseg
from tdseg.errors import TdsegError
from tdseg.runtime.threads import set_thread_count

KINDS = ("auto", "random_forest", "logistic_regression", "linear_regression")


def settings(**changes):
    defaults = {"trees": 12, "held_out": False, "backbone": "offline", "quality": "fast"}
    return tdseg.Settings(**{**defaults, **changes})


@pytest.fixture(scope="module", params=KINDS)
def hybrid(request, example):
    image, labels, _ = example
    model = tdseg.train([(image, labels)], settings(classifier=request.param))
    return model, tdseg.apply(model, image)


def test_result_has_the_shapes_types_and_sums_of_the_api(hybrid, example):
    model, result = hybrid
    assert result.labels.shape == (1, 1, *example[0].size)
    assert result.labels.dtype == np.uint8
    assert result.probabilities.shape == (1, 1, len(model.class_values), *example[0].size)
    assert result.probabilities.dtype == np.float32
    np.testing.assert_allclose(result.probabilities.sum(axis=2), 1, atol=1e-5)
    best = np.asarray(model.class_values)[result.probabilities[0, 0].argmax(axis=0)]
    np.testing.assert_array_equal(result.labels[0, 0], best)


def test_labelled_pixels_get_their_own_class(hybrid, example):
    _, labels, _ = example
    found = hybrid[1].labels[0, 0][labels.y, labels.x]
    assert (found == labels.value).mean() > 0.95


@pytest.mark.parametrize("changes", [{"tile": 17}, {"memory_limit": 0.05}, {"tile": 64}])
def test_blocks_and_memory_change_no_label(hybrid, example, changes):
    model, result = hybrid
    again = tdseg.apply(model, example[0], settings=model.settings.with_(**changes))
    np.testing.assert_array_equal(again.labels, result.labels)
    np.testing.assert_allclose(again.probabilities, result.probabilities, atol=2e-6)
    np.testing.assert_allclose(again.uncertainty, result.uncertainty, atol=4e-6)


def test_uncertainty_comes_with_probabilities_or_alone(hybrid, example):
    model, result = hybrid
    ordered = np.sort(result.probabilities, axis=2)
    margin = ordered[:, :, -1] - ordered[:, :, -2]
    assert result.uncertainty.dtype == np.float32
    np.testing.assert_allclose(result.uncertainty, 1 - margin, atol=1e-6)
    alone = tdseg.apply(model, example[0], probabilities=False, uncertainty=True)
    assert alone.probabilities is None
    np.testing.assert_array_equal(alone.uncertainty, result.uncertainty)
    np.testing.assert_array_equal(alone.labels, result.labels)
    assert tdseg.apply(model, example[0], probabilities=False).uncertainty is None


def test_uncertainty_of_refined_labels_is_the_classifiers(example):
    image, labels, _ = example
    # A forest is unsure enough for the CRF to change labels here.
    chosen = settings(features="classical", classifier="random_forest")
    model = tdseg.train([(image, labels)], chosen)
    plain = tdseg.apply(model, image)
    refined = tdseg.apply(model, image, settings=model.settings.with_(refine="crf"))
    code = np.searchsorted(model.class_values, refined.labels)
    expected = tdseg.uncertainty(plain.probabilities, code)
    np.testing.assert_array_equal(refined.uncertainty, expected)
    changed = refined.labels != plain.labels
    assert changed.any()
    assert (refined.uncertainty[changed] == 1).all()


def test_threads_change_nothing(hybrid, example):
    model, result = hybrid
    image, labels, _ = example
    try:
        set_thread_count(1)
        retrained = tdseg.train([(image, labels)], model.settings)
        again = tdseg.apply(retrained, image)
    finally:
        set_thread_count(None)
    np.testing.assert_array_equal(again.labels, result.labels)


def test_saved_and_loaded_gives_identical_pixels(hybrid, example, tmp_path):
    model, result = hybrid
    model.save(tmp_path / "cells.tdseg")
    again = tdseg.apply(tdseg.load(tmp_path / "cells.tdseg"), example[0])
    np.testing.assert_array_equal(again.labels, result.labels)
    np.testing.assert_array_equal(again.probabilities, result.probabilities)


def test_seed_decides(example):
    image, labels, _ = example
    first, second, other = (
        tdseg.apply(tdseg.train([(image, labels)], settings(features="classical", seed=s)), image)
        for s in (3, 3, 4)
    )
    np.testing.assert_array_equal(first.probabilities, second.probabilities)
    assert not np.array_equal(first.probabilities, other.probabilities)


def test_label_values_are_kept_as_drawn(example):
    image, labels, _ = example
    drawn = labels.to_label_image()[0, 0].astype(np.uint16)
    drawn = np.array([0, 5, 700, 9], np.uint16)[drawn]
    model = tdseg.train(
        [(image, tdseg.SparseLabels.from_label_image(drawn, {5: "wall"}))],
        settings(features="classical"),
    )
    result = tdseg.apply(model, image)
    assert set(np.unique(result.labels)) == {5, 700}
    assert result.labels.dtype == np.uint16
    assert result.class_names == ("wall", "class 700")
    lower = tdseg.apply(model, image, settings=model.settings.with_(first_label=0))
    np.testing.assert_array_equal(lower.labels, result.labels - 1)


def test_region_and_planes(example):
    image, labels, _ = example
    stack = tdseg.Image.from_array(np.stack([image.array[0, 0, 0]] * 3), "ZYX", name="stack")
    model = tdseg.train([(image, labels)], settings(features="classical"))
    whole = tdseg.apply(model, image)
    region = np.zeros(image.size, bool)
    region[10:30, 20:50] = True
    part = tdseg.apply(model, stack, planes=[1, 2], region=region)
    assert part.labels.shape == (1, 2, *image.size)
    np.testing.assert_array_equal(part.labels[0, 1][region], whole.labels[0, 0][region])
    assert not part.labels[0, 0][~region].any()
    assert not part.probabilities[0, 0][:, ~region].any()
    np.testing.assert_array_equal(
        part.uncertainty[0, 1], np.where(region, whole.uncertainty[0, 0], 0)
    )


def test_several_images_and_planes_train_together(example):
    image, labels, _ = example
    pixels = image.array[0, 0, 0]
    drawn = labels.to_label_image()[0, 0]
    stack = tdseg.Image.from_array(np.stack([pixels, pixels]), "ZYX", name="stack")
    halves = np.stack([np.where(drawn == 1, 1, 0), np.where(drawn > 1, drawn, 0)])
    one = tdseg.train([(image, labels)], settings(features="classical"))
    spread = tdseg.train(
        [(stack, tdseg.SparseLabels.from_label_image(halves))], settings(features="classical")
    )
    # The same pixels in another order: a forest may differ in a few places, not in kind.
    first = tdseg.apply(one, image).labels
    second = tdseg.apply(spread, image).labels
    assert (first == second).mean() > 0.97


def test_image_normalisation_undoes_brightness_and_contrast(example):
    image, labels, _ = example
    pixels = image.array[0, 0, 0].astype(np.float32)
    darker = tdseg.Image.from_array(0.5 * pixels + 30, name="darker")
    model = tdseg.train([(tdseg.Image.from_array(pixels), labels)], settings(normalize="image"))
    np.testing.assert_array_equal(
        tdseg.apply(model, darker).labels, tdseg.apply(model, image_like(pixels)).labels
    )


def image_like(pixels):
    return tdseg.Image.from_array(pixels, name="same")


def test_training_pixels_are_capped_evenly(example):
    image, labels, _ = example
    model = tdseg.train([(image, labels)], settings(features="classical", samples=30))
    assert sum(model.summary["pixels"].values()) == 30
    assert max(model.summary["pixels"].values()) - min(model.summary["pixels"].values()) <= 1


@pytest.mark.parametrize("size", [(1, 1), (13, 13), (1, 300), (300, 1)])
@pytest.mark.parametrize("features", ["classical", "hybrid"])
def test_any_size_of_image_gives_a_result(example, size, features):
    image, labels, _ = example
    model = tdseg.train([(image, labels)], settings(features=features))
    small = tdseg.Image.from_array(np.full(size, 90, np.uint8), name="small")
    result = tdseg.apply(model, small)
    assert result.labels.shape == (1, 1, *size)
    assert np.isfinite(result.probabilities).all()


def grey(name, size=(20, 20)):
    return tdseg.Image.from_array(np.arange(np.prod(size)).reshape(size) % 251, name=name)


def two_classes(size=(20, 20)):
    drawn = np.zeros(size, np.uint8)
    drawn[2], drawn[9] = 1, 2
    return drawn


def bad_cases():
    drawn = two_classes()
    one = np.where(drawn == 1, 1, 0)
    nan = tdseg.Image.from_array(np.full((20, 20), np.nan, np.float32), name="holes")
    rgb = tdseg.Image.from_array(np.zeros((20, 20, 3), np.uint8), name="colours")
    take = tdseg.SparseLabels.from_label_image
    return [
        ([], ["nothing to train on"]),
        ([(grey("cells"), take(np.zeros((20, 20), int)))], ["cells", "no labels"]),
        ([(grey("cells"), take(one))], ["one class", "at least two"]),
        ([(grey("cells"), take(two_classes((10, 20))))], ["cells", "size"]),
        ([(nan, take(drawn))], ["holes", "NaN"]),
        ([(grey("a"), take(drawn)), (rgb, take(drawn))], ["a", "colours", "channels"]),
        (
            [(grey("a"), take(drawn, ["x", "y"])), (grey("b"), take(drawn, ["y", "x"]))],
            ["'b'", "one name"],
        ),
    ]


@pytest.mark.parametrize(("examples", "words"), bad_cases())
def test_what_cannot_be_learnt_from_is_named(examples, words):
    with pytest.raises(TdsegError) as caught:
        tdseg.train(examples, settings(features="classical"))
    assert all(word in str(caught.value) for word in words)


def test_classifiers_refuse_images_of_another_kind(example):
    image, labels, _ = example
    model = tdseg.train([(image, labels)], settings(features="classical"))
    rgb = tdseg.Image.from_array(np.zeros((20, 20, 3), np.uint8), name="colours")
    with pytest.raises(TdsegError, match=r"single grey channel.*'colours' is RGB"):
        tdseg.apply(model, rgb)
    rgb_model = tdseg.train(
        [(rgb_noise(), tdseg.SparseLabels.from_label_image(two_classes()))],
        settings(features="classical"),
    )
    with pytest.raises(TdsegError, match=r"RGB colour.*'mosaic' is a single grey"):
        tdseg.apply(rgb_model, image)


def rgb_noise():
    rng = np.random.default_rng(0)
    return tdseg.Image.from_array(rng.integers(0, 255, (20, 20, 3), np.uint8), name="noise")


def test_a_backbone_with_other_weights_is_refused(example):
    image, labels, _ = example
    model = tdseg.train([(image, labels)], settings(weights="random:1"))
    with pytest.raises(TdsegError, match="was trained with backbone"):
        tdseg.apply(model, image, settings=model.settings.with_(weights="random:2"))


def test_a_second_training_runs_no_backbone(example, monkeypatch):
    from tdseg.backbones.offline_cnn import OfflineCnn
    from tdseg.features.token_cache import TokenCache

    image, labels, _ = example
    cache = TokenCache(2**28)
    first = tdseg.train([(image, labels)], settings(), cache=cache)
    monkeypatch.setattr(OfflineCnn, "tokens", None)
    again = tdseg.train([(image, labels)], settings(), cache=cache)
    np.testing.assert_array_equal(
        tdseg.apply(first, image, cache=cache).labels,
        tdseg.apply(again, image, cache=cache).labels,
    )


def test_a_device_that_is_missing_here_is_replaced_aloud(example):
    import torch

    from tdseg.runtime.progress import Silent

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    image, labels, _ = example
    model = tdseg.train([(image, labels)], settings())
    there = model.settings.with_(device="cuda")
    elsewhere = dataclasses.replace(model, settings=there)
    heard = Silent()
    found = tdseg.apply(elsewhere, image, progress=heard)
    np.testing.assert_array_equal(found.labels, tdseg.apply(model, image).labels)
    assert sum("cpu instead" in note for note in heard.notes) == 1


def test_refining_a_region_does_not_depend_on_tiles(example):
    image, labels, _ = example
    model = tdseg.train([(image, labels)], settings(features="classical"))
    region = np.zeros(image.size, bool)
    region[10:30, 20:50] = True
    refining = model.settings.with_(refine="crf")
    whole, tiled = (
        tdseg.apply(model, image, region=region, settings=refining.with_(tile=tile)).labels
        for tile in (0, 16)
    )
    assert (whole != tiled).mean() < 0.01
    assert not whole[0, 0][~region].any()


def test_probabilities_of_a_region_can_be_refined(example):
    image, labels, _ = example
    model = tdseg.train([(image, labels)], settings(features="classical"))
    region = np.zeros(image.size, bool)
    region[10:30, 20:50] = True
    found = tdseg.apply(model, image, region=region).probabilities
    refined = tdseg.refine_crf(found, image)
    np.testing.assert_allclose(refined[0, 0][:, region].sum(axis=0), 1, atol=1e-5)
    assert not refined[0, 0][:, ~region].any()


def test_the_cache_tells_levels_of_one_stride_apart():
    """Two blocks of a transformer have the same geometry and size, and different tokens."""
    from tdseg.features.extractors import build_extraction

    keys = []
    for level in ("stride8", "stride16"):
        extraction = build_extraction(settings(features="deep", levels=level))
        keys.append(repr(extraction.extractor.cache_settings()))
    assert keys[0] != keys[1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"features": "deep", "levels": "4, stride4"}, "'levels' names stride4 twice"),
        ({"features": "deep", "upsampling": "hrdv2"}, "hrdv2 needs a vision transformer"),
        ({"features": "classical", "samples": 1}, "'samples': 1 pixels are fewer"),
    ],
)
def test_settings_that_cannot_work_are_named(example, changes, words):
    image, labels, _ = example
    with pytest.raises(TdsegError, match=words):
        tdseg.train([(image, labels)], settings(**changes))


def test_what_has_no_effect_is_said(example, tmp_path):
    image, labels, _ = example
    heard = tdseg.runtime.progress.Silent()
    chosen = settings(features="deep", upsampler_weights=str(tmp_path / "none.pth"))
    tdseg.train([(image, labels)], chosen, progress=heard)
    assert any("'upsampler_weights' has no effect" in note for note in heard.notes)


def test_an_upsampler_of_ones_own_is_known_by_its_name(example, monkeypatch):
    from tdseg.upsampling.interpolated import ShiftUpsampler
    from tdseg.upsampling.registry import UPSAMPLERS, register_upsampler

    image, labels, _ = example
    with pytest.raises(TdsegError, match="'ours' is not valid"):
        settings(upsampling="ours")
    seen = []

    class Ours(ShiftUpsampler):
        def features(self, picture, names, store=None, progress=None):
            seen.append(picture.shape)
            return super().features(picture, names, store, progress)

    monkeypatch.setattr(UPSAMPLERS, "_items", dict(UPSAMPLERS._items))
    register_upsampler("ours", Ours)
    model = tdseg.train([(image, labels)], settings(features="deep", upsampling="ours"))
    assert seen == [image.size]
    plain = tdseg.train([(image, labels)], settings(features="deep"))
    np.testing.assert_array_equal(
        tdseg.apply(model, image).labels, tdseg.apply(plain, image).labels
    )


@pytest.mark.parametrize("kind", KINDS)
def test_heights_in_metres_give_the_labels_of_the_same_picture(example, kind):
    """An image times a power of two is the same picture, to the last bit of every feature."""
    image, labels, _ = example
    pixels = image.array[0, 0, 0].astype(np.float32)
    chosen = settings(features="classical", classifier=kind)
    found = []
    for factor in (1, 2.0**-30, 2.0**10):
        scaled = tdseg.Image.from_array(pixels * np.float32(factor), name="heights")
        found.append(tdseg.apply(tdseg.train([(scaled, labels)], chosen), scaled).labels)
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


def test_images_without_labels_are_left_out_with_a_note(example):
    image, labels, _ = example
    bare = tdseg.SparseLabels.from_label_image(np.zeros(image.size, np.uint8))
    heard = tdseg.runtime.progress.Silent()
    pairs = [(grey("empty", image.size), bare), (image, labels)]
    model = tdseg.train(pairs, settings(features="classical"), progress=heard)
    assert model.summary["images"] == ["mosaic"]
    assert ["1 of 2 images has no labels" in note for note in heard.notes].count(True) == 1
    assert "'empty'" in heard.notes[0]
    alone = tdseg.train([(image, labels)], settings(features="classical"))
    np.testing.assert_array_equal(
        tdseg.apply(model, image).labels, tdseg.apply(alone, image).labels
    )
    with pytest.raises(TdsegError, match="None of 2 images has labels"):
        tdseg.train(pairs[:1] * 2, settings())


def test_images_of_two_types_in_one_training_are_mentioned(example):
    image, labels, _ = example
    wide = tdseg.Image.from_array(image.array[0, 0, 0].astype(np.uint16) * 200, name="wide")
    for normalize, mentions in (("none", 1), ("image", 0)):
        heard = tdseg.runtime.progress.Silent()
        chosen = settings(features="classical", normalize=normalize)
        tdseg.train([(image, labels), (wide, labels)], chosen, progress=heard)
        assert sum("uint8 ('mosaic'), uint16 ('wide')" in n for n in heard.notes) == mentions


def test_settings_go_by_one_keyword_and_its_earlier_name(example):
    image, labels, _ = example
    chosen = settings(features="classical", trees=3)
    for model in (
        tdseg.train([(image, labels)], settings=chosen),
        tdseg.train([(image, labels)], options=chosen),
        tdseg.train([(image, labels)], chosen),
    ):
        assert model.settings.trees == 3
    assert tdseg.compute_features(image, settings=chosen).settings.features == "classical"
    with pytest.raises(TypeError, match="not both"):
        tdseg.train([(image, labels)], settings=chosen, options=chosen)


def test_the_channels_of_another_image_are_chosen_as_the_message_says(example):
    image, labels, _ = example
    plane = image.plane(0)[:, :, 0]
    two = tdseg.Image.from_array(np.stack([plane, 255 - plane]), "CYX", name="two")
    three = tdseg.Image.from_array(np.stack([plane, 255 - plane, plane]), "CYX", name="three")
    model = tdseg.train([(two, labels)], settings(features="classical"))
    with pytest.raises(TdsegError, match=r"'three' is 3 channels; .* channels=1,2\."):
        tdseg.apply(model, three)
    found = tdseg.apply(model, three, settings=model.settings.with_(channels="1,2"))
    np.testing.assert_array_equal(found.labels, tdseg.apply(model, two).labels)
