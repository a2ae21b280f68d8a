from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, jaccard_score, precision_recall_fscore_support

from tdseg.classifiers.evaluation import HeldOutReport, held_out_report
from tdseg.classifiers.fitting import fit
from tdseg.errors import TdsegError

NAMES = ["nucleus", "cytoplasm", "background"]


def fit_linear(features, labels):
    return fit("linear_regression", features, labels, 3)


class Recorder:
    """Remembers what every training saw and predicts class 0."""

    def __init__(self):
        self.seen = []

    def __call__(self, features, labels):
        self.seen.append(features[:, 0].astype(int))
        return self

    def predict(self, features):
        return np.zeros(len(features), int)


def numbered(n):
    """One feature: the pixel's own number."""
    return np.arange(n, dtype=np.float32)[:, None]


def test_figures_agree_with_scikit_learn_on_the_same_split():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=600)
    images = np.arange(600) // 200
    x = rng.normal(size=(600, 4)).astype(np.float32)
    x[np.arange(600), labels] += 2
    report = held_out_report(x, labels, np.zeros(600, int), images, NAMES, fit_linear)
    assert (report.grouping, report.n_folds) == ("image", 3)
    predicted = np.empty(600, int)
    for image in range(3):
        model = fit_linear(x[images != image], labels[images != image])
        predicted[images == image] = model.predict_proba(x[images == image]).argmax(1)
    np.testing.assert_array_equal(report.confusion, confusion_matrix(labels, predicted))
    precision, recall, f1, support = precision_recall_fscore_support(labels, predicted)
    np.testing.assert_allclose(report.precision, precision)
    np.testing.assert_allclose(report.recall, recall)
    np.testing.assert_allclose(report.f1, f1)
    np.testing.assert_array_equal(report.support, support)
    np.testing.assert_allclose(report.iou, jaccard_score(labels, predicted, average=None))
    assert report.accuracy == pytest.approx(np.mean(labels == predicted))
    assert report.optimistic_classes == ()
    assert report.untested_classes == ()
    assert report.seconds > 0


def test_other_features_train_and_the_given_ones_are_predicted():
    rng = np.random.default_rng(1)
    labels, images = rng.integers(3, size=300), np.arange(300) // 100
    x = rng.normal(size=(300, 3)).astype(np.float32)
    x[np.arange(300), labels] += 2
    # A model of the mirrored features is wrong about those that are not.
    report = held_out_report(x, labels, images, images, NAMES, fit_linear, trained_on=-x)
    predicted = np.empty(300, int)
    for image in range(3):
        model = fit_linear(-x[images != image], labels[images != image])
        predicted[images == image] = model.predict(x[images == image])
    np.testing.assert_array_equal(report.confusion, confusion_matrix(labels, predicted))
    assert report.accuracy < 0.2


@pytest.mark.parametrize("n_images", [2, 3, 7])
def test_images_are_held_out_whole(n_images):
    rng = np.random.default_rng(n_images)
    images = rng.integers(n_images, size=400)
    labels = rng.integers(3, size=400)
    recorder = Recorder()
    groups = rng.integers(5, size=400)
    report = held_out_report(numbered(400), labels, groups, images, NAMES, recorder)
    assert report.grouping == "image"
    assert sum(report.support) == 400
    assert len(recorder.seen) == report.n_folds == min(3, n_images)
    for seen in recorder.seen:
        held_out = np.setdiff1d(np.arange(400), seen)
        assert not np.intersect1d(images[seen], images[held_out]).size
        assert set(labels[seen]) == {0, 1, 2}


def test_rois_are_held_out_whole_and_every_class_stays_in_training():
    # Class 0: five strokes; class 1: two; class 2: one, which has to be split by pixel.
    groups = np.repeat([1, 2, 3, 4, 5, 6, 7, 8], [30, 5, 40, 20, 10, 50, 8, 60])
    labels = np.repeat([0, 0, 0, 0, 0, 1, 1, 2], [30, 5, 40, 20, 10, 50, 8, 60])
    n = len(labels)
    recorder = Recorder()
    report = held_out_report(numbered(n), labels, groups, np.zeros(n, int), NAMES, recorder)
    assert report.grouping == "roi"
    assert report.optimistic_classes == ("background",)
    assert report.support == (105, 58, 60)
    for seen in recorder.seen:
        held_out = np.setdiff1d(np.arange(n), seen)
        shared = np.intersect1d(groups[seen], groups[held_out])
        assert set(shared) <= {8}
        assert set(labels[seen]) == {0, 1, 2}


def test_equal_roi_numbers_in_two_images_are_two_rois():
    # Every class is in one image only: images cannot be held out, their ROIs can.
    labels = np.repeat([0, 1], 40)
    images = labels
    groups = np.tile(np.repeat([1, 2], 20), 2)
    recorder = Recorder()
    report = held_out_report(numbered(80), labels, groups, images, NAMES, recorder)
    assert report.grouping == "roi"
    assert report.optimistic_classes == ()
    for seen in recorder.seen:
        held_out = np.setdiff1d(np.arange(80), seen)
        assert not set(zip(images[seen], groups[seen], strict=True)) & set(
            zip(images[held_out], groups[held_out], strict=True)
        )


def test_class_of_a_single_image_is_split_by_roi_and_called_optimistic():
    images = np.repeat([0, 1], 60)
    labels = np.tile(np.repeat([0, 1], 30), 2)
    labels[:20] = 2
    groups = np.arange(120) // 10
    recorder = Recorder()
    report = held_out_report(numbered(120), labels, groups, images, NAMES, recorder)
    assert report.grouping == "image"
    assert report.optimistic_classes == ("background",)
    assert report.support[2] == 20
    for seen in recorder.seen:
        of_class = seen[labels[seen] == 2]
        assert len(of_class) == 10
        assert len(np.unique(groups[of_class])) == 1


def test_pixel_split_is_optimistic_for_all():
    labels = np.repeat([0, 1], 30)
    report = held_out_report(
        numbered(60), labels, labels, np.zeros(60, int), [*NAMES[:2], "unused"], Recorder()
    )
    assert report.grouping == "pixel"
    assert report.optimistic_classes == ("nucleus", "cytoplasm")
    assert report.untested_classes == ("unused",)
    assert report.support == (30, 30, 0)
    assert report.recall == (1, 0, None)
    assert report.precision == (0.5, None, None)
    assert report.f1 == (pytest.approx(2 / 3), 0, None)


def test_grouping_tells_copied_pixels_from_quality():
    # Strokes of identical pixels with labels at random: nothing can be learnt.
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 20)
    labels = np.repeat(rng.integers(2, size=60), 20)
    x = np.repeat(rng.normal(size=(60, 5)), 20, axis=0).astype(np.float32)

    def forest(features, labels):
        return fit("random_forest", features, labels, 2, trees=20)

    zeros = np.zeros(1200, int)
    honest = held_out_report(x, labels, groups, zeros, NAMES[:2], forest)
    copied = held_out_report(x, labels, np.arange(1200), zeros, NAMES[:2], forest)
    assert honest.accuracy < 0.7
    assert copied.accuracy > 0.99


@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 50, 0), (2, 1, 40), (2, 2, 2), (0, 1, 1)])
def test_tiny_classes(sizes):
    labels = np.repeat([0, 1, 2], sizes)
    n = len(labels)
    x = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    report = held_out_report(x, labels, np.zeros(n, int), np.zeros(n, int), NAMES, fit_linear)
    expected = tuple(size if size > 1 else 0 for size in sizes)
    assert report.support == expected
    assert set(report.untested_classes) == {NAMES[c] for c in range(3) if sizes[c] < 2}
    assert HeldOutReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report


def test_many_pixels_are_subsampled_but_small_classes_kept():
    labels = np.repeat([0, 1, 2], [4000, 900, 100])
    recorder = Recorder()
    groups = np.arange(5000) // 10
    report = held_out_report(
        numbered(5000), labels, groups, np.zeros(5000, int), NAMES, recorder, max_samples=1000
    )
    assert report.support == (800, 200, 100)


def test_seed_fixes_the_report():
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=900)
    x = rng.normal(size=(900, 4)).astype(np.float32)
    groups = rng.integers(40, size=900)

    def tables(seed):
        zeros = np.zeros(900, int)
        return held_out_report(
            x, labels, groups, zeros, NAMES, fit_linear, seed=seed, max_samples=500
        ).confusion

    assert tables(1) == tables(1)
    assert tables(1) != tables(2)


def test_one_class_is_refused():
    with pytest.raises(TdsegError, match="at least two classes"):
        held_out_report(
            numbered(9), np.zeros(9, int), np.arange(9), np.zeros(9, int), NAMES, Recorder()
        )


def test_top_features_and_json():
    labels = np.repeat([0, 1], 30)
    report = held_out_report(
        numbered(60), labels, np.arange(60) // 5, np.zeros(60, int), NAMES, Recorder()
    )
    names = [f"feature {i}" for i in range(20)]
    importances = np.arange(20) / 190
    full = report.with_top_features(names, importances)
    assert full.top_features[0] == ("feature 19", pytest.approx(0.1))
    assert len(full.top_features) == 10
    assert report.top_features == ()
    text = json.dumps(full.to_dict(), allow_nan=False)
    assert HeldOutReport.from_dict(json.loads(text) | {"from the future": 1}) == full
