"""Segment files together without labels, and refine stored probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tdseg.batch.apply_files import make_folder, refuse_to_overwrite
from tdseg.classifiers.model import Model
from tdseg.errors import TdsegError
from tdseg.images.image_files import read_image, write_features, write_labels, write_probabilities
from tdseg.options.settings import Settings
from tdseg.runtime.progress import Progress
from tdseg.workflow.refine import refine_crf
from tdseg.workflow.unlabelled import segment_without_labels


def segment_files(
    sources: Sequence[Path],
    folder: Path,
    settings: Settings,
    *,
    existing: str = "error",
    progress: Progress | None = None,
    **options: Any,
) -> tuple[list[Path], Model | None]:
    """Segment images together, so that the same class has the same value in all of them.

    Parameters
    ----------
    sources
        Image files.
    folder
        Where ``<stem>-labels.tif`` (and ``<stem>-attention.tif``) go; made if missing.
    settings
        Features, seed, refinement.
    existing
        "overwrite", or "error" before anything is computed.
    progress
        Hears how far the work is.
    **options
        Keywords of `tdseg.segment_without_labels`: method, clusters, min_size, cutoff_scale.

    Returns
    -------
    list of Path
        The files written.
    Model or None
        Finds the same classes in other images; None where the method gives none.

    Raises
    ------
    TdsegError
        If a file cannot be read, exists, or two would have the same name.
    """
    planned = [folder / f"{source.stem}-labels.tif" for source in sources]
    twice = [path for path in planned if planned.count(path) > 1]
    if twice:
        raise TdsegError(f"Two inputs would both write '{twice[0]}'; rename one of them.")
    others = [path.with_name(path.name.replace("-labels", "-attention")) for path in planned]
    there = [path for path in [*planned, *others] if path.exists()]
    if there and existing != "overwrite":
        raise TdsegError(f"File '{there[0]}' exists; choose existing=overwrite.")
    refuse_to_overwrite(sources, [*planned, *others])
    make_folder(folder)
    images = [read_image(source) for source in sources]
    results = segment_without_labels(images, options=settings, progress=progress, **options)
    written = []
    for image, result, path in zip(images, results, planned, strict=True):
        write_labels(path, result.labels, image, result.info, existing="overwrite")
        written.append(path)
        if result.attention is not None:
            beside = path.with_name(path.name.replace("-labels", "-attention"))
            names = list(result.attention_names)
            write_features(
                beside, result.attention, image, names, result.info, existing="overwrite"
            )
            written.append(beside)
    return written, results[0].model


def refine_file(
    probabilities: Path,
    image: Path,
    target: Path,
    settings: Settings,
    *,
    existing: str = "error",
    progress: Progress | None = None,
) -> None:
    """Refine the probabilities of a file with a dense CRF, guided by the segmented image.

    Raises
    ------
    TdsegError
        If a file cannot be read, sizes differ, or `target` exists and `existing` is "error".
    """
    if target.exists() and existing != "overwrite":
        raise TdsegError(f"File '{target}' exists; choose existing=overwrite.")
    found, picture = read_image(probabilities), read_image(image)
    labels = list(found.metadata.get("slice_labels") or [])[: found.shape[2]]
    names = [str(n) if n else f"class {k + 1}" for k, n in enumerate(labels)]
    names += [f"class {k + 1}" for k in range(len(names), found.shape[2])]
    refined = refine_crf(found.array, picture, settings, class_names=names, progress=progress)
    info = {f"tdseg.{k}": str(v) for k, v in settings.to_dict().items() if k.startswith("crf_")}
    write_probabilities(target, refined, picture, names, info, existing="overwrite")
