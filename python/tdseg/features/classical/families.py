"""The keys by which users choose families of features."""

from __future__ import annotations

from tdseg.errors import TdsegError

FAMILIES: tuple[str, ...] = (
    "gaussian",
    "sobel",
    "hessian",
    "difference_of_gaussians",
    "membrane",
    "variance",
    "mean",
    "minimum",
    "maximum",
    "median",
    "anisotropic_diffusion",
    "bilateral",
    "lipschitz",
    "kuwahara",
    "gabor",
    "derivatives",
    "laplacian",
    "structure",
    "entropy",
    "neighbors",
)
DEFAULT_FAMILIES: tuple[str, ...] = FAMILIES[:5]
"""The five that Trainable Weka Segmentation enables."""

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
        ``"default"`` (TWS's five), ``"all"`` or keys separated by commas. Case does not matter, and
        TWS's own names (``Gaussian_blur``) and a few short ones (``dog``) are understood.

    Returns
    -------
    tuple of str
        Keys of `FAMILIES`, in its order, each once.

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
            chosen.update(FAMILIES)
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
