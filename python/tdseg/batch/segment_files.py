"""Segment files together without labels, and refine stored probabilities."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tdseg.batch.targets import refuse_to_overwrite
from tdseg.classifiers.model import Model
from tdseg.classifiers.provenance import refined_with
from tdseg.errors import TdsegError
from tdseg.images.image import Image
from tdseg.images.image_files import read_image, write_features, write_labels, write_probabilities
from tdseg.options.settings import Settings
from tdseg.runtime.files import check_target, make_folder
from tdseg.runtime.progress import Progress
from tdseg.workflow.refine import refine_crf
from tdseg.workflow.unlabelled import segment_one_by_one


class FileImages(Sequence[Image]):
    """Image files as images; one is read when it is asked for, and only the last is kept."""

    def __init__(self, paths: Sequence[Path], note: Callable[[str], None] | None = None) -> None:
        self._note, self._heard = note, set[int]()
        self._paths = list(paths)
        self._last: tuple[int, Image] | None = None

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, number: Any) -> Any:
        """Read image `number`, counted from 0."""
        number = range(len(self._paths))[operator.index(number)]
        if self._last is None or self._last[0] != number:
            self._last = None  # before the next is read
            note = None if number in self._heard else self._note  # each file is read twice
            self._heard.add(number)
            self._last = number, read_image(self._paths[number], note=note)
        return self._last[1]


def segment_files(
    sources: Sequence[Path],
    folder: Path,
    settings: Settings,
    *,
    model_file: Path | None = None,
    existing: str = "error",
    progress: Progress | None = None,
    **options: Any,
) -> tuple[list[Path], Model | None]:
    """Segment images together, so that the same class has the same value in all of them.

    Files are read one at a time, several times each: memory does not grow with their number.

    Parameters
    ----------
    sources
        Image files.
    folder
        Where ``<stem>-labels.tif`` (and ``<stem>-attention.tif``) go; made if missing.
    settings
        Features, seed, refinement.
    model_file
        Where the classifier goes that finds the same classes in other images; None: nowhere.
    existing
        "overwrite", "skip" (what is there stays, what is missing is written), or "error" before
        anything is computed.
    progress
        Hears how far the work is.
    **options
        Keywords of `tdseg.segment_without_labels`: method, clusters, min_size, cutoff_scale.

    Returns
    -------
    list of Path
        The files written, the classifier's last.
    Model or None
        Finds the same classes in other images; None where the method gives none.

    Raises
    ------
    TdsegError
        If a file cannot be read, exists, or two would have the same name, or if a classifier is
        asked for where the method gives none.
    """
    planned = [folder / f"{source.stem}-labels.tif" for source in sources]
    first: dict[Path, Path] = {}
    for source, path in zip(sources, planned, strict=True):
        if path in first:
            raise TdsegError(
                f"Files '{first[path]}' and '{source}' would both write '{path}'; rename one."
            )
        first[path] = source
    attention = options.get("method") == "attention"
    if attention and model_file is not None:
        raise TdsegError(
            "Method 'attention' gives no classifier to save; save none, or use method=clusters."
        )
    targets = [t for path in planned for t in (path, *([_beside(path)] if attention else []))]
    refuse_to_overwrite(sources, targets)
    wants_model = model_file is not None and check_target(model_file, existing)
    make_folder(folder)
    if (
        not any([check_target(target, existing) for target in targets])
        and targets
        and not wants_model
    ):
        return [], None
    written: list[Path] = []
    model: Model | None = None
    images = FileImages(sources, None if progress is None else progress.note)
    results = segment_one_by_one(images, settings=settings, progress=progress, **options)
    for number, (path, result) in enumerate(zip(planned, results, strict=True)):
        model = model or result.model
        image = images[number]
        if write_labels(path, result.labels, image, result.info, existing=existing):
            written.append(path)
        if result.attention is not None:
            names = list(result.attention_names)
            beside = _beside(path)
            if write_features(
                beside, result.attention, image, names, result.info, existing=existing
            ):
                written.append(beside)
    if model_file is not None and wants_model:
        if model is None:
            raise TdsegError("Nothing stands out in these images, so there is no classifier.")
        written.append(model.save(model_file, existing=existing))
    return written, model


def _beside(labels: Path) -> Path:
    """Return the file of the attention maps that go with a file of labels."""
    return labels.with_name(labels.name.removesuffix("-labels.tif") + "-attention.tif")


def refine_file(
    probabilities: Path,
    image: Path,
    target: Path,
    settings: Settings,
    *,
    existing: str = "error",
    progress: Progress | None = None,
) -> bool:
    """Refine the probabilities of a file with a dense CRF, guided by the segmented image.

    Returns
    -------
    bool
        Whether `target` was written; False if it was there and `existing` is "skip".

    Raises
    ------
    TdsegError
        If a file cannot be read, sizes differ, or `target` cannot be written or exists
        and `existing` is "error".
    """
    if not check_target(target, existing):
        return False
    note = None if progress is None else progress.note
    found, picture = read_image(probabilities, note=note), read_image(image, note=note)
    labels = list(found.metadata.get("slice_labels") or [])[: found.shape[2]]
    names = [str(n) if n else f"class {k + 1}" for k, n in enumerate(labels)]
    names += [f"class {k + 1}" for k in range(len(names), found.shape[2])]
    refined = refine_crf(found.array, picture, settings, class_names=names, progress=progress)
    ran = {k: v for k, v in settings.to_dict().items() if k.startswith("crf_")}
    info = refined_with(str(found.metadata.get("info") or ""), ran)
    return write_probabilities(target, refined, picture, names, info, existing=existing)
