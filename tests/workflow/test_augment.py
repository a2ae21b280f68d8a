"""``augment=``: off for one image, decided by held-out images, written out and replayed."""

import json
import zipfile

import numpy as np
import pytest

import tdseg
from tdseg.classifiers.model import load
from tdseg.features.extractors import build_extraction
from tdseg.images.grey_changes import CHANGES, change_grey
from tdseg.images.intensity import Intensity, backbone_ranges
from tdseg.runtime.progress import Silent
from tdseg.workflow.augment import changed_features
from tdseg.workflow.learning import LabelledPixels

CLASSES = ("left", "right")


def settings(**changes):
    return tdseg.Settings(
        **{"features": "classical", "sigma_max": 2, "trees": 20, "held_out": False, **changes}
    )


def textures(seed, level=90.0, contrast=1.0, dtype=np.uint8):
    """Rough beside smooth, with the same mean; grey values tell nothing else."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 1, (48, 64))
    noise[:, 32:] *= 0.25
    pixels = np.clip(level + 25 * contrast * noise, 0, 255).astype(dtype)
    drawn = np.zeros((48, 64), np.uint8)
    for row in (6, 22, 38):
        drawn[row : row + 3, 4:24], drawn[row : row + 3, 40:60] = 1, 2
    image = tdseg.Image.from_array(pixels, name=f"image {seed}")
    return image, tdseg.SparseLabels.from_label_image(drawn, CLASSES)


# Exposures so different that a threshold learnt from some is wrong for others.
EXPOSURES = [(0, 60, 0.35), (1, 120, 1.4), (2, 190, 0.6), (3, 90, 1.0)]


@pytest.fixture(scope="module")
def exposures():
    return [textures(*each) for each in EXPOSURES]


def features_of(examples, **changes):
    model = tdseg.train(examples, settings(**changes))
    return model, [tdseg.apply(model, image).probabilities for image, _ in examples]


def test_one_image_is_trained_on_as_it_is(exposures):
    progress = Silent()
    model = tdseg.train(exposures[:1], settings(held_out=True), progress=progress)
    assert model.settings.augment == "none"
    assert not [note for note in progress.notes if "augment" in note]
    assert "augment" not in model.summary
    _, plain = features_of(exposures[:1], augment="none")
    np.testing.assert_array_equal(tdseg.apply(model, exposures[0][0]).probabilities, plain[0])


def test_several_images_decide_and_say_so(exposures, tmp_path):
    progress = Silent()
    model = tdseg.train(exposures, settings(held_out=True), progress=progress)
    facts, chosen = model.summary["augment"], model.settings.augment
    assert chosen == facts["chosen"]
    assert (chosen == "grey") == (facts["losses"]["grey"] < 0.95 * facts["losses"]["none"])
    assert any(facts["reason"] in note for note in progress.notes)
    assert facts["reason"] in model.report.choice
    assert facts["reason"] in model.report.as_text()
    again = load(model.save(tmp_path / "cells.tdseg"))
    assert again.settings.augment == chosen
    assert again.summary["augment"] == facts
    replayed = tdseg.train(exposures, model.settings)
    assert replayed.settings == model.settings
    for image, _ in exposures:
        np.testing.assert_array_equal(
            tdseg.apply(replayed, image).probabilities, tdseg.apply(model, image).probabilities
        )


@pytest.mark.parametrize("brightness_tells", [True, False])
def test_what_is_chosen_follows_what_carries_over(brightness_tells):
    """Classes that differ in brightness alone lose by changes of it; gamma alone is undone."""
    examples = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        pixels = rng.normal(0, 3, (48, 64))
        if brightness_tells:  # six steps, so close that a change of gamma turns one into the next
            step = np.arange(64) // 8
            pixels += 90 + 12 * step
            drawn = np.tile(1 + step % 2, (48, 1))
        else:
            pixels[:, 32:] += 40
            pixels = 255 * ((pixels + 60).clip(1, 254) / 255) ** (0.5, 0.8, 1.2, 1.7)[seed]
            drawn = np.tile(1 + np.arange(64) // 32, (48, 1))
        drawn[np.arange(48) % 6 > 1] = 0
        image = tdseg.Image.from_array(pixels.astype(np.uint8), name=f"image {seed}")
        examples.append((image, tdseg.SparseLabels.from_label_image(drawn.astype(np.uint8))))
    model = tdseg.train(examples, settings(classical="gaussian"))
    assert model.settings.augment == ("none" if brightness_tells else "grey")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_every_pixel_is_trained_on_under_one_change_or_none(dtype):
    """Against features of images that were changed as a whole."""
    examples = [textures(seed, dtype=dtype) for seed in range(2)]
    ranges = backbone_ranges([image for image, _ in examples], [0])
    intensities = [Intensity(image, [0], "none", ranges) for image, _ in examples]
    extractor = build_extraction(settings()).extractor
    plain = [
        extractor.extract(pixels.plane(0)).at(labels.y, labels.x)
        for pixels, (_, labels) in zip(intensities, examples, strict=True)
    ]
    numbers = np.repeat([0, 1], [len(rows) for rows in plain])
    rows, cols = (
        np.concatenate([getattr(labels, axis) for _, labels in examples]) for axis in "yx"
    )
    nothing = np.zeros(len(rows), int)
    data = LabelledPixels(np.concatenate(plain), nothing, nothing, numbers, nothing, rows, cols)
    found = changed_features(data, 3, extractor, intensities, Silent())
    for number, pixels in enumerate(intensities):
        here = numbers == number
        hits = [(found[here] == plain[number]).all(axis=1)]
        for how in CHANGES:
            whole = extractor.extract(change_grey(pixels.plane(0), how))
            hits.append((found[here] == whole.at(rows[here], cols[here])).all(axis=1))
        assert np.any(hits, axis=0).all()
        assert min(np.mean(hit) for hit in hits) > 0.15


def test_images_without_a_class_in_common_cannot_be_held_out():
    pairs = []
    for seed, value in ((0, 1), (1, 2)):
        image, labels = textures(seed)
        pairs.append((image, labels.select(labels.value == value)))
    progress = Silent()
    model = tdseg.train(pairs, settings(), progress=progress)
    assert model.settings.augment == "none"
    assert any("no class has labels in several images" in note for note in progress.notes)


def test_classifiers_of_before_were_trained_without(exposures, tmp_path):
    model = tdseg.train(exposures[:1], settings())
    path = model.save(tmp_path / "new.tdseg")
    old = tmp_path / "old.tdseg"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(old, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "header.json":
                header = json.loads(content)
                del header["settings"]["augment"]
                content = json.dumps(header).encode()
            target.writestr(name, content)
    assert load(old).settings.augment == "none"
