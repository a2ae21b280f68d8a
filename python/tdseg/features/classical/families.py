"""The families of features that users choose from, and the registry that outside ones join."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tdseg.errors import TdsegError
from tdseg.runtime.registry import Registry

if TYPE_CHECKING:
    from tdseg.features.classical.filters import Planes
    from tdseg.features.classical.options import ClassicalOptions
    from tdseg.features.classical.statistics import ChannelPlane
    from tdseg.features.classical.tile import Tile


@dataclass(frozen=True)
class Filter:
    """What computes one family, or several that share work.

    Attributes
    ----------
    families : tuple of str
        Names in `FAMILIES`.
    reach : callable
        Halo in pixels that a tile needs, from the options.
    compute : callable
        Fills the wanted planes of a tile.
    names : callable, optional
        Names of the features, from the options. None: those of Trainable Weka Segmentation, whose
        order runs across families (`tdseg.features.classical.names`).
    whole : bool
        Whether a value may depend on all pixels of the plane, however far, so that a large plane
        cannot be filtered block by block.
    """

    families: tuple[str, ...]
    reach: Callable[[ClassicalOptions], int]
    compute: Callable[[Tile, ChannelPlane, Planes], None]
    names: Callable[[ClassicalOptions], Sequence[str]] | None = None
    whole: bool = False


_HERE = "tdseg.features.classical.filters"
FAMILIES: Registry[Filter] = Registry(
    "classical",
    {
        "gaussian": f"{_HERE}:EDGES",
        "sobel": f"{_HERE}:EDGES",
        "hessian": f"{_HERE}:EDGES",
        "difference_of_gaussians": f"{_HERE}:EDGES",
        "membrane": f"{_HERE}:MEMBRANE",
        "variance": f"{_HERE}:SUMS",
        "mean": f"{_HERE}:SUMS",
        "minimum": f"{_HERE}:EXTREMES",
        "maximum": f"{_HERE}:EXTREMES",
        "median": f"{_HERE}:MEDIAN",
        "anisotropic_diffusion": f"{_HERE}:ANISOTROPIC",
        "bilateral": f"{_HERE}:BILATERAL",
        "lipschitz": f"{_HERE}:LIPSCHITZ",
        "kuwahara": f"{_HERE}:KUWAHARA",
        "gabor": f"{_HERE}:GABOR",
        "derivatives": f"{_HERE}:DERIVATIVES",
        "laplacian": f"{_HERE}:DERIVATIVES",
        "structure": f"{_HERE}:STRUCTURE",
        "entropy": f"{_HERE}:ENTROPY",
        "neighbors": f"{_HERE}:NEIGHBORS",
    },
)
DEFAULT_FAMILIES: tuple[str, ...] = FAMILIES.names()[:5]
"""The five that Trainable Weka Segmentation enables."""


def register_family(
    name: str,
    *,
    names: Callable[[ClassicalOptions], Sequence[str]],
    reach: Callable[[ClassicalOptions], int],
    compute: Callable[[Tile, ChannelPlane, Planes], None],
) -> None:
    """Make a family of features known, which ``classical=`` takes from then on.

    Parameters
    ----------
    name : str
        Lower-case letters and ``_``.
    names : callable
        The names of its features, from the options; they follow those of the built-in families.
    reach : callable
        Halo in pixels that a tile needs around the wanted pixels, from the options.
    compute : callable
        Is given a `Tile`, what is known about the whole plane (`ChannelPlane`) and the wanted
        planes by name (`Planes`), to fill in float32.

    Raises
    ------
    TdsegError
        If the name cannot be used.
    """
    FAMILIES.add(name, Filter((name,), reach, compute, names))


def filters_of(families: Sequence[str]) -> list[Filter]:
    """Return the filters that compute these families, each once."""
    found = [FAMILIES.get(name) for name in FAMILIES if name in families]
    return [each for i, each in enumerate(found) if each not in found[:i]]


_ALIASES = {
    "gaussian_blur": "gaussian",
    "sobel_filter": "sobel",
    "dog": "difference_of_gaussians",
    "membrane_projections": "membrane",
    "min": "minimum",
    "max": "maximum",
    "anisotropic": "anisotropic_diffusion",
    "derivative": "derivatives",
    "neighbours": "neighbors",
    "neighbor": "neighbors",
    "neighbour": "neighbors",
}


def resolve_families(text: str) -> tuple[str, ...]:
    """Return the family keys that `text` names.

    Parameters
    ----------
    text : str
        ``"default"`` (TWS's five), ``"all"`` (TWS's twenty) or names separated by commas. Case does
        not matter, and TWS's own names (``Gaussian_blur``) and a few short ones (``dog``) are
        understood.

    Returns
    -------
    tuple of str
        Names in `FAMILIES`, in its order, each once.

    Raises
    ------
    TdsegError
        If a name is unknown or there is none; the message lists the valid ones.

    Examples
    --------
    >>> resolve_families("structure, gaussian")
    ('gaussian', 'structure')
    """
    chosen: set[str] = set()
    for part in text.split(","):
        word = "_".join(part.strip().lower().replace("-", " ").split())
        if word == "default":
            chosen.update(DEFAULT_FAMILIES)
        elif word == "all":
            chosen.update(FAMILIES.built_in)
        elif _ALIASES.get(word, word) in FAMILIES:
            chosen.add(_ALIASES.get(word, word))
        elif word:
            raise TdsegError(
                f"classical={text}: '{part.strip()}' is not a family of features; use default, all"
                f" or some of {', '.join(FAMILIES)}."
            )
    if not chosen:
        raise TdsegError(
            f"classical={text} names no family of features; use default, all or some of"
            f" {', '.join(FAMILIES)}."
        )
    return tuple(key for key in FAMILIES if key in chosen)
