"""Train on files, without Java: labels from TIFF overlays, RoiSets or label images.

Files are read one at a time: memory holds one image, and features at labelled pixels only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tdseg.batch.inputs import ENDINGS, Source, find_sources
from tdseg.batch.lazy_images import LazyImages, Read
from tdseg.batch.partners import partner, without_partners
from tdseg.classifiers.model import Model
from tdseg.errors import TdsegError
from tdseg.images.image import Image
from tdseg.images.image_files import check_image, read_image
from tdseg.labels.reading import read_labels
from tdseg.labels.roi_bytes import kind_of_file, tiff_has_rois
from tdseg.labels.sparse_labels import SparseLabels
from tdseg.options.settings import Settings
from tdseg.runtime.progress import Part, Progress, Silent
from tdseg.workflow.train import train

LABEL_SOURCES = ("overlay", "file", "image")
_BESIDE = {"file": ("*.zip", "*.roi"), "image": ("*-labels.tif", "*-labels.png")}
_ENDINGS = {"file": (".zip", ".roi", ".tif"), "image": ENDINGS}


@dataclass(frozen=True)
class LabelledFile:
    """An image file with labels; its pixels are read when they are asked for."""

    source: Source
    image: Image
    labels: SparseLabels


def train_from_files(
    images: Iterable[Path],
    *,
    labels: str = "overlay",
    labels_paths: Sequence[Path] = (),
    pattern: str = "",
    filter: str = "",
    recursive: bool = False,
    classes: Sequence[str] | Mapping[int, str] = (),
    values: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    read: Read | None = None,
    read_overlay: Callable[[Path], SparseLabels] | None = None,
) -> tuple[Model, list[LabelledFile]]:
    """Train on image files.

    Parameters
    ----------
    images
        Image files, folders, and patterns with ``*``. Of a folder, only labelled images count.
    labels
        "overlay": the ROIs in each TIFF; "file": one RoiSet per image; "image": one label image
        per image.
    labels_paths
        The files for "file" and "image", in the images' order; without them, `pattern` names them.
    pattern
        A path in which ``*`` stands for the image's name, or a folder; see
        `tdseg.batch.partners.partner`. Empty: ``*.zip`` or ``*.roi``, ``*-labels.tif`` or
        ``*-labels.png``, beside the image.
    filter, recursive
        Which files of a folder; see `tdseg.batch.inputs.find_sources`.
    classes
        Names of label values 1, 2, ..., or by value.
    values
        Settings by key; besides them `class_from`, `unpositioned` and `overlap` for ROIs.
    progress
        Receives the steps; None is silent.
    read
        Reads the images instead of `tdseg.read_image`.
    read_overlay
        Reads the labels of ``labels=overlay`` instead of tdseg: ImageJ draws what it alone can.

    Returns
    -------
    Model
        The trained classifier. Where several images have labels, its held-out figures hold whole
        images out.
    list of LabelledFile
        What it was trained on.

    Raises
    ------
    TdsegError
        If files and labels do not pair up or cannot be read; the message names the file.
    """
    progress = progress or Silent()
    options = dict(values or {})
    rules: dict[str, str] = {
        name: options.pop(name)
        for name in ("class_from", "unpositioned", "overlap")
        if name in options
    }
    settings = Settings(**options)
    if labels not in LABEL_SOURCES:
        raise TdsegError(f"Option --labels: '{labels}' is not one of {', '.join(LABEL_SOURCES)}.")
    sources = find_sources(images, filter=filter, recursive=recursive)
    pairs = _paired(sources, labels, labels_paths, pattern)
    lazy = LazyImages(read or (lambda path: read_image(path)))
    files = []
    for number, (source, labels_path) in enumerate(pairs):
        progress.update(0.2 * number / len(pairs), f"reading labels, {number + 1} of {len(pairs)}")
        image = lazy.open(source.path)
        for sentence in image.notes:
            progress.note(sentence)
        kind = "image" if labels == "image" else "rois"
        names = classes if isinstance(classes, Mapping) else list(classes)
        if labels == "overlay" and read_overlay is not None:
            found = read_overlay(source.path)
        else:
            found = read_labels(labels_path, image, names, kind=kind, note=progress.note, **rules)
        # Places tell images of one name in two folders apart.
        files.append(LabelledFile(source, replace(image, name=source.place.as_posix()), found))
    examples = [(file.image, file.labels) for file in files]
    return train(examples, settings, progress=Part(progress, 0.2, 1)), files


def pixel_rows(files: Sequence[LabelledFile]) -> list[dict[str, Any]]:
    """Return a table row an image: labelled pixels of each class, and how many in all."""
    names: dict[int, str] = {}
    for file in files:
        for value in file.labels.values:
            names.setdefault(value, file.labels.name_of(value))
    rows = []
    for file in files:
        row: dict[str, Any] = {"Image": file.source.place.as_posix()}
        for value in sorted(names):
            row[names[value]] = int(np.count_nonzero(file.labels.value == value))
        rows.append({**row, "All": len(file.labels)})
    return rows


def _paired(
    sources: list[Source], labels: str, labels_paths: Sequence[Path], pattern: str
) -> list[tuple[Source, Path]]:
    """Return each image with the file of its labels; those of a folder without labels go."""
    if labels == "overlay":
        found = [(s, s.path) for s in sources if not s.listed or _has_overlay(s.path)]
        if not found:
            raise TdsegError(
                f"None of {len(sources)} images has ROIs in its overlay; save labelled images as "
                "TIFF with their overlays, or use labels=file or labels=image.",
            )
        return found
    if labels_paths:
        if len(labels_paths) != len(sources):
            raise TdsegError(
                f"There are {len(sources)} images but {len(labels_paths)} label files; give one "
                "--labels-path an image, in the same order."
            )
        return list(zip(sources, labels_paths, strict=True))
    patterns = (pattern,) if pattern else _BESIDE[labels]
    for one in patterns:
        sources = without_partners(sources, one, _ENDINGS[labels])
    pairs = []
    for source in sources:
        check_image(source.path)
        tried = (partner(source, one, _ENDINGS[labels]) for one in patterns)
        labels_path = next((path for path in tried if path is not None), None)
        if labels_path is not None:
            pairs.append((source, labels_path))
        elif not source.listed:
            raise TdsegError(
                f"Image '{source.path}' has no label file {' or '.join(patterns)}; name it with "
                "pattern=, where * stands for the image's name."
            )
    if not pairs:
        raise TdsegError(
            f"None of {len(sources)} images has a label file {' or '.join(patterns)}; name them "
            "with pattern=, where * stands for the image's name."
        )
    return pairs


def _has_overlay(path: Path) -> bool:
    """Tell whether an image of a folder is a TIFF with ROIs; a damaged one has none to learn of."""
    try:
        return kind_of_file(path) == "tiff" and tiff_has_rois(path)
    except (TdsegError, OSError):
        return False
