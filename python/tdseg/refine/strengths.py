"""Choose whether to refine, and how strongly, by how far labels explain the image.

A dense CRF helps where classes have grey values of their own and harms where they have not, and
how strongly it may act differs from image to image. Strokes cannot tell: they lie inside phases,
where nearly every pixel is right anyway. The image can (`tdseg.refine.explained`): the classifier's
labels must explain it, and the refined ones must explain it better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from tdseg.options.groups import CrfOptions
from tdseg.refine.explained import Variance

UNREFINED = "none"

FACTORS: Mapping[str, float] = {
    "faint": 0.03,
    "light": 0.1,
    "weak": 0.3,
    "default": 1.0,
    "strong": 3.0,
}
"""What the strengths of both kernels are multiplied by, the weakest first."""

MOST_IN_NOISE = "light"
"""The strongest where the guide had to be denoised: an edge of such a guide is itself a guess."""

LEAST_EXPLAINED = 0.45
"""Share of the guide's variance that labels must explain. Textures had 0.01 to 0.04, cells up to
0.37, phases 0.43 and more (``docs/refine.md``)."""

OFTEN = 0.5
"""Two classes that are in the same window this often must be told apart by the guide, too."""

LEAST_GAIN = 0.01
"""What each step to the next strength must add to the explained share of the guide's variance."""

LEAST_GAIN_IN_NOISE = 0.02
"""The same where the guide was denoised: smoother labels explain more of a smoother guide."""

LEAST_KEPT = 0.8
"""Part of its pixels that a class keeps with a chosen CRF, or its guard steps in."""

Crf = TypeVar("Crf", bound=CrfOptions)


def with_strength(options: Crf, name: str) -> Crf:
    """Return the options with both kernels' strengths multiplied by the factor of a name."""
    factor = FACTORS[name]
    return replace(
        options,
        crf_spatial_compat=options.crf_spatial_compat * factor,
        crf_bilateral_compat=options.crf_bilateral_compat * factor,
    )


def held_back(options: Crf, trust: float) -> Crf:
    """Return the options with strengths that a guide deserves.

    Parameters
    ----------
    options : CrfOptions
        Strengths below the limit stay, so that those that ``refine=auto`` chose do.
    trust : float
        Of the guide, 0 to 1: this part of the default strengths is the limit, but not less than
        what ``refine=auto`` may choose in noise.

    Returns
    -------
    CrfOptions
        The options themselves where the trust is 1.
    """
    if trust >= 1:
        return options
    share, default = max(trust, FACTORS[MOST_IN_NOISE]), CrfOptions()
    return replace(
        options,
        crf_spatial_compat=min(options.crf_spatial_compat, share * default.crf_spatial_compat),
        crf_bilateral_compat=min(
            options.crf_bilateral_compat, share * default.crf_bilateral_compat
        ),
    )


def guarded(options: Crf) -> Crf:
    """Return the options with a guard that is at least as strict as `LEAST_KEPT`; 0 stays off."""
    if options.crf_min_fraction == 0:
        return options
    return replace(options, crf_min_fraction=max(options.crf_min_fraction, LEAST_KEPT))


def guided_share(
    whole: Variance, pairs: Mapping[tuple[int, int], Variance]
) -> tuple[float, tuple[int, int] | None]:
    """Return how much of the guide the labels explain, at worst.

    Parameters
    ----------
    whole : Variance
        Of all classes.
    pairs : mapping of Variance
        Of each pair of classes; those that seldom meet do not count.

    Returns
    -------
    float
        The share that all classes explain, or one pair alone if that is less; 0 to 1.
    pair : (int, int) or None
        That pair.
    """
    worst: tuple[float, tuple[int, int] | None] = (whole.share, None)
    for pair, found in pairs.items():
        if found.met >= OFTEN * found.windows and found.share < worst[0]:
            worst = (found.share, pair)
    return worst


def choose_strength(shares: Mapping[str, float], noisy: bool) -> str:
    """Choose the strength whose labels explain the image best, or none.

    Parameters
    ----------
    shares : mapping of float
        Share of the guide's variance that labels explain: of `UNREFINED` and of names of `FACTORS`,
        the weakest first.
    noisy : bool
        Whether the guide had to be denoised.

    Returns
    -------
    str
        The name with the highest share after `LEAST_GAIN` is taken off for each step to it.
    """
    gain = LEAST_GAIN_IN_NOISE if noisy else LEAST_GAIN
    names = [UNREFINED, *(name for name in shares if name != UNREFINED)]
    worth = [shares[name] - step * gain for step, name in enumerate(names)]
    return names[worth.index(max(worth))]


def strengths(noisy: bool) -> list[str]:
    """Return the names to try, the weakest first; fewer where the guide had to be denoised."""
    names = list(FACTORS)
    return names[: names.index(MOST_IN_NOISE) + 1] if noisy else names
