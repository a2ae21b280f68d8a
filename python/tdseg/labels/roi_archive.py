"""Files of ROIs as bytes: ``.roi``, RoiSet ``.zip``, the overlay in a TIFF; in and out."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import tifffile
from roifile import ImagejRoi

from tdseg.errors import TdsegError
from tdseg.runtime.files import check_source, write_file


def read_roi_bytes(path: Path) -> tuple[list[tuple[str, bytes]], int]:
    """Read the ROIs of a file in ImageJ's encoding, and how many channels its image has.

    Parameters
    ----------
    path
        A ``.roi`` or ``.zip`` file, or a TIFF whose overlay (without one, whose selection) counts.

    Returns
    -------
    list of (str, bytes)
        The name that a ROI without one of its own goes by, and the ROI; not decoded yet.
    int
        Channels of the TIFF's image, else 1.

    Raises
    ------
    TdsegError
        If the file is missing, of another kind, damaged, or holds no ROI.
    """
    check_source(path, "label file")
    suffix, channels = path.suffix.lower(), 1
    try:
        if suffix == ".roi":
            found = [(path.stem, path.read_bytes())]
        elif suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                names = [n for n in archive.namelist() if n.lower().endswith(".roi")]
                found = [(PurePosixPath(n).stem, archive.read(n)) for n in names]
        elif suffix in (".tif", ".tiff"):
            found, channels = _from_tiff(path)
        else:
            raise TdsegError(
                f"Label file '{path}' is not a .roi, .zip or TIFF; save it as one of these."
            )
    except TdsegError:
        raise
    except PermissionError:
        raise TdsegError(f"File '{path}' may not be read; change its permissions.") from None
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise TdsegError(
            f"Label file '{path}' cannot be read ({reason}); save it again from ImageJ."
        ) from error
    foreign = [name for name, data in found if not data.startswith(b"Iout")]
    if foreign:
        raise TdsegError(
            f"Label file '{path}' cannot be read ('{foreign[0]}' is not an ImageJ ROI); save it "
            "again from ImageJ."
        )
    if not found:
        raise TdsegError(f"Label file '{path}' holds no ROI; save it again from ImageJ.")
    return found, channels


def _from_tiff(path: Path) -> tuple[list[tuple[str, bytes]], int]:
    with tifffile.TiffFile(path) as tif:
        metadata = tif.imagej_metadata or {} if tif.is_imagej else {}
    overlay = metadata.get("Overlays") or metadata.get("ROI") or []
    if isinstance(overlay, bytes):
        overlay = [overlay]
    if not overlay:
        raise TdsegError(
            f"TIFF '{path}' has no overlay; save it from ImageJ with its overlay, or use "
            "labels=image for a label image."
        )
    return [("", data) for data in overlay], int(metadata.get("channels", 1))


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
            archive.writestr(_entry_name(ImagejRoi.frombytes(data), taken), data)
    return write_file(Path(path), lambda part: part.write_bytes(packed.getvalue()), existing)


def _entry_name(roi: ImagejRoi, taken: set[str]) -> str:
    """Return a file name for a ROI, unlike those before; the ROI itself keeps its own name."""
    stem = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", roi.name or "")
    if not stem:  # its centre, as ROI Manager names it
        centre = (roi.top + roi.bottom) // 2, (roi.left + roi.right) // 2
        stem = "-".join(f"{max(n, 0):04d}" for n in centre)
    candidate, number = stem, 1
    while candidate in taken:
        number += 1
        candidate = f"{stem}-{number}"
    taken.add(candidate)
    return candidate + ".roi"
