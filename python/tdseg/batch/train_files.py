"""Train on files, without Java: labels from TIFF overlays, RoiSets or label images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tdseg.classifiers.model import Model
from tdseg.errors import TdsegError
from tdseg.images.image import Image
from tdseg.images.image_files import read_image
from tdseg.labels.roi_files import labels_from_roi_file
from tdseg.labels.sparse_labels import SparseLabels
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
        "overlay": the ROIs in each TIFF; "file": a RoiSet an image; "image": a label image an
        image.
    labels_paths
        The files for "file" and "image", in the images' order.
    classes
        Names of label values 1, 2, ...
    values
        Settings by key; besides them `class_from`, `unpositioned` and `overlap` for ROIs.

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
        image = read_image(path)
        found = _labels(labels, labels_path, image, rules, classes, progress)
        examples.append((image, found))
    return train(examples, settings, progress=progress)


def _labels(
    kind: str,
    path: Path,
    image: Image,
    rules: Mapping[str, str],
    classes: Sequence[str],
    progress: Progress,
) -> SparseLabels:
    names = {k + 1: name for k, name in enumerate(classes)}
    if kind == "image":
        array = read_image(path).array
        if array.shape[2] != 1:
            raise TdsegError(f"Label image '{path}' has {array.shape[2]} channels; it needs one.")
        return SparseLabels.from_label_image(np.asarray(array[:, :, 0]), names)
    shape = (*image.shape[:2], *image.size)
    found = labels_from_roi_file(
        path,
        shape,
        channels=1 if image.rgb else image.shape[2],
        note=progress.note,
        class_names=names,
        class_from=rules.get("class_from", "group"),
        unpositioned=rules.get("unpositioned", "current"),
        overlap=rules.get("overlap", "last"),
    )
    return replace(found, class_names={**found.class_names, **names})
