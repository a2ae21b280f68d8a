"""TDS Train from Folder and TDS Apply to Folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tdseg.batch.apply_files import apply_to_files
from tdseg.batch.outcome import FileOutcome
from tdseg.batch.report import Report
from tdseg.batch.train_files import pixel_rows, train_from_files
from tdseg.classifiers.model import load
from tdseg.commands.classifier import training_summary
from tdseg.commands.label_source import canvas_of
from tdseg.commands.reply import Reply, TableResult
from tdseg.commands.request import Host, Request
from tdseg.errors import TdsegError
from tdseg.labels.colours import glasbey
from tdseg.labels.roi_classes import hex_values
from tdseg.labels.roi_files import labels_from_rois, read_roi
from tdseg.labels.roi_rules import Rules
from tdseg.options.declare import keys_of
from tdseg.options.groups import ApplyJobOptions, TrainJobOptions
from tdseg.runtime.files import check_source, user_path
from tdseg.workflow.session import Example

if TYPE_CHECKING:
    from tdseg.images.image import Image
    from tdseg.labels.sparse_labels import SparseLabels

ROI_RULES = ("class_from", "unpositioned", "overlap")
"""Keys that say how ROIs become labels."""

MOST_ROWS = 2000
"""A table of more is not shown: report.csv has all."""


def train_from_folder(request: Request) -> Reply:
    """Train on the labelled images of a folder; the classifier becomes the current one."""
    options: Any = request.options
    session, job = request.session, TrainJobOptions.of(options)
    names = session.given_classes()
    if job.labels != "image" and options.class_from == "group":
        names = {**request.host.group_names(), **names}
    rules = {name: getattr(options, name) for name in ROI_RULES}
    note = request.progress.note
    model, files = train_from_files(
        [user_path(request.required("input"))],
        labels=job.labels,
        pattern=job.pattern,
        filter=job.filter,
        recursive=job.recursive,
        classes=names,
        values={**request.settings().to_dict(), **rules},
        progress=request.progress,
        read=reader_of(job.reader, request.host),
        read_overlay=overlay_reader_of(job.reader, request.host, names, rules, note),
    )
    session.adopt(model, [Example(str(f.source.path), f.image, f.labels) for f in files])
    request.progress.note(f"{counted_images(len(files))} with labels. {training_summary(model)}")
    tables = [TableResult("TDS Labelled Pixels", pixel_rows(files))]
    if model.report is not None:
        tables.append(TableResult("TDS Held-out Quality", model.report.rows()))
    return Reply(request.resolved(model.settings), tables=tables)


def apply_to_folder(request: Request) -> Reply:
    """Segment the images of a folder with the current classifier."""
    options: Any = request.options
    inputs = user_path(request.required("input"))
    folder = user_path(request.required("output_folder"))
    model = (
        load(request.existing_path(".tdseg", "model"))
        if options.model is not None
        else request.session.current_model()
    )
    job = ApplyJobOptions.of(options)
    settings = model.settings.with_(**request.overrides)
    outcomes = apply_to_files(
        model,
        [inputs],
        folder,
        slices=options.slices,
        settings=settings,
        progress=request.progress,
        read=reader_of(options.reader, request.host),
        **job.to_dict(),
    )
    failed = [outcome for outcome in outcomes if outcome.error]
    if outcomes and len(failed) == len(outcomes):
        raise TdsegError(failed[0].error if len(failed) == 1 else _all_failed(failed))
    for outcome in failed:
        request.progress.note(outcome.error)
    for sentence in summary(outcomes, folder, job.part):
        request.progress.note(sentence)
    values = [v + settings.first_label - 1 for v in model.class_values]
    report = Report(folder, model.class_names, values, job.particles, bool(job.truth))
    tables = []
    if len(outcomes) <= MOST_ROWS:
        tables = [TableResult("TDS Folder Report", report.rows(outcomes))]
    given = {key.name for key in keys_of(type(options))}
    kept = {k: v for k, v in request.given.items() if k in given or k in request.overrides}
    return Reply(
        {**{k: v for k, v in options.to_dict().items() if v not in (None, "")}, **kept},
        tables=tables,
    )


def reader_of(reader: str, host: Host) -> Callable[[Path], Image] | None:
    """Return what reads image files: None for tdseg itself."""
    if reader != "imagej":
        return None

    def read(path: Path) -> Image:
        found = host.open_file(check_source(path, "image file"))
        if found is None:
            raise TdsegError(f"File '{path}' cannot be opened by ImageJ.")
        return found.read()

    return read


def overlay_reader_of(
    reader: str,
    host: Host,
    names: Mapping[int, str],
    rules: Mapping[str, str],
    note: Callable[[str], None],
) -> Callable[[Path], SparseLabels] | None:
    """Return what reads the labels in the overlays of files: None for tdseg itself.

    ImageJ draws splines and curves, which tdseg refuses in files.
    """
    if reader != "imagej":
        return None
    colours = hex_values(glasbey()) if rules.get("class_from") == "color" else {}

    def read(path: Path) -> SparseLabels:
        found = host.open_file(path)
        if found is None:
            raise TdsegError(f"File '{path}' cannot be opened by ImageJ.")
        rois = [read_roi(data) for data in found.rois("overlay")]
        if not rois:
            raise TdsegError(
                f"Image '{found.title}' has no overlay; save it with its ROIs as TIFF.",
                hint="label",
            )
        kept = Rules(**rules, class_names=names, colours=colours)
        labels = labels_from_rois(rois, canvas_of(found), kept, note, f"file '{path}'")
        return replace(labels, class_names={**labels.class_names, **names})

    return read


def summary(outcomes: Sequence[FileOutcome], folder: Path, part: str = "") -> list[str]:
    """Say in a few sentences what became of a job, or of a part of one such as ``2/8``."""
    counts = {status: 0 for status in ("written", "skipped", "kept", "failed")}
    for outcome in outcomes:
        counts[outcome.status] += 1
    words = {
        "written": "segmented",
        "skipped": "skipped, their results exist",
        "kept": "kept",
        "failed": "failed",
    }
    parts = [f"{counts[status]} {word}" for status, word in words.items() if counts[status]]
    images = counted_images(len(outcomes))
    where = "" if part else f" The report is '{folder / 'report.csv'}'."
    lines = [f"{images}{': ' if parts else ''}{'; '.join(parts)}.{where}"]
    kept = [outcome for outcome in outcomes if outcome.status == "kept"]
    if kept:
        more = f" (and {len(kept) - 1} more)" if len(kept) > 1 else ""
        lines.append(
            f"Kept: {kept[0].note}{more} existing=update makes such results anew, "
            "existing=overwrite all."
        )
    return lines


def counted_images(count: int) -> str:
    """Return ``1 image`` or ``12 images``."""
    return f"{count} image{'s' if count != 1 else ''}"


def _all_failed(failed: Sequence[FileOutcome]) -> str:
    return f"None of {len(failed)} images could be segmented; the first: {failed[0].error}"
