from __future__ import annotations

import math
from typing import Any

import pytest

from tdseg.errors import TdsegError
from tdseg.features.classical import ClassicalOptions
from tdseg.features.classical.options import java_float


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sigma_min", 0.0),
        ("sigma_min", -1.0),
        ("sigma_min", math.nan),
        ("sigma_min", 1e-9),
        ("sigma_max", 0.5),
        ("sigma_max", math.inf),
        ("sigma_max", 1e6),
        ("membrane_patch", 2),
        ("membrane_patch", 7.5),
        ("membrane_patch", 999),
        ("membrane_thickness", 0),
        ("membrane_thickness", 19),
        ("rgb", "grey"),
        ("classical", "gausian"),
    ],
)
def test_values_out_of_range_are_refused_by_name(key: str, value: Any) -> None:
    with pytest.raises(TdsegError, match=key):
        ClassicalOptions(**{key: value})


def test_scales_double() -> None:
    assert ClassicalOptions().sigmas == (1, 2, 4, 8, 16)
    assert ClassicalOptions(sigma_min=3).sigmas == (3, 6, 12)
    assert ClassicalOptions(sigma_min=0.5, sigma_max=2).radii == (0, 1, 2)
    assert ClassicalOptions(sigma_min=0.25, sigma_max=1).distances == (1,)
    assert ClassicalOptions(sigma_min=2).edge_sigmas == (2, 4, 8, 16)
    assert ClassicalOptions(sigma_min=1.5, sigma_max=4).edge_sigmas == (0, 1.5, 3)


def test_even_patches_are_raised() -> None:
    assert ClassicalOptions(membrane_patch=18).patch == 19
    assert ClassicalOptions(membrane_patch=19).patch == 19


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1.0"), (0, "0.0"), (0.35, "0.35"), (12.5, "12.5"), (1e-4, "1.0E-4"), (2e7, "2.0E7")],
)
def test_floats_are_printed_as_in_java(value: float, text: str) -> None:
    assert java_float(value) == text
