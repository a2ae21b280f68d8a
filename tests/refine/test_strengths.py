from dataclasses import replace

import pytest

from tdseg.options.groups import CrfOptions
from tdseg.refine.explained import Variance
from tdseg.refine.strengths import (
    FACTORS,
    LEAST_GAIN,
    MOST_IN_NOISE,
    choose_strength,
    guarded,
    guided_share,
    held_back,
    strengths,
    with_strength,
)


@pytest.mark.parametrize(
    ("shares", "chosen"),
    [
        # In hundredths, from unrefined to strong; a step must bring more than one.
        ((60, 58, 56, 50, 40, 30), "none"),
        ((60, 60, 60, 60, 60, 60), "none"),
        ((60, 60.9, 61.8, 62.7, 63.6, 64.5), "none"),
        ((60, 62, 64, 67, 71, 71.5), "default"),
        ((60, 62, 64, 67, 71, 75), "strong"),
        ((60, 60, 60, 70, 60, 60), "weak"),
        ((60, 64, 62, 50, 40, 30), "faint"),
    ],
)
def test_the_strength_is_taken_whose_labels_explain_most(shares, chosen):
    assert LEAST_GAIN == 0.01
    by_name = {n: s / 100 for n, s in zip(("none", *FACTORS), shares, strict=True)}
    assert choose_strength(by_name, noisy=False) == chosen


def test_noise_asks_for_more():
    assert choose_strength({"none": 0.60, "faint": 0.61, "light": 0.63}, noisy=True) == "none"
    assert choose_strength({"none": 0.60, "faint": 0.61, "light": 0.65}, noisy=True) == "light"


def test_noise_allows_the_weaker_ones():
    assert strengths(False) == list(FACTORS)
    weaker = strengths(True)
    assert weaker[-1] == MOST_IN_NOISE
    assert weaker == list(FACTORS)[: len(weaker)]
    assert list(FACTORS.values()) == sorted(FACTORS.values())


def test_a_pair_that_often_meets_must_be_told_apart():
    whole = Variance(100, 60, 50, 20)
    alike, seldom, apart = (
        Variance(100, 2, 50, 30),
        Variance(100, 1, 50, 20),
        Variance(100, 70, 50, 50),
    )
    assert guided_share(whole, {}) == (0.6, None)
    assert guided_share(whole, {(0, 1): apart, (0, 2): seldom}) == (0.6, None)
    pairs = {(0, 1): apart, (0, 2): seldom, (1, 2): alike}
    assert guided_share(whole, pairs) == (0.02, (1, 2))


def test_strength_scales_both_kernels_and_nothing_else():
    options = CrfOptions(crf_spatial_compat=4, crf_bilateral_compat=2, crf_iterations=3)
    for name, factor in FACTORS.items():
        changed = with_strength(options, name)
        assert changed.crf_spatial_compat == pytest.approx(4 * factor)
        assert changed.crf_bilateral_compat == pytest.approx(2 * factor)
        assert changed.crf_iterations == 3


def test_the_guard_becomes_stricter_and_never_looser():
    assert guarded(CrfOptions()).crf_min_fraction == 0.8
    assert guarded(CrfOptions(crf_min_fraction=0.9)).crf_min_fraction == 0.9
    assert guarded(CrfOptions(crf_min_fraction=0)).crf_min_fraction == 0


def test_a_noisy_guide_holds_the_strengths_back_but_not_those_that_auto_chose():
    default = CrfOptions()
    assert held_back(default, 1.0) is default
    less = held_back(default, 0.4)
    assert less.crf_spatial_compat == pytest.approx(4)
    assert less.crf_bilateral_compat == pytest.approx(4)
    assert replace(less, crf_spatial_compat=10.0, crf_bilateral_compat=10.0) == default
    light = with_strength(default, MOST_IN_NOISE)
    assert held_back(light, 0.001) == light
    assert held_back(default, 0.001) == light
