import numpy as np
import pytest

from tdseg.options.groups import CrfOptions
from tdseg.refine.strengths import FACTORS, choose_strength, least_kept, with_strength

FINE = dict.fromkeys(FACTORS, 1.0)


def _strokes(shares, pixels=40):
    """Two classes of four strokes; `shares` of each stroke's pixels are right, by name."""
    strokes = np.repeat(np.arange(8), pixels)
    right = {
        name: np.concatenate([np.arange(pixels) < round(s * pixels) for s in each])
        for name, each in shares.items()
    }
    return strokes // 4, strokes, right


def _verdict(shares, kept=FINE):
    return choose_strength(*_strokes(shares), kept)


def test_what_harms_is_not_chosen():
    low = [0.8] * 8
    verdict = _verdict({"none": [0.9] * 8, "weak": low, "default": low, "strong": low})
    assert verdict.chosen == "none"
    assert verdict.scores == pytest.approx(
        {"none": 0.9, "weak": 0.8, "default": 0.8, "strong": 0.8}
    )


def test_what_helps_every_stroke_is_chosen():
    shares = {"none": [0.7] * 8, "weak": [0.75] * 8, "default": [0.9] * 8, "strong": [0.8] * 8}
    assert _verdict(shares).chosen == "default"


def test_equals_go_to_the_weaker():
    same = [0.9] * 8
    assert _verdict({"none": [0.7] * 8, "weak": same, "default": same}).chosen == "weak"
    assert _verdict({"none": same, "weak": same, "default": same}).chosen == "none"


def test_a_gain_of_one_stroke_proves_nothing():
    one = [0.6] * 7 + [1.0]
    verdict = _verdict({"none": [0.6] * 8, "weak": one, "default": one})
    assert verdict.scores["weak"] > verdict.scores["none"]
    assert verdict.chosen == "none"


def test_a_class_that_shrinks_rules_a_strength_out():
    shares = {"none": [0.7] * 8, "weak": [0.75] * 8, "default": [0.9] * 8}
    assert _verdict(shares, {**FINE, "default": 0.5}).chosen == "weak"


def test_a_single_stroke_of_a_class_cannot_tell():
    classes = np.repeat([0, 0, 1], 20)
    strokes = np.repeat([0, 1, 2], 20)
    right = {"none": np.zeros(60, bool), "default": np.ones(60, bool)}
    # Strokes of class 0 can be left out in turn, that of class 1 cannot: two are enough.
    assert choose_strength(classes, strokes, right, FINE).chosen == "default"
    lonely = choose_strength(
        classes[20:], strokes[20:], {n: r[20:] for n, r in right.items()}, FINE
    )
    assert lonely.chosen == "none"
    assert lonely.errors["default"] == np.inf


def test_the_error_is_that_of_the_mean_over_equal_strokes():
    gains = np.array([0.1, 0.3, 0.2, 0.4, 0.0, 0.5, 0.2, 0.1])
    shares = {"none": [0.4] * 8, "weak": list(0.4 + gains)}
    verdict = _verdict(shares)
    # The mean of two class means; leaving out one stroke in turn moves its class's mean only.
    by_class = gains.reshape(2, 4)
    without = [
        (by_class[k].sum() - g) / 3 / 2 + by_class[1 - k].mean() / 2
        for k in (0, 1)
        for g in by_class[k]
    ]
    expected = np.sqrt(7 / 8 * ((without - np.mean(without)) ** 2).sum())
    assert verdict.errors["weak"] == pytest.approx(expected)


def test_strengths_multiply_both_kernels():
    strong = with_strength(CrfOptions(crf_bilateral_compat=4.0), "strong")
    assert (strong.crf_spatial_compat, strong.crf_bilateral_compat) == (30.0, 12.0)
    assert with_strength(CrfOptions(), "default") == CrfOptions()


def test_the_least_part_kept():
    assert least_kept([10, 0, 20], [9, 3, 25]) == 0.9
    assert least_kept([0, 0], [0, 0]) == 1.0
