"""Train on files, without Java: labels from TIFF overlays, RoiSets or label images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tdseg.classifiers.model import Model
from tdseg.errors import TdsegError
from tdseg.images.image_files import read_image
from tdseg.labels.reading import read_labels
from tdseg.options.settings import Settings
from tdseg.runtime.progress import Progress, Silent
from tdseg.workflow.train import train

LABEL_SOURCES = ("overlay", "file", "image")


def train_from_files(
    images: Sequence[Path],
    *,
    labels: str = "overlay",
    labels_paths: Sequence[Path] = (),
    classes: Sequence[str] = (),
    values: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Model:
    """Train on image files.

    Parameters
    ----------
    images
        Image files.
    labels
        "overlay": the ROIs in each TIFF; "file": one RoiSet per image; "image": one label image
        per image.
    labels_paths
        The files for "file" and "image", in the images' order.
    classes
        Names of label values 1, 2, ...
    values
        Settings by key; besides them `class_from`, `unpositioned` and `overlap` for ROIs.
    progress
        Receives the steps; None is silent.

    Returns
    -------
    Model
        The trained classifier.

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
    if labels == "overlay":
        labels_paths = images
    if len(labels_paths) != len(images):
        raise TdsegError(
            f"There are {len(images)} images but {len(labels_paths)} label files; give one "
            "--labels-path an image, in the same order."
        )
    examples = []
    for path, labels_path in zip(images, labels_paths, strict=True):
        image = read_image(path, note=progress.note)
        kind = "image" if labels == "image" else "rois"
        found = read_labels(
            labels_path, image, list(classes), kind=kind, note=progress.note, **rules
        )
        examples.append((image, found))
    return train(examples, settings, progress=progress)
