from __future__ import annotations

import pytest

from tdseg.errors import TdsegError
from tdseg.features.classical import DEFAULT_FAMILIES, FAMILIES, resolve_families


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("default", DEFAULT_FAMILIES),
        ("all", FAMILIES.names()),
        (" Structure , gaussian,", ("gaussian", "structure")),
        ("dog,neighbours", ("difference_of_gaussians", "neighbors")),
        ("default,default,Gaussian_blur", DEFAULT_FAMILIES),
        ("Anisotropic diffusion", ("anisotropic_diffusion",)),
    ],
)
def test_text_names_families(text: str, expected: tuple[str, ...]) -> None:
    assert resolve_families(text) == expected


@pytest.mark.parametrize("text", ["gausian", "", " , ", "gaussian;sobel"])
def test_unknown_families_are_refused_with_the_valid_ones(text: str) -> None:
    with pytest.raises(TdsegError) as caught:
        resolve_families(text)
    assert all(key in str(caught.value) for key in FAMILIES)
