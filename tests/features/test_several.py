"""``backbone=a+b``: two networks with random weights, against each of them alone."""

from dataclasses import replace

import numpy as np
import pytest

import tdseg
from tdseg.errors import TdsegError
from tdseg.features.extractors import build_extraction
from tdseg.features.several import put_together, take_apart
from tdseg.features.token_cache import TokenCache
from tdseg.options.settings import SETTING_KEYS, Settings
from tdseg.runtime.feature_map import PlaneInput, feature_sources
from tdseg.runtime.progress import Silent

CNN, VIT = "efficientnet_lite0", "vit_tiny_patch16_224"
BOTH = {"backbone": f"{CNN}+{VIT}", "weights": "random:0,random:1"}
WHOLE = slice(None)


class Heard(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope="module")
def example():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (70, 90)).astype(np.uint8)
    image[:, 45:] //= 3
    labels = np.zeros(image.shape, np.uint8)
    labels[5:30:4, 5:30:4], labels[5:30:4, 55:80:4] = 1, 2
    return tdseg.Image.from_array(image, name="halves"), tdseg.SparseLabels.from_label_image(labels)


def settings(**values) -> Settings:
    return Settings(**{"features": "deep", "held_out": False, "trees": 5, **BOTH, **values})


@pytest.mark.parametrize(("channels", "rgb"), [(1, False), (2, False), (3, True)])
def test_features_are_those_of_each_one_after_the_other(channels, rgb):
    pixels = np.random.default_rng(1).integers(0, 256, (40, 50, channels)).astype(np.uint8)
    labels = ("",) if channels == 1 else tuple("abc"[:channels])
    plane = PlaneInput(pixels, labels, rgb, np.array([[0.0, 255.0]] * channels))
    both = build_extraction(settings()).extractor
    alone = [
        build_extraction(settings(backbone=name, weights=f"random:{k}")).extractor
        for k, name in enumerate((CNN, VIT))
    ]
    found = both.extract(plane)
    expected = [each.extract(plane) for each in alone]
    block = found.block(slice(3, 31), slice(5, 44))
    parts = [each.block(slice(3, 31), slice(5, 44)) for each in expected]
    assert np.array_equal(block, np.concatenate(parts))
    rows, cols = np.array([4, 20, 30]), np.array([7, 40, 9])
    assert np.array_equal(found.at(rows, cols), block[:, rows - 3, cols - 5].T)
    weights = np.random.default_rng(2).normal(size=(len(block), 2)).astype(np.float32)
    projected = np.einsum("fyx,fk->kyx", block.astype(np.float64), weights)
    np.testing.assert_allclose(
        found.project(weights).block(slice(3, 31), slice(5, 44)), projected, rtol=1e-3, atol=1e-3
    )

    names = found.names
    assert names == both.names(labels, rgb)
    assert len(set(names)) == len(names) == len(block)
    strip = [n.replace(f"{CNN}.", "").replace(f"{VIT}.", "") for n in names]
    assert strip == [n for each in expected for n in each.names]
    # Each level of each backbone is a kind of its own, with its share in linear models.
    assert len(set(feature_sources(names).tolist())) == 5 + 1


def test_settings_are_resolved_each_for_itself_and_run_again_as_they_were(example):
    heard = Heard()
    resolved = build_extraction(settings(), progress=heard).settings
    assert resolved.backbone == BOTH["backbone"]
    assert resolved.levels == "stride2,stride4,stride8,stride16,stride32+last"
    assert (resolved.shifts, resolved.flips, resolved.stride) == ("1+2", "true+turn", "auto")
    assert any("512 features" in line and "add up" in line for line in heard.notes)
    again = build_extraction(resolved).settings
    assert again == resolved
    # A recorded line holds these values, and is read back to them.
    keys = {key.name: key for key in SETTING_KEYS}
    line = {name: keys[name].format_value(value) for name, value in resolved.to_dict().items()}
    read = {name: keys[name].parse(text.strip("[]")) for name, text in line.items()}
    assert Settings(**read) == resolved
    assert put_together(take_apart(resolved), resolved.weights) == resolved


@pytest.mark.parametrize("classifier", ["random_forest", "logistic_regression"])
def test_a_classifier_keeps_both_and_refuses_another_second_one(example, tmp_path, classifier):
    image, labels = example
    model = tdseg.train([(image, labels)], settings(features="hybrid", classifier=classifier))
    before = tdseg.apply(model, image)
    assert [w.name for w in model.weights] == ["random:0", "random:1"]
    loaded = tdseg.load(model.save(tmp_path / "both"))
    assert loaded.weights == model.weights
    after = tdseg.apply(loaded, image)
    assert np.array_equal(after.labels, before.labels)
    assert np.array_equal(after.probabilities, before.probabilities)
    assert all(w.sha256[:16] in after.info["tdseg.weights"] for w in model.weights)
    other = loaded.settings.with_(weights="random:0,random:2")
    with pytest.raises(TdsegError, match=f"'random:1' .weights {model.weights[1].sha256[:12]}"):
        tdseg.apply(loaded, image, settings=other)


def test_one_backbone_is_written_as_it_always_was(example):
    model = tdseg.train([example], settings(backbone=CNN, weights="random:0"))
    assert "further_backbones" not in model.header()


def test_tokens_are_kept_for_each_backbone(example, monkeypatch):
    image, labels = example
    cache = TokenCache(1 << 28)
    tdseg.train([(image, labels)], settings(backbone=CNN, weights="random:0"), cache=cache)
    assert cache.count == 1
    tdseg.train([(image, labels)], settings(), cache=cache)
    assert cache.count == 2

    from tdseg.upsampling.shifts import Encoder

    monkeypatch.setattr(Encoder, "encode", None)  # no network may run any more
    tdseg.apply(tdseg.train([(image, labels)], settings(), cache=cache), image, cache=cache)


def test_time_is_said_for_all_that_are_to_run(monkeypatch):
    from tdseg.features import deep
    from tdseg.upsampling.interpolated import ShiftUpsampler

    monkeypatch.setattr(deep, "_WORTH_AN_ESTIMATE", 0)
    monkeypatch.setattr(ShiftUpsampler, "seconds", lambda self, shape: 4.0)
    plane = PlaneInput(np.zeros((40, 50, 1), np.uint8), ranges=np.array([[0.0, 255.0]]))
    heard, cache = Heard(), TokenCache(1 << 28)
    build_extraction(settings(), cache, heard).extractor.extract(plane)
    said = [line for line in heard.notes if "passes" in line]
    assert len(said) == 1
    assert f"4 passes of {CNN} and 8 passes of {VIT} on cpu, about 8 s" in said[0]


def test_clusters_are_found_with_both(example):
    image, _ = example
    (found,) = tdseg.segment_without_labels(
        [image], clusters=2, settings=settings(), method="clusters"
    )
    assert len(np.unique(found.labels)) == 2
    assert "random:0 (random) and random:1 (random)" in found.info["tdseg.unlabelled"]
    (objects,) = tdseg.segment_without_labels([image], settings=settings(), method="attention")
    # The CNN has no attention; the transformer's is shown, a map a head.
    assert objects.attention_names == ("mean", "head 1", "head 2", "head 3")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"weights": "random:0"}, "names 1 file .* for 2 backbones"),
        ({"levels": "4,8"}, "levels': 4,8 is for 1 backbone, but .* names 2"),
        ({"levels": "4+last+last"}, "levels.* is for 3 backbones"),
        ({"shifts": "1+2+3"}, "shifts': 1.2.3 is for 3 backbones"),
        ({"backbone": f"{CNN}+offline"}, f"names {CNN} twice"),
        ({"backbone": f"{CNN}+nowhere"}, "backbone=nowhere is unknown"),
        ({"levels": "4+stride4"}, "has no level stride4"),
        ({"upsampling": "hrdv2"}, f"'{CNN}' is none"),
        ({"stride": 8}, f"{CNN} has fixed"),
    ],
)
def test_what_does_not_fit_is_one_sentence(changes, words):
    with pytest.raises(TdsegError, match=words):
        build_extraction(settings(**changes))


@pytest.mark.parametrize("values", [{"shifts": "1+0"}, {"flips": "turn+"}, {"flips": "on+off"}])
def test_each_value_is_checked(values):
    with pytest.raises(TdsegError, match="is not valid"):
        settings(**values)


def test_one_value_serves_all_and_a_comma_in_a_single_path_means_nothing():
    parts = take_apart(settings(shifts=2, flips="false+true", levels="4,8+last"))
    assert [part.shifts for part in parts] == [2, 2]
    assert [part.flips for part in parts] == ["false", "true"]
    assert [part.levels for part in parts] == ["4,8", "last"]
    assert [part.weights for part in parts] == ["random:0", "random:1"]
    single = replace(settings(), backbone=CNN, weights="a,b.pth")
    assert take_apart(single)[0].weights == "a,b.pth"
    own = replace(settings(), weights=",random:1")
    assert [part.weights for part in take_apart(own)] == ["", "random:1"]


def test_a_plus_before_a_number_is_its_sign():
    key = next(key for key in SETTING_KEYS if key.name == "shifts")
    assert [key.parse(text) for text in ("+3", "1+02", "1 + Auto")] == [3, "1+2", "1+auto"]
