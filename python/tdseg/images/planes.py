"""Which planes of an image a job works on."""

from __future__ import annotations

from collections.abc import Sequence

from tdseg.errors import TdsegError
from tdseg.images.image import Image
from tdseg.options.settings import parse_numbers


def plane_grid(image: Image, planes: Sequence[int] | None) -> tuple[list[int], tuple[int, int]]:
    """Return plane numbers and the (frames, slices) that they form."""
    frames, slices = image.shape[:2]
    if planes is None:
        return list(range(frames * slices)), (frames, slices)
    chosen = sorted(set(int(p) for p in planes))
    ts = sorted({p // slices for p in chosen})
    zs = sorted({p % slices for p in chosen})
    if not chosen or [t * slices + z for t in ts for z in zs] != chosen:
        raise TdsegError(f"Image '{image.name}': choose whole frames and slices.")
    return chosen, (len(ts), len(zs))


def slice_labels(image: Image, planes: Sequence[int] | None = None) -> list[str]:
    """Return the slice labels of an image, for a result of one channel.

    Parameters
    ----------
    image
        Several channels: the label of the first counts.
    planes
        Plane numbers ``t * Z + z``; None: all.

    Returns
    -------
    list of str
        One per plane, "" where there is none, of labels of several lines (DICOM) the first; empty
        where no plane has one.
    """
    given = image.metadata.get("slice_labels") or ()
    channels = 1 if image.rgb else image.shape[2]
    chosen, _ = plane_grid(image, planes)
    firsts = [given[p * channels] if p * channels < len(given) else None for p in chosen]
    labels = [(label or "").partition("\n")[0] for label in firsts]
    return labels if any(labels) else []


def planes_of_slices(image: Image, slices: str, current: int = 0) -> list[int] | None:
    """Turn the key ``slices`` into plane numbers; None for all.

    Numbers count Z slices; frames where the image has no Z. `current` is the active plane.
    """
    frames, depth = image.shape[:2]
    if slices == "all":
        return None
    if slices == "current":
        return [current]
    if depth > 1:
        zs = parse_numbers(slices, depth, "slices", "slices")
        return [t * depth + z for t in range(frames) for z in zs]
    return parse_numbers(slices, frames, "slices", "slices")
