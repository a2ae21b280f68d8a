"""What a file says of how it was made: a classifier, a result, labels."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tdseg.classifiers.model import load
from tdseg.classifiers.provenance import CLASSIFIER, VERSION, lines_of
from tdseg.classifiers.storage import HEADER_NAME, read_archive
from tdseg.errors import TdsegError
from tdseg.images.written_info import read_info
from tdseg.labels.roi_bytes import describe_error, kind_of_file, read_checked_rois
from tdseg.runtime.files import check_source, is_folder

Rows = list[tuple[str, str]]


def file_info(path: str | Path, note: Callable[[str], None] = lambda text: None) -> Rows:
    """Return what a file says of how it was made.

    Nothing is computed, no pixel is read, and no code of the file is run.

    Parameters
    ----------
    path
        A classifier (``.tdseg``), a result (TIFF or OME-Zarr), or labels (``.zip``, ``.roi``).
    note
        Hears what is damaged beside good ROIs.

    Returns
    -------
    list of tuple of str
        Names and values, to be read by people; the first is ``kind``.

    Raises
    ------
    TdsegError
        If it is missing, damaged, or carries nothing of tdseg.
    """
    if is_folder(path):
        return _result(Path(path))
    path = check_source(path)
    if path.suffix.lower() == ".tdseg":
        return _classifier(path)
    kind = kind_of_file(path)
    if kind == "zip" and _is_classifier(path):
        return _classifier(path)
    if kind in ("zip", "roi"):
        return _labels(path, note)
    if kind == "tiff":
        return _result(path)
    raise TdsegError(
        f"File '{path}' is no classifier, result, RoiSet or ROI; tdseg keeps nothing in others."
    )


def _is_classifier(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return HEADER_NAME in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def _classifier(path: Path) -> Rows:
    model = load(path)
    versions = read_archive(path)[0].get("versions")
    versions = dict(versions) if isinstance(versions, Mapping) else {}
    lines = model.info()
    # It was made by the version that saved it, whichever reads it now.
    lines[VERSION] = str(versions.pop("tdseg", "unknown"))
    lines["tdseg.classes"] = ", ".join(
        f"{value}={name}" for value, name in zip(model.class_values, model.class_names, strict=True)
    )
    channels = "RGB colour" if model.rgb else f"{len(model.channels)} channels"
    if not model.rgb and len(model.channels) == 1:
        channels = "one grey channel"
    rows = [
        ("kind", "classifier"),
        *_plain(lines),
        ("trained on", f"{channels}, {model.dtype}"),
        *((f"training: {name.replace('_', ' ')}", _text(v)) for name, v in model.summary.items()),
    ]
    if model.report is not None:
        for row in model.report.rows():
            name = row.pop("Class")
            figures = (f"{key} {_text(value)}" for key, value in row.items() if value != "")
            rows.append((f"held out: {name}", ", ".join(figures)))
    return rows + [(f"made with {name}", str(value)) for name, value in versions.items()]


def _result(path: Path) -> Rows:
    try:
        info = read_info(path)
    except TdsegError:
        raise
    except Exception as error:  # tifffile raises whatever a damaged file provokes
        raise TdsegError(
            f"File '{path}' is damaged ({describe_error(error)}); copy it again."
        ) from None
    lines = lines_of(info)
    if not lines:
        raise TdsegError(
            f"Image '{path}' carries nothing of tdseg: it is no result, or was saved by a program "
            "that drops ImageJ's info."
        )
    job = lines.pop("tdseg.job", "")
    return [("kind", "result"), *_plain(lines), *_job_rows(job)]


_FIRST = (VERSION, CLASSIFIER, "tdseg.classes", "tdseg.weights", "tdseg.upsampler")
_WORDS = {CLASSIFIER: "classifier hash", "tdseg.macro": "macro line"}


def _plain(lines: Mapping[str, str]) -> Rows:
    """Return lines of an info with the provenance first, keys as users write them."""
    names = dict.fromkeys([key for key in (*_FIRST, *lines) if lines.get(key)])
    return [(_WORDS.get(key, key.removeprefix("tdseg.")), lines[key]) for key in names]


def _job_rows(text: str) -> Rows:
    """Return what a folder job says of the image; what is garbled is left as it is."""
    if not text:
        return []
    try:
        job: Any = json.loads(text)
        source = dict(job["source"])
        rows = [
            ("made from", f"{source['name']}, {source['bytes']} bytes"),
            ("made from, SHA-256", str(source["sha256"])),
            ("slices", str(job["settings"]["slices"])),
        ]
    except (ValueError, KeyError, TypeError):
        return [("job", text)]
    return rows


def _labels(path: Path, note: Callable[[str], None]) -> Rows:
    rois = read_checked_rois(path, note)
    groups = Counter(roi.decoded.facts.group for roi in rois)
    told = ", ".join(
        f"{count} of group {group}" if group else f"{count} without a group"
        for group, count in sorted(groups.items())
    )
    return [("kind", "labels"), ("ROIs", f"{len(rois)}: {told}")]


def _text(value: Any) -> str:
    """Return a value of a summary in words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{_text(v)} {k}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_text(v) for v in value)
    if value is None:
        return "unknown"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
