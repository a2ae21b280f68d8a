"""Names and order of the features: those of Trainable Weka Segmentation."""

from __future__ import annotations

from collections.abc import Iterator

from tdseg.features.classical.anisotropic import anisotropic_names
from tdseg.features.classical.bilateral import bilateral_names
from tdseg.features.classical.derivatives import derivative_names, laplacian_name
from tdseg.features.classical.entropy import entropy_names
from tdseg.features.classical.families import FAMILIES
from tdseg.features.classical.gabor_bank import gabor_names
from tdseg.features.classical.hessian import hessian_names, sobel_name
from tdseg.features.classical.kuwahara import kuwahara_names
from tdseg.features.classical.lipschitz import lipschitz_names
from tdseg.features.classical.membrane import membrane_names
from tdseg.features.classical.neighbors import neighbor_names
from tdseg.features.classical.options import ClassicalOptions, java_float
from tdseg.features.classical.structure import structure_names

ORIGINAL = "original"
COLOUR_PLANES = ("Hue", "Saturation", "Brightness")


def blur_name(sigma: float) -> str:
    """Return TWS's label of a Gaussian blur."""
    return f"Gaussian_blur_{java_float(sigma)}"


def difference_name(wide: float, narrow: float) -> str:
    """Return TWS's label of a difference of Gaussians, which is the narrow minus the wide one."""
    return f"Difference_of_gaussians_{java_float(wide)}_{java_float(narrow)}"


def rank_name(family: str, sigma: float) -> str:
    """Return TWS's label of a filter over a disc, such as ``Mean_2.0``."""
    return f"{family.capitalize()}_{java_float(sigma)}"


def _of_plane(options: ClassicalOptions) -> Iterator[tuple[str, list[str]]]:
    """Families that come before the scales."""
    yield "anisotropic_diffusion", anisotropic_names(options)
    yield "bilateral", bilateral_names(options)
    yield "lipschitz", lipschitz_names(options)
    yield "kuwahara", kuwahara_names(options)
    yield "gabor", gabor_names(options)
    if 0.0 in options.edge_sigmas:
        yield "sobel", [sobel_name(0.0)]
        yield "hessian", hessian_names(0.0)


def _of_scale(options: ClassicalOptions, sigma: float) -> Iterator[tuple[str, list[str]]]:
    """Families that repeat at every scale."""
    yield "gaussian", [blur_name(sigma)]
    yield "sobel", [sobel_name(sigma)]
    yield "hessian", hessian_names(sigma)
    narrower = [s for s in options.sigmas if s < sigma]
    yield "difference_of_gaussians", [difference_name(sigma, s) for s in narrower]
    for family in ("variance", "mean", "minimum", "maximum", "median"):
        yield family, [rank_name(family, sigma)]
    yield "derivatives", derivative_names(sigma)
    yield "laplacian", [laplacian_name(sigma)]
    yield "structure", structure_names(sigma)
    yield "entropy", entropy_names(int(sigma))


def ordered_names(options: ClassicalOptions, families: tuple[str, ...]) -> list[str]:
    """Return the names of one channel's features of `families`, without ``original``.

    The order is that of TWS when it runs on one thread (its order on several threads differs);
    families from outside follow.
    """
    parts = [*_of_plane(options)]
    for sigma in options.sigmas:
        parts += _of_scale(options, sigma)
    parts.append(("membrane", membrane_names(options)))
    parts += [("neighbors", neighbor_names(distance)) for distance in options.distances]
    for family in families:
        own = FAMILIES.get(family).names
        if own is not None:
            parts.append((family, list(own(options))))
    names = [name for family, found in parts if family in families for name in found]
    return list(dict.fromkeys(names))  # scales below 1 share the entropy of radius 0


def feature_names(
    options: ClassicalOptions, channels: tuple[str, ...] = ("",), rgb: bool = False
) -> tuple[str, ...]:
    """Return the names of all features of an image plane, in the order of the stack.

    Parameters
    ----------
    options : ClassicalOptions
    channels : tuple of str
        A label for every channel; ``""`` gives TWS's own names, any other label is appended, as in
        ``"Gaussian_blur_1.0 [red]"``.
    rgb : bool
        Whether the three channels are a colour image; it matters only with ``options.rgb="tws"``,
        where the features of the three are averaged and TWS's names stay as they are.

    Returns
    -------
    tuple of str
        Channel by channel; within a channel in TWS's order on one thread.
    """
    names = ordered_names(options, options.families)
    if rgb and options.rgb == "tws":
        return (ORIGINAL, *COLOUR_PLANES, *names)
    return tuple(
        f"{name} [{channel}]" if channel else name
        for channel in channels
        for name in (ORIGINAL, *names)
    )
