from __future__ import annotations

from dataclasses import replace

import numpy as np
import tifffile
from scipy import ndimage
from sklearn.ensemble import RandomForestClassifier

import tdseg
from tdseg.options.groups import CrfOptions
from tdseg.refine.crf import refine_plane, refine_tiled
from tdseg.refine.guard import keep_phases, lost_classes, restore_classes
from tdseg.runtime.progress import Silent

GUARDED = CrfOptions()
UNGUARDED = replace(GUARDED, crf_min_fraction=0.0)


def _rare_phase() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probabilities, a guide that shows no phase, and where the rare one is."""
    rng = np.random.default_rng(0)
    guide = rng.normal(120, 3, size=(96, 100)).clip(0, 255)
    rare = np.zeros((96, 100), np.bool_)
    rare[20:25, 30:35] = rare[60:64, 70:76] = True
    probabilities = np.empty((3, 96, 100), np.float32)
    probabilities[2] = np.where(rare, 0.7, 0.1)
    probabilities[0] = np.where(np.arange(100) < 50, 0.8, 0.2) * (1 - probabilities[2])
    probabilities[1] = 1 - probabilities[0] - probabilities[2]
    return probabilities, guide, rare


def test_a_rare_phase_survives_and_the_rest_is_refined_as_without_the_guard():
    probabilities, guide, rare = _rare_phase()
    without = refine_plane(probabilities, guide, UNGUARDED)
    assert (without.argmax(0)[rare] == 2).mean() < 0.1
    refined = refine_plane(probabilities, guide, GUARDED)
    np.testing.assert_array_equal(refined.argmax(0) == 2, rare)
    np.testing.assert_array_equal(refined[:, ~rare], without[:, ~rare])
    np.testing.assert_allclose(refined[:, rare], probabilities[:, rare], atol=1e-6)


def test_faint_speckle_stays_removed():
    probabilities, guide, rare = _rare_phase()
    probabilities[:, 80, 10] = 0.32, 0.30, 0.38
    assert refine_plane(probabilities, guide, UNGUARDED)[:, 80, 10].argmax() == 0
    refined = refine_plane(probabilities, guide, GUARDED)
    assert refined[:, 80, 10].argmax() == 0
    assert (refined.argmax(0)[rare] == 2).all()


def test_the_guard_looks_at_the_whole_plane_and_not_at_tiles():
    probabilities, guide, rare = _rare_phase()
    tiled = refine_tiled(probabilities, guide, GUARDED, tile=40)
    np.testing.assert_array_equal(tiled.argmax(0) == 2, rare)


def test_lost_classes_are_those_below_the_fraction():
    before = np.zeros((3, 1, 10), np.float32)
    after = before.copy()
    for x, (old, new) in enumerate(zip("0000111122", "0000000122", strict=True)):
        before[int(old), 0, x] = after[int(new), 0, x] = 1
    assert lost_classes(before, after, 0.0) == []
    assert lost_classes(before, after, 0.25) == []
    assert lost_classes(before, after, 0.26) == [1]
    restore_classes(before, after, [1])
    np.testing.assert_array_equal(after, before)


def test_a_class_robbed_by_another_ones_return_comes_back_too():
    before = np.zeros((3, 1, 30), np.float32)
    before[0, 0, :10] = before[1, 0, 10:20] = before[2, 0, 20:] = 1
    after = np.zeros_like(before)
    after[1, 0, :4] = after[1, 0, 20:] = 1  # class 2 is gone, class 1 stands on its pixels
    after[0, 0, 4:20] = 1
    assert list(keep_phases(before, after, 0.5)) == [2, 1]
    counts = np.bincount(after.argmax(0).ravel(), minlength=3)
    assert (counts >= 5).all()


def test_the_alloys_rare_phase_keeps_its_agreement_with_the_truth(reference_data):
    folder = reference_data / "micrographs"
    image, labels, truth = (
        tifffile.imread(folder / f"alloy_{name}.tif") for name in ("image", "labels", "truth")
    )
    grey = image.astype(np.float32)
    planes = [grey]
    for sigma in (1, 2, 4, 8):
        planes.append(ndimage.gaussian_filter(grey, sigma))
        planes.append(ndimage.gaussian_gradient_magnitude(grey, sigma))
        planes.append(ndimage.gaussian_laplace(grey, sigma))
    stack = np.stack(planes, axis=-1)
    forest = RandomForestClassifier(40, max_depth=10, class_weight="balanced", random_state=0)
    forest.fit(stack[labels > 0], labels[labels > 0])
    flat = forest.predict_proba(stack.reshape(-1, stack.shape[-1]))
    probabilities = flat.T.reshape(3, *image.shape).astype(np.float32)

    def iou(result: np.ndarray) -> np.ndarray:
        found = result.argmax(0) + 1
        pairs = [((found == k) & (truth == k), (found == k) | (truth == k)) for k in (1, 2, 3)]
        return np.array([both.sum() / either.sum() for both, either in pairs])

    before = iou(probabilities)
    without = iou(refine_plane(probabilities, image, UNGUARDED))
    guarded = iou(refine_plane(probabilities, image, GUARDED))
    assert without[2] < 0.5 * before[2]
    assert guarded[2] > 0.97 * before[2]
    assert (guarded[:2] > before[:2]).all()
    assert guarded.mean() > max(before.mean(), without.mean())


def test_what_was_given_back_is_counted():
    probabilities, guide, _ = _rare_phase()
    counted: dict[int, int] = {}
    refined = refine_tiled(probabilities, guide, GUARDED, given_back=counted)
    without = refine_tiled(probabilities, guide, UNGUARDED)
    gained = int(((refined.argmax(0) == 2) & (without.argmax(0) != 2)).sum())
    assert counted == {2: gained}
    assert gained > 0


def test_the_log_says_what_the_guard_undid():
    probabilities, guide, _ = _rare_phase()
    image = tdseg.Image.from_array(guide.astype(np.uint8))
    heard = Silent()
    tdseg.refine_crf(probabilities, image, class_names=["a", "b", "rare"], progress=heard)
    assert len(heard.notes) == 1
    assert "'rare'" in heard.notes[0]
    assert "gave" in heard.notes[0]
