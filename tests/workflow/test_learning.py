"""classifier=auto: chosen by held-out labels, written out, and the same when trained again."""

import numpy as np
import pytest

import tdseg
from tdseg.errors import TdsegError
from tdseg.runtime.progress import Silent


class Notes(Silent):
    def __init__(self):
        self.notes = []

    def note(self, text):
        self.notes.append(text)


def settings(**changes):
    return tdseg.Settings(
        **{"classifier": "auto", "trees": 20, "backbone": "offline", "quality": "fast", **changes}
    )


@pytest.fixture(scope="module")
def trained(example):
    image, labels, _ = example
    notes = Notes()
    model = tdseg.train([(image, labels)], settings(), progress=notes)
    return model, notes.notes, tdseg.apply(model, image)


def test_what_was_chosen_is_written_out_and_said(trained):
    model, notes, _ = trained
    assert model.settings.classifier == "mean"
    assert model.report.choice in model.report.as_text()
    assert model.report.choice in notes


def test_training_again_with_what_was_chosen_gives_identical_pixels(trained, example):
    model, _, result = trained
    again = tdseg.train([example[:2]], model.settings.with_(held_out=False))
    assert again.settings == model.settings.with_(held_out=False)
    found = tdseg.apply(again, example[0])
    np.testing.assert_array_equal(found.probabilities, result.probabilities)


def test_tiles_and_files_change_nothing(trained, example, tmp_path):
    model, _, result = trained
    again = tdseg.load(model.save(tmp_path / "auto.tdseg"))
    assert again.report.choice == model.report.choice
    tiled = tdseg.apply(again, example[0], settings=model.settings.with_(tile=17))
    np.testing.assert_array_equal(tiled.labels, result.labels)
    np.testing.assert_allclose(tiled.probabilities, result.probabilities, atol=2e-6)


@pytest.mark.parametrize(("name", "networks"), [("classical", 0), ("deep", 1)])
def test_features_without_a_share_are_not_computed_again(example, name, networks):
    chosen = settings(classifier="mean", shares=f"{name}:100", held_out=False)
    model = tdseg.train([example[:2]], chosen)
    assert (model.settings.features, model.settings.shares) == (name, "")
    assert len(model.weights) == networks
    alone = settings(classifier="mean", features=name, held_out=False)
    expected = tdseg.apply(tdseg.train([example[:2]], alone), example[0])
    found = tdseg.apply(model, example[0])
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)


def test_shares_of_features_that_are_not_computed_are_refused(example):
    with pytest.raises(TdsegError, match=r"'shares': there are no deep features"):
        tdseg.train([example[:2]], settings(features="classical", shares="deep:100"))


def test_shares_without_a_mean_are_said_to_have_no_effect(example):
    notes = Notes()
    forest = settings(
        features="classical", classifier="random_forest", shares="deep:100", held_out=False
    )
    tdseg.train([example[:2]], forest, progress=notes)
    assert any("'shares' has no effect" in note for note in notes.notes)
