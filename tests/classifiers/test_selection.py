import numpy as np
import pytest
from sklearn.metrics import log_loss

from tdseg.classifiers.folds import make_folds
from tdseg.classifiers.selection import (
    choose,
    format_shares,
    held_out_loss,
    mean_entropy,
    parse_shares,
    parts_of_shares,
    shares_of,
)
from tdseg.errors import TdsegError

NAMES = ("dark", "bright")
SOURCES = np.repeat([0, 1, 2], 4)


def strokes(good, seed=0, count=12, length=40):
    """Pixels of strokes: features `good` tell the classes, the others tell the strokes."""
    rng = np.random.default_rng(seed)
    rois = np.repeat(np.arange(count), length)
    labels = rois % 2
    features = rng.normal(size=(len(rois), 12)) + 3 * rng.normal(size=(count, 12))[rois]
    features[:, good] = rng.normal(size=(len(rois), len(good))) + 2 * labels[:, None]
    return features.astype(np.float32), labels, rois, np.zeros(len(rois), int)


@pytest.mark.parametrize(
    ("good", "left_out"), [([0, 1, 2, 3], "deep"), ([4, 5, 6, 7], "classical")]
)
def test_features_that_know_only_the_strokes_get_no_share(good, left_out):
    choice = choose(*strokes(good), NAMES, SOURCES, trees=20)
    assert left_out not in choice.shares
    assert sum(choice.shares.values()) == 100
    assert choice.report.choice == choice.reason
    assert f"{left_out} " in choice.reason.split("log loss")[1]
    assert choice.report.accuracy > 0.8


def test_features_that_are_equally_good_share():
    features, labels, rois, images = strokes([0, 1, 2, 3])
    features[:, 4:8] = features[:, :4]
    choice = choose(features[:, :8], labels, rois, images, NAMES, SOURCES[:8], trees=20)
    assert set(choice.shares) == {"classical", "deep", "hybrid"}
    assert min(choice.shares.values()) > 20


def test_the_same_seed_chooses_the_same():
    first, second = (choose(*strokes([0, 5]), NAMES, SOURCES, trees=20, seed=3) for _ in range(2))
    assert first.shares == second.shares
    assert first.report.confusion == second.report.confusion


def test_features_that_change_do_not_carry_over():
    """Trained on classical features that tell nothing, classical features get no share."""
    features, *rest = strokes([0, 1, 2, 3, 4, 5, 6, 7], count=24)
    assert "classical" in choose(features, *rest, NAMES, SOURCES, trees=20).shares
    changed = features.copy()
    changed[:, :4] = strokes([], seed=1, count=24)[0][:, :4]
    assert (
        "classical"
        not in choose(features, *rest, NAMES, SOURCES, trees=20, trained_on=changed).shares
    )


def test_one_source_leaves_nothing_to_choose():
    choice = choose(*strokes([0, 1]), NAMES, np.zeros(12, int), trees=20)
    assert (choice.shares, choice.reason) == ({"hybrid": 100}, "")


def test_the_loss_is_scikit_learns_and_no_sharpness_changes_it():
    rng = np.random.default_rng(5)
    labels = np.repeat([0, 1], [300, 100])
    folds = make_folds(labels, np.arange(400) // 20, np.zeros(400, int))
    # Well calibrated: the best exponent is about 1.
    bright = rng.uniform(0.05, 0.95, 4000)
    drawn = rng.uniform(size=4000) < bright
    bright = np.concatenate([bright[~drawn][:300], bright[drawn][:100]])
    probabilities = np.stack([1 - bright, bright], 1)
    balanced = np.repeat([1.0, 3.0], [300, 100])
    expected = log_loss(labels, probabilities, sample_weight=balanced)
    loss = held_out_loss(probabilities, folds)
    assert loss == pytest.approx(expected, abs=0.03)
    blunt = probabilities**0.5
    blunt /= blunt.sum(1, keepdims=True)
    assert held_out_loss(blunt, folds) == pytest.approx(loss, abs=0.02)


def test_shares_follow_the_likelihood():
    sure = np.zeros(3)
    even = shares_of(np.array([0.3, 0.3, 0.3]), 20, sure)
    assert sum(even) == 100
    assert max(even) <= 34
    weights = np.exp(-10 / 2 * np.array([0.1, 0.15, 0.2]))
    np.testing.assert_allclose(
        shares_of(np.array([0.1, 0.15, 0.2]), 10, sure), 100 * weights / weights.sum(), atol=1
    )
    assert shares_of(np.array([0.1, 2.0, 0.1]), 10, sure) == [50, 0, 50]
    assert shares_of(np.array([0.3, 0.3, 0.3]), 10, sure, np.array([1, 1, 2])) == [25, 25, 50]


def test_a_set_that_is_undecided_beside_the_labels_loses_its_share():
    probabilities = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.5, 0.5], [0.5, 0.5]]])
    undecided = mean_entropy(probabilities)
    np.testing.assert_allclose(undecided, [0, np.log(2)])
    assert shares_of(np.zeros(2), 5, undecided) == [100, 0]
    # As many strokes as speak for it outweigh that.
    assert shares_of(np.array([1.0, 0.0]), 20, undecided) == [0, 100]


def test_a_set_that_knows_no_label_is_not_believed_to_be_sure():
    near_guessing = np.array([0.6, 0.6])
    assert shares_of(near_guessing, 8, np.array([0.1, 0.6])) == [50, 50]
    assert shares_of(near_guessing, 8, np.array([0.1, 0.9]))[0] > 80


def test_pixels_beside_the_labels_decide_between_features_that_know_the_labels():
    features, labels, rois, images = strokes([0, 1, 2, 3])
    features[:, 4:8] = features[:, :4]
    around = features[:, :8].copy()
    # Between the strokes, the second half lies halfway between both classes.
    around[:, 4:] = 1
    sets = features[:, :8], labels, rois, images, NAMES, SOURCES[:8]
    blind = choose(*sets, trees=20).shares
    seeing = choose(*sets, unlabelled=around, trees=20).shares
    assert seeing.get("deep", 0) < blind["deep"]
    assert seeing["classical"] > blind["classical"]


def test_shares_are_read_as_they_are_written():
    shares = parse_shares("hybrid:60, classical:40,deep:0")
    assert shares == {"classical": 40, "hybrid": 60}
    assert parse_shares(format_shares(shares)) == shares
    assert parts_of_shares(shares, SOURCES) == [(0, 4, 40.0), (0, 12, 60.0)]
    assert parts_of_shares({}, SOURCES) == [(0, 12, 100.0)]
    with pytest.raises(TdsegError, match="there are no deep features"):
        parts_of_shares({"deep": 100}, np.zeros(3, int))
    with pytest.raises(TdsegError, match="twice"):
        parse_shares("deep:50,deep:50")
    with pytest.raises(TdsegError, match="leaves nothing"):
        parse_shares("deep:0")
