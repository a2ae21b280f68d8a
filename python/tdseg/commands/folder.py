"""TDS Apply to Folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tdseg.batch.apply_files import apply_to_files
from tdseg.batch.outcome import FileOutcome
from tdseg.batch.report import Report
from tdseg.classifiers.model import load
from tdseg.commands.reply import Reply, TableResult
from tdseg.commands.request import Host, Request
from tdseg.errors import TdsegError
from tdseg.options.declare import keys_of
from tdseg.options.groups import ApplyJobOptions
from tdseg.runtime.files import check_source, user_path

if TYPE_CHECKING:
    from tdseg.images.image import Image

MOST_ROWS = 2000
"""A table of more is not shown: report.csv has all."""


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
    for sentence in summary(outcomes, folder):
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


def summary(outcomes: Sequence[FileOutcome], folder: Path) -> list[str]:
    """Say in a few sentences what became of a job."""
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
    images = f"{len(outcomes)} image{'s' if len(outcomes) != 1 else ''}"
    lines = [f"{images}: {'; '.join(parts)}. The report is '{folder / 'report.csv'}'."]
    kept = [outcome for outcome in outcomes if outcome.status == "kept"]
    if kept:
        more = f" (and {len(kept) - 1} more)" if len(kept) > 1 else ""
        lines.append(
            f"Kept: {kept[0].note}{more} existing=update makes such results anew, "
            "existing=overwrite all."
        )
    return lines


def _all_failed(failed: Sequence[FileOutcome]) -> str:
    return f"None of {len(failed)} images could be segmented; the first: {failed[0].error}"
