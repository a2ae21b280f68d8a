import numpy as np
import pytest

import tdseg
from tdseg.runtime.progress import Silent
from tdseg.workflow import choose_refinement as choosing

PLAIN = tdseg.Settings(
    features="classical", classical="gaussian", sigma_max=1.0, trees=20, held_out=False
)


def _strokes(truth: np.ndarray, rows: int = 4) -> np.ndarray:
    """Twelve short strokes in a grid, of whatever lies below them."""
    labels = np.zeros(truth.shape, np.uint8)
    for y in (12, 36, 60, 84)[:rows]:
        for x in (4, 36, 68):
            labels[y : y + 2, x : x + 22] = truth[y : y + 2, x : x + 22]
    return labels


def _speckled():
    """Large phases whose grey values overlap: a pixel is often wrong, its neighbours tell."""
    rng = np.random.default_rng(0)
    truth = np.where(np.arange(96)[:, None] % 48 < 24, 1, 2) * np.ones((1, 96), int)
    pixels = np.where(truth == 1, 100, 130) + rng.normal(0, 25, truth.shape)
    return pixels.clip(0, 255).astype(np.uint8), truth


def _fine():
    """Lines of two pixels on a ground that grows brighter: no grey value is a phase's own."""
    rng = np.random.default_rng(0)
    truth = np.where(np.arange(96)[None, :] % 8 < 6, 1, 2) * np.ones((96, 1), int)
    ground = np.linspace(60, 180, 96)[:, None]
    pixels = ground + np.where(truth == 1, 0, 12) + rng.normal(0, 2, truth.shape)
    return pixels.clip(0, 255).astype(np.uint8), truth


def _trained(pixels, truth, **changes):
    heard = Silent()
    image = tdseg.Image.from_array(pixels, name="phases")
    labels = tdseg.SparseLabels.from_label_image(_strokes(truth))
    settings = PLAIN.with_(refine="auto", **changes)
    return tdseg.train([(image, labels)], settings, progress=heard), image, heard.notes


def _right(result, truth):
    return (result.labels[0, 0] == truth).mean()


def test_a_crf_that_helps_is_chosen_stored_and_replayed(tmp_path):
    pixels, truth = _speckled()
    model, image, notes = _trained(pixels, truth)
    assert model.settings.refine == "crf"
    assert any("refine=auto chose the CRF" in note for note in notes)
    plain = tdseg.apply(model, image, settings=model.settings.with_(refine="none"))
    refined = tdseg.apply(model, image)
    assert _right(refined, truth) > _right(plain, truth) + 0.05
    # The same by what was recorded, by the file, and by refining the plain result.
    recorded = tdseg.Settings(**{**model.settings.to_dict(), "held_out": False})
    again = tdseg.train([(image, tdseg.SparseLabels.from_label_image(_strokes(truth)))], recorded)
    model.save(tmp_path / "auto.tdseg")
    loaded = tdseg.load(tmp_path / "auto.tdseg")
    for found in (
        tdseg.apply(again, image).probabilities,
        tdseg.apply(loaded, image).probabilities,
        tdseg.apply(loaded, image, settings=loaded.settings.with_(refine="auto")).probabilities,
    ):
        np.testing.assert_array_equal(found, refined.probabilities)
    apart = tdseg.refine_crf(plain.probabilities, image, model.settings)
    np.testing.assert_array_equal(apart, refined.probabilities)


def test_a_crf_that_harms_is_not():
    pixels, truth = _fine()
    model, image, notes = _trained(
        pixels, truth, classical="gaussian,hessian", crf_min_fraction=0.0
    )
    assert model.settings.refine == "none"
    assert any("refine=auto chose no CRF" in note for note in notes)
    assert model.summary["refinement"]["chosen"] == "none"
    forced = tdseg.apply(model, image, settings=model.settings.with_(refine="crf"))
    heard = Silent()
    auto = tdseg.apply(model, image, settings=model.settings.with_(refine="auto"), progress=heard)
    assert not heard.notes
    assert auto.settings.refine == "none"
    assert _right(auto, truth) > _right(forced, truth) + 0.05


def test_too_few_strokes_cannot_tell_and_cost_nothing(monkeypatch):
    pixels, truth = _speckled()
    labels = _strokes(truth, rows=2)
    monkeypatch.delattr(choosing, "make_folds")  # nothing is trained on a part
    heard = Silent()
    pair = (tdseg.Image.from_array(pixels), tdseg.SparseLabels.from_label_image(labels, ("a", "b")))
    model = tdseg.train([pair], PLAIN.with_(refine="auto"), progress=heard)
    assert model.settings.refine == "none"
    assert any("'a' has 3 strokes" in note for note in heard.notes)


def test_a_classifier_that_was_not_asked_refines_nothing_and_says_so(example):
    image, labels, _ = example
    model = tdseg.train([(image, labels)], PLAIN)
    heard = Silent()
    found = tdseg.apply(model, image, settings=model.settings.with_(refine="auto"), progress=heard)
    np.testing.assert_array_equal(found.labels, tdseg.apply(model, image).labels)
    assert found.settings.refine == "none"
    assert "train it with refine=auto" in heard.notes[0]


def test_clusters_have_no_strokes_to_choose_by(example):
    heard = Silent()
    (found,) = tdseg.segment_without_labels(
        [example[0]], clusters=2, settings=PLAIN.with_(refine="auto"), initial=8, progress=heard
    )
    assert found.info["tdseg.refine"] == "none"
    assert any("refine=auto" in note for note in heard.notes)


@pytest.mark.parametrize("most", [1, 1 << 19, 1 << 30])
def test_windows_cover_strokes_within_the_budget_rare_classes_first(monkeypatch, most):
    monkeypatch.setattr(choosing, "MOST_PIXELS", most)
    rng = np.random.default_rng(0)
    n = 600
    places = choosing.Places(
        rng.integers(0, 2, n).astype(np.int32),
        np.zeros(n, np.int64),
        rng.integers(0, 700, n),
        rng.integers(0, 900, n),
    )
    classes = np.zeros(n, np.int64)
    classes[:3] = 1
    places.rows[:3], places.cols[:3], places.images[:3] = 690, 890, 1
    held = np.arange(0, n, 3)
    found = choosing.windows(places, classes, held, [(700, 900)] * 2)
    spent = [(w.rows.stop - w.rows.start) * (w.cols.stop - w.cols.start) for w in found]
    assert len(found) == 1 or sum(spent) <= most
    assert 0 in found[0].members
    members = np.concatenate([w.members for w in found])
    assert len(np.unique(members)) == len(members)
    assert set(members) <= set(held)
    if most == 1 << 30:
        assert set(members) == set(held)
    for window in found:
        rows, cols = places.rows[window.members], places.cols[window.members]
        assert (places.images[window.members] == window.image).all()
        for where, part, length in ((rows, window.rows, 700), (cols, window.cols, 900)):
            assert (where - part.start >= min(choosing.MARGIN, where.min())).all()
            beyond = part.stop - 1 - where
            assert (beyond >= np.minimum(choosing.MARGIN, length - 1 - where)).all()
