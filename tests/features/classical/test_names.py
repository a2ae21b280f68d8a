from __future__ import annotations

import pytest

from tdseg.features.classical import ClassicalOptions, feature_names


def test_as_many_names_as_tws_has_slices() -> None:
    everything = ClassicalOptions(classical="all", rgb="tws")
    assert len(feature_names(ClassicalOptions())) == 76
    assert len(feature_names(everything)) == 272
    assert len(feature_names(everything, ("r", "g", "b"), rgb=True)) == 275
    assert len(feature_names(everything, ("r", "g", "b"))) == 3 * 272


@pytest.mark.parametrize("sigma_min", [0.3, 1.0, 1.5, 2.0, 5.0])
def test_names_are_unique(sigma_min: float) -> None:
    names = feature_names(
        ClassicalOptions(classical="all", sigma_min=sigma_min, sigma_max=20.0), ("a", "b")
    )
    assert len(set(names)) == len(names)


def test_order_is_that_of_one_thread_and_channels_come_last_in_the_name() -> None:
    options = ClassicalOptions(classical="gaussian,gabor,membrane,neighbors", sigma_max=2.0)
    names = feature_names(options, ("red", ""))
    half = len(names) // 2
    assert names[0] == "original [red]"
    assert [n + " [red]" for n in names[half:]] == list(names[:half])
    place = [
        names.index(n)
        for n in (
            "original",
            "Gabor_1_1.0_0.25_2_2.0",
            "Gaussian_blur_1.0",
            "Gaussian_blur_2.0",
            "Membrane_projections_5_19_1",
            "Neighbors_2_7",
        )
    ]
    assert place == sorted(place)
