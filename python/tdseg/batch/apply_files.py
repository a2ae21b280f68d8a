"""Apply one classifier to many files; one bad file does not stop the rest."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tdseg.classifiers.model import Model
from tdseg.errors import Cancelled, TdsegError
from tdseg.images.image_files import (
    read_image,
    write_labels,
    write_probabilities,
    write_uncertainty,
)
from tdseg.images.planes import planes_of_slices
from tdseg.options.settings import Settings
from tdseg.runtime.files import check_target, make_folder
from tdseg.runtime.progress import Part, Progress, Silent
from tdseg.workflow.apply import apply

SUFFIXES: dict[str, tuple[str, ...]] = {
    "labels": ("-labels",),
    "probabilities": ("-probabilities",),
    "both": ("-labels", "-probabilities"),
    "uncertainty": ("-uncertainty",),
}


@dataclass(frozen=True)
class FileOutcome:
    """What became of one input.

    Attributes
    ----------
    source
        The input.
    written
        The files written; empty if skipped or failed.
    skipped
        Whether its results existed already.
    error
        One sentence, or "".
    seconds
        How long it took.
    """

    source: Path
    written: tuple[Path, ...] = ()
    skipped: bool = False
    error: str = ""
    seconds: float = 0.0


def planned_outputs(source: Path, folder: Path, output: str) -> list[Path]:
    """Return the files that a job writes for one input."""
    return [folder / f"{source.stem}{suffix}.tif" for suffix in SUFFIXES[output]]


def apply_to_files(
    model: Model,
    sources: Iterable[Path],
    folder: Path,
    *,
    output: str = "labels",
    existing: str = "skip",
    slices: str = "all",
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> list[FileOutcome]:
    """Segment files one after the other; results appear only when complete.

    Parameters
    ----------
    model
        Loaded once for all files.
    sources
        TIFF, PNG or JPEG files.
    folder
        Where ``<stem>-labels.tif``, ``<stem>-probabilities.tif``, ``<stem>-uncertainty.tif`` go;
        made if missing.
    output
        "labels", "probabilities", "both" of these, or "uncertainty".
    existing
        "skip" results that exist (of two, the missing one is written), "overwrite", or "error":
        that file fails.
    slices
        As the macro key; "current" is the first plane.
    settings
        Overrides, as for `tdseg.apply`.
    progress
        Hears of files and planes; may cancel between them.

    Returns
    -------
    list[FileOutcome]
        One per file, in their order.

    Raises
    ------
    TdsegError
        If the folder cannot be made, or two inputs would write the same file; nothing is written.
    """
    progress = progress or Silent()
    files = [Path(s) for s in sources]
    _check_distinct(files, folder, output)
    make_folder(folder)
    outcomes = []
    for number, source in enumerate(files):
        part = Part(progress, number / len(files), (number + 1) / len(files))
        started = time.monotonic()
        try:
            outcome = _one(model, source, folder, output, existing, slices, settings, part)
        except Cancelled:
            raise
        except TdsegError as error:
            outcome = FileOutcome(source, error=str(error))
        except Exception as error:  # one bad file must not stop the rest
            outcome = FileOutcome(source, error=f"File '{source}': {type(error).__name__}: {error}")
        seconds = round(time.monotonic() - started, 2)
        outcomes.append(
            FileOutcome(outcome.source, outcome.written, outcome.skipped, outcome.error, seconds)
        )
    return outcomes


def _one(
    model: Model,
    source: Path,
    folder: Path,
    output: str,
    existing: str,
    slices: str,
    settings: Settings | None,
    progress: Progress,
) -> FileOutcome:
    missing = [p for p in planned_outputs(source, folder, output) if check_target(p, existing)]
    if not missing:
        return FileOutcome(source, skipped=True)
    image = read_image(source, note=progress.note)
    result = apply(
        model,
        image,
        probabilities=any(_holds(path, "probabilities") for path in missing),
        uncertainty=output == "uncertainty",
        planes=planes_of_slices(image, slices),
        settings=settings,
        progress=progress,
    )
    written = []
    for path in missing:
        if _holds(path, "uncertainty"):
            assert result.uncertainty is not None
            doubt = result.uncertainty
            wrote = write_uncertainty(path, doubt, image, result.info, existing=existing)
        elif not _holds(path, "probabilities"):
            wrote = write_labels(path, result.labels, image, result.info, existing=existing)
        else:
            assert result.probabilities is not None
            wrote = write_probabilities(
                path,
                result.probabilities,
                image,
                result.class_names,
                result.info,
                existing=existing,
            )
        if wrote:  # else another job was faster
            written.append(path)
    return FileOutcome(source, tuple(written), skipped=not written)


def _holds(path: Path, kind: str) -> bool:
    return path.name.endswith(f"-{kind}.tif")


def _check_distinct(files: Sequence[Path], folder: Path, output: str) -> None:
    seen: dict[Path, Path] = {}
    for source in files:
        for path in planned_outputs(source, folder, output):
            if path in seen and seen[path] != source:
                raise TdsegError(
                    f"Files '{seen[path]}' and '{source}' would both write '{path}'; apply them "
                    "into different output folders."
                )
            seen[path] = source
    refuse_to_overwrite(files, seen)


def refuse_to_overwrite(sources: Iterable[Path], planned: Iterable[Path]) -> None:
    """Raise if a result would take the place of one of the inputs."""
    inputs = {_real(source) for source in sources}
    for path in planned:
        if _real(path) in inputs:
            raise TdsegError(f"Input '{path}' would be overwritten; choose another output folder.")


def _real(path: Path) -> str:
    try:
        return os.path.realpath(path)
    except ValueError:  # no name that a file can have; said when the file is read
        return str(path)
