"""Save an overlay's labels as a RoiSet and load them again."""

from __future__ import annotations

import io
import os
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tdseg.errors import TdsegError
from tdseg.imagej.java import jc, to_java, to_numpy
from tdseg.runtime.files import write_file


def save_labels(imp: Any, path: str | Path, *, existing: str = "error") -> int:
    """Save all ROIs of an overlay as a ``.zip`` that ROI Manager and roifile read.

    Names, groups, colours and positions are kept.

    Parameters
    ----------
    imp
        An ``ij.ImagePlus``.
    path
        The file; written under a temporary name, then renamed.
    existing
        ``skip``, ``overwrite`` or ``error``, if the file is there.

    Returns
    -------
    int
        Number of ROIs written, 0 if the file was there and kept.

    Raises
    ------
    TdsegError
        If the overlay is empty, or the file exists or cannot be written.
    """
    overlay = imp.getOverlay()
    if overlay is None or overlay.size() == 0:
        raise TdsegError(f"Image '{imp.getTitle()}' has no overlay to save; add labels first.")
    rois = [overlay.get(i) for i in range(overlay.size())]
    packed = io.BytesIO()
    taken: set[str] = set()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for roi in rois:
            data = jc.RoiEncoder.saveAsByteArray(roi)
            archive.writestr(_entry_name(roi, taken), to_numpy(data).tobytes())
    wrote = write_file(Path(path), lambda part: part.write_bytes(packed.getvalue()), existing)
    return len(rois) if wrote else 0


def load_labels(imp: Any, path: str | Path, *, replace: bool = False) -> int:
    """Add the ROIs of a file to an image's overlay.

    Parameters
    ----------
    imp
        An ``ij.ImagePlus``.
    path
        A ``.roi`` or ``.zip`` file, or a TIFF with an overlay.
    replace
        Drop the overlay's ROIs first.

    Returns
    -------
    int
        Number of ROIs added.

    Raises
    ------
    TdsegError
        If the file is missing or holds no ROI.
    """
    rois = read_rois(Path(path))
    overlay = imp.getOverlay()
    if overlay is None or replace:
        overlay = jc.Overlay()
    for roi in rois:
        overlay.add(roi)
    imp.setOverlay(overlay)
    return len(rois)


def read_rois(path: Path) -> list[Any]:
    """Read the ROIs of a ``.roi`` or ``.zip`` file, or of a TIFF's overlay, with ImageJ.

    Raises
    ------
    TdsegError
        If the file is missing, of another kind, damaged, or holds no ROI.
    """
    if not path.is_file():
        raise TdsegError(f"There is no label file '{path}'; check the path.")
    suffix = path.suffix.lower()
    try:
        if suffix == ".zip":
            rois = _read_zip(path)
        elif suffix == ".roi":
            rois = [_decode(path.read_bytes(), path.stem)]
        elif suffix in (".tif", ".tiff"):
            rois = _read_tiff(path)
        else:
            raise TdsegError(
                f"Label file '{path}' is not a .roi, .zip or TIFF; save it as one of these."
            )
    except (OSError, zipfile.BadZipFile) as error:
        raise TdsegError(f"Label file '{path}' cannot be read: {error}.") from None
    if not rois or any(roi is None for roi in rois):
        raise TdsegError(f"Label file '{path}' holds no ROI, or a damaged one; save it again.")
    return rois


def _read_zip(path: Path) -> list[Any]:
    with zipfile.ZipFile(path) as archive:
        names = [n for n in archive.namelist() if n.lower().endswith(".roi")]
        return [_decode(archive.read(n), Path(n).stem) for n in names]


def _decode(data: bytes, name: str) -> Any:
    if not data.startswith(b"Iout"):
        return None
    decoder = jc.RoiDecoder(to_java(np.frombuffer(data, np.uint8)), name)
    return decoder.getRoi()


def _read_tiff(path: Path) -> list[Any]:
    imp = jc.IJ.openImage(os.fspath(path))
    overlay = None if imp is None else imp.getOverlay()
    if overlay is None:
        raise TdsegError(f"TIFF '{path}' has no overlay; use labels=image for a label image.")
    return [overlay.get(i) for i in range(overlay.size())]


def _entry_name(roi: Any, taken: set[str]) -> str:
    """Return a file name for a ROI, unlike those before; the ROI itself keeps its own name."""
    stem = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", str(roi.getName() or ""))
    if not stem:  # its centre, as ROI Manager names it
        bounds = roi.getBounds()
        centre = bounds.y + bounds.height // 2, bounds.x + bounds.width // 2
        stem = "-".join(f"{max(int(n), 0):04d}" for n in centre)
    candidate, number = stem, 1
    while candidate in taken:
        number += 1
        candidate = f"{stem}-{number}"
    taken.add(candidate)
    return candidate + ".roi"
