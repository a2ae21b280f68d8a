"""Results that exist when a job starts: kept, made anew or refused, never in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.batch.inputs import is_zarr_name
from tdseg.batch.provenance import Recipe, difference, read_made
from tdseg.batch.targets import Planned
from tdseg.errors import TdsegError
from tdseg.images.image import Image
from tdseg.images.image_files import read_image
from tdseg.images.zarr_metadata import is_zarr_group
from tdseg.labels.label_images import label_values
from tdseg.runtime.files import check_target, check_target_folder, exists, is_folder


@dataclass(frozen=True)
class Decision:
    """What is to be done for one image.

    Attributes
    ----------
    todo
        The files to write, by kind; empty: all are there.
    mode
        What `write_file` is to do if one is there: "skip", "overwrite" or "error".
    note
        What is not as this job would make it, in files that are kept.
    made
        What a kept file says of how it was made.
    """

    todo: dict[str, Path] = field(default_factory=dict)
    mode: str = "skip"
    note: str = ""
    made: dict[str, Any] | None = None


def decide(planned: Planned, existing: str, recipe: Recipe) -> Decision:
    """Decide which results of an image are to be written.

    Parameters
    ----------
    planned
        The image and its results.
    existing
        "skip", "overwrite", "error" or "update".
    recipe
        How this job makes results.

    Returns
    -------
    Decision
        With what is to be written, and why not the rest.

    Raises
    ------
    TdsegError
        If one exists and may not be replaced, or cannot be written.
    """
    mode = "overwrite" if existing == "update" else existing
    todo: dict[str, Path] = {}
    note, kept = "", None
    for kind, path in planned.targets.items():
        if not exists(path):
            if is_folder(path.parent):
                _check(path, "error")
            todo[kind] = path
            continue
        if existing in ("overwrite", "error"):
            _check(path, existing)
            todo[kind] = path
            continue
        made = read_made(path)
        other = difference(made, recipe, planned.source.path)
        if other and existing == "update":
            if made is None:
                raise TdsegError(
                    f"File '{path}' exists and was not made by a folder job; "
                    "existing=overwrite replaces it."
                )
            _check(path, "overwrite")
            todo[kind] = path
            continue
        kept = kept or made
        if other:
            note = f"'{path.name}' {other}; it is kept."
    return Decision(todo, mode, note, kept)


def _check(path: Path, existing: str) -> None:
    if is_zarr_name(path):
        check_target_folder(path, existing, is_folder(path) and is_zarr_group(path))
    else:
        check_target(path, existing)


def kept_labels(
    targets: Mapping[str, Path], values: Sequence[int]
) -> tuple[npt.NDArray[np.unsignedinteger], Image]:
    """Read the labels (T, Z, Y, X) of a result, or find them in its probabilities.

    Raises
    ------
    TdsegError
        If it holds neither.
    """
    path = targets.get("labels")
    if path is not None:
        image = read_image(path)
        if image.is_colour or image.shape[2] != 1 or image.dtype not in (np.uint8, np.uint16):
            raise TdsegError(f"File '{path}' is no label image.")
        return np.asarray(label_values(image)), image
    path = targets.get("probabilities")
    if path is None:
        raise TdsegError("The uncertainty alone tells no labels.")
    image = read_image(path)
    if image.shape[2] != len(values):
        raise TdsegError(f"File '{path}' has {image.shape[2]} classes, not {len(values)}.")
    best = image.array.argmax(axis=2)
    return np.asarray(values, np.uint16)[best], image
