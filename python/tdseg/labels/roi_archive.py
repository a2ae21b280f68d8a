"""Write ROIs as a RoiSet ``.zip``."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

from tdseg.labels.roi_format import bounds_of, decode_roi
from tdseg.runtime.files import write_file


def write_roi_zip(path: Path, rois: Sequence[bytes], *, existing: str = "error") -> bool:
    """Write ROIs as a ``.zip`` that ROI Manager and roifile read, just as they are.

    Parameters
    ----------
    path
        The file; written under a temporary name, then renamed.
    rois
        Each in ImageJ's encoding.
    existing
        ``skip``, ``overwrite`` or ``error``, if the file is there.

    Returns
    -------
    bool
        Whether it was written: not if it was there and kept.

    Raises
    ------
    TdsegError
        If the file exists or cannot be written.
    """
    packed = io.BytesIO()
    taken: set[str] = set()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for data in rois:
            archive.writestr(_entry_name(data, taken), data)
    return write_file(Path(path), lambda part: part.write_bytes(packed.getvalue()), existing)


def _entry_name(data: bytes, taken: set[str]) -> str:
    """Return a file name for a ROI, unlike those before; the ROI itself keeps its own name."""
    stem = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", decode_roi(data).facts.name)
    if not stem:  # its centre, as ROI Manager names it
        top, left, bottom, right = bounds_of(data)
        centre = (top + bottom) // 2, (left + right) // 2
        stem = "-".join(f"{max(n, 0):04d}" for n in centre)
    candidate, number = stem, 1
    while candidate in taken:
        number += 1
        candidate = f"{stem}-{number}"
    taken.add(candidate)
    return candidate + ".roi"
