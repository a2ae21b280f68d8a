import numpy as np
import pytest

import tdseg
from tdseg.refine.strengths import FACTORS, MOST_IN_NOISE
from tdseg.runtime.progress import Silent
from tdseg.workflow import choose_refinement as choosing

PLAIN = tdseg.Settings(
    features="classical", classical="gaussian", sigma_max=2.0, trees=20, held_out=False
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
    model, image, _ = _trained(pixels, truth, classical="gaussian,hessian", crf_min_fraction=0.0)
    forced = tdseg.apply(model, image, settings=model.settings.with_(refine="crf"))
    heard = Silent()
    auto = tdseg.apply(model, image, settings=model.settings.with_(refine="auto"), progress=heard)
    assert not heard.notes
    assert auto.settings.refine == model.settings.refine
    assert _right(auto, truth) > _right(forced, truth) + 0.05


def test_textures_of_one_brightness_are_not_refined():
    """Stripes along rows or columns: grey values say nothing, however sure the classifier is."""
    truth = np.where(np.arange(96)[:, None] % 48 < 24, 1, 2) * np.ones((1, 96), int)
    y, x = np.mgrid[:96, :96]
    noise = np.random.default_rng(0).normal(0, 1, truth.shape)
    pixels = (120 + 40 * np.sin(np.where(truth == 1, x, y) * 1.5) + noise).astype(np.uint8)
    model, image, notes = _trained(pixels, truth, classical="gabor,variance", sigma_max=8.0)
    assert _right(tdseg.apply(model, image), truth) > 0.85
    assert model.settings.refine == "none"
    (said,) = [note for note in notes if "refine=auto chose no CRF" in note]
    assert "edges are no guide" in said
    assert model.summary["refinement"]["guided"] < 0.1


def test_noise_takes_no_phase():
    """A fifth of the image in small particles, in noise that a colour kernel cannot bear."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:96, :96]
    truth = np.where(((y % 16 - 8) ** 2 + (x % 16 - 8) ** 2) < 16, 2, 1)
    pixels = (90 + 45 * (truth == 2) + rng.normal(0, 20, truth.shape)).clip(0, 255)
    model, image, _ = _trained(pixels.astype(np.uint8), truth)
    assert model.summary["refinement"]["noisy"]
    assert model.settings.refine == "crf"
    assert model.settings.crf_bilateral_compat <= 10 * FACTORS[MOST_IN_NOISE]
    plain = tdseg.apply(model, image, settings=model.settings.with_(refine="none"))
    auto = tdseg.apply(model, image)
    small, ious = truth == 2, []
    for found in (plain, auto):
        own = found.labels[0, 0] == 2
        ious.append((own & small).sum() / (own | small).sum())
    assert ious[1] >= ious[0]


def test_two_strokes_are_enough():
    pixels, truth = _speckled()
    labels = np.zeros(truth.shape, np.uint8)
    labels[10:14, 4:60], labels[34:38, 4:60] = 1, 2
    pair = (tdseg.Image.from_array(pixels), tdseg.SparseLabels.from_label_image(labels, ("a", "b")))
    model = tdseg.train([pair], PLAIN.with_(refine="auto"))
    assert model.settings.refine == "crf"


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
def test_windows_have_the_labels_within_the_budget_rare_classes_first(monkeypatch, most):
    monkeypatch.setattr(choosing, "MOST_PIXELS", most)
    rng = np.random.default_rng(0)
    n, size = 600, (700, 1901)
    places = choosing.Places(
        rng.integers(0, 2, n).astype(np.int32),
        np.zeros(n, np.int64),
        rng.integers(0, size[0], n),
        rng.integers(0, size[1], n),
    )
    classes = np.zeros(n, np.int64)
    classes[:3] = 1
    places.rows[:3], places.cols[:3], places.images[:3] = 690, 1890, 1
    found = choosing.windows(places, classes, [size] * 2)
    covered = np.zeros((2, *size), int)
    for window in found:
        covered[window.image, window.rows, window.cols] += 1
        assert max(p.stop - p.start for p in (window.rows, window.cols)) <= choosing.SIDE
    assert covered.max() == 1  # no overlaps
    assert len(found) == 1 or covered.sum() <= most
    assert covered[1, 690, 1890]
    if most == 1 << 30:
        assert covered.all()  # six hundred labels leave no window out
