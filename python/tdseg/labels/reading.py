"""Labels of an image from a file of any kind, without Java."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tdseg.errors import TdsegError
from tdseg.images.image import Image
from tdseg.images.image_files import read_image
from tdseg.labels.label_images import labels_from_image
from tdseg.labels.roi_bytes import kind_of_file, tiff_has_rois
from tdseg.labels.roi_files import labels_from_roi_file
from tdseg.labels.sparse_labels import MOST_VALUES, SparseLabels

KINDS = ("auto", "rois", "image")


def _silent(message: str) -> None:
    """Drop a note."""


def read_labels(
    path: str | Path,
    image: Image,
    class_names: Sequence[str] | Mapping[int, str] | None = None,
    *,
    kind: str = "auto",
    class_from: str = "group",
    unpositioned: str = "current",
    overlap: str = "last",
    note: Callable[[str], None] = _silent,
) -> SparseLabels:
    """Read the labels of an image: ROIs, or a label image; the content of the file decides.

    Parameters
    ----------
    path
        A TIFF with ROIs in its overlay (most often the image's own file), a ``.roi`` or RoiSet
        ``.zip``, or a label image (TIFF, PNG) of the image's size: 0 is unlabelled, value k is
        class k.
    image
        The image that the labels belong to.
    class_names
        The k-th name belongs to value k; or a mapping from value to name. Names in ROIs are
        added.
    kind
        "rois" or "image", where a TIFF could be read as both. Default: by content.
    class_from, unpositioned, overlap
        How ROIs become labels; see `tdseg.labels.roi_files.labels_from_roi_file`.
    note
        Receives a line for all ROIs left out, skipped, placed or overruled.

    Returns
    -------
    SparseLabels
        Of the size of `image`.

    Raises
    ------
    TdsegError
        If the file is missing, damaged, of another size, could be read in two ways, or holds no
        labels; the message names file, ROI and remedy.

    Examples
    --------
    >>> image = tdseg.read_image("cells.tif")
    >>> labels = tdseg.read_labels("cells.tif", image)
    """
    if kind not in KINDS:
        raise TdsegError(f"Argument 'kind' is '{kind}'; use one of {', '.join(KINDS)}.")
    path = Path(path)
    names = _names(class_names)
    if kind == "auto":
        kind = _kind(path, image)
    if kind == "image":
        return labels_from_image(read_image(path, note=note), image, names, note)
    found = labels_from_roi_file(
        path,
        (*image.shape[:2], *image.size),
        class_from=class_from,
        unpositioned=unpositioned,
        overlap=overlap,
        note=note,
        class_names=names,
        channels=1 if image.rgb else image.shape[2],
        image_name=image.name,
    )
    return replace(found, class_names={**found.class_names, **names})


def _names(class_names: Sequence[str] | Mapping[int, str] | None) -> dict[int, str]:
    if class_names is None:
        return {}
    if isinstance(class_names, Mapping):
        return dict(class_names)
    return {k: str(name) for k, name in enumerate(class_names, start=1)}


def _kind(path: Path, image: Image) -> str:
    """Return ``rois`` or ``image``: what a file's content says."""
    content = kind_of_file(path)
    if content in ("roi", "zip"):
        return "rois"
    if path.suffix.lower() in (".roi", ".zip"):
        return "rois"  # where it is refused with the reason
    if content == "other":
        return "image"
    has_rois = tiff_has_rois(path)
    pixels = read_image(path)
    own = pixels.shape == image.shape and np.array_equal(pixels.array, image.array, equal_nan=True)
    if own and not has_rois:
        raise TdsegError(
            f"TIFF '{path}' holds the pixels of image '{image.name}' and no overlay; draw ROIs on "
            "it and save it with its overlay, or name a label image."
        )
    if own:
        return "rois"
    if has_rois and _may_be_labels(pixels, image):
        raise TdsegError(
            f"TIFF '{path}' has ROIs in its overlay and pixels that may be labels of image "
            f"'{image.name}'; say which with kind='rois' or kind='image'."
        )
    return "rois" if has_rois else "image"


def _may_be_labels(pixels: Image, image: Image) -> bool:
    if pixels.rgb or pixels.shape[2] != 1 or pixels.dtype == np.float32:
        return False
    same = pixels.shape[:2] == image.shape[:2] and pixels.size == image.size
    return same and 1 < len(np.unique(pixels.array)) <= MOST_VALUES
