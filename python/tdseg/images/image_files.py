"""Images in files, without Java: read TIFF, PNG and JPEG, write TIFF that ImageJ opens."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from imagecodecs import DelayedImportError

from tdseg.errors import TdsegError
from tdseg.images.image import Image
from tdseg.images.picture_reading import PNG_START, read_picture
from tdseg.images.planes import slice_labels
from tdseg.images.pnm_reading import is_pnm, read_pnm
from tdseg.images.tiff_reading import read_tiff
from tdseg.images.tiff_writing import write_stack
from tdseg.images.zarr_metadata import is_zarr
from tdseg.images.zarr_reading import read_zarr
from tdseg.labels.colours import glasbey
from tdseg.runtime.files import check_source, is_folder, write_file

_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PICTURE_STARTS = (PNG_START, b"\xff\xd8\xff", b"BM", b"GIF8", b"RIFF")

_SIGNS_OF_A_CUT = ("invalid value offset", "invalid page offset", "corrupted tag list")  # tifffile


def read_image(path: str | Path, *, note: Callable[[str], None] | None = None) -> Image:
    """Read an image file: TIFF of any kind, OME-Zarr (a folder), PNG, JPEG, BMP, GIF, PNM.

    ImageJ's calibration, channels, slices and frames are kept; pixels are those that ImageJ opens
    (``docs/images.md`` has the rules).

    Parameters
    ----------
    path
        The file.
    note
        Hears a sentence for each thing in the file that is not read; ``Image.notes`` has them too.

    Returns
    -------
    Image
        Named after the file.

    Raises
    ------
    TdsegError
        If the file is missing, no regular file, empty, cut short, or not an image that can be
        read.
    """
    if not isinstance(path, str | PathLike):
        kind = type(path).__name__
        raise TdsegError(f"tdseg.read_image takes the path of a file, not a {kind}.")
    path = check_image(path)
    if is_folder(path):
        return _with_notes(read_zarr(path), note)
    start = _first_bytes(path)
    if not start:
        raise TdsegError(f"File '{path}' is empty; save it again.")
    is_tiff = start.startswith(_TIFF_STARTS)
    if not is_tiff and not is_pnm(start) and not start.startswith(_PICTURE_STARTS):
        raise TdsegError(f"File '{path}' {_what_it_is(start)}")
    said: list[str] = []
    try:
        with _heard("tifffile", said):
            read = read_tiff if is_tiff else read_pnm if is_pnm(start) else read_picture
            image = read(path)
    except TdsegError:
        raise
    except MemoryError:
        raise TdsegError(f"File '{path}' does not fit into memory; cut it into parts.") from None
    except Exception as error:  # decoders raise whatever a damaged file provokes
        raise TdsegError(f"File '{path}' cannot be read: {_reason(error, said)}") from error
    if any(sign in sentence for sign in _SIGNS_OF_A_CUT for sentence in said):
        raise TdsegError(
            f"File '{path}' is cut short: part of its header is missing; copy it again."
        )
    if said:
        quoted = tuple(f"File '{path.name}': {sentence}" for sentence in said)
        notes = (*image.notes, *quoted)
        image = replace(image, metadata={**image.metadata, "notes": notes})
    return _with_notes(image, note)


def check_image(path: str | Path) -> Path:
    """Return the path of a file that can be read, or of a folder that is an OME-Zarr.

    Raises
    ------
    TdsegError
        If it is neither.
    """
    path = Path(path)
    if is_folder(path) and is_zarr(path):
        return path
    return check_source(path, "image file")


def _with_notes(image: Image, note: Callable[[str], None] | None) -> Image:
    if note is not None:
        for sentence in image.notes:
            note(sentence)
    return image


def _first_bytes(path: Path) -> bytes:
    """Return the first 64 bytes of a regular file."""
    try:
        with path.open("rb") as stream:
            return stream.read(64)
    except OSError as error:
        raise TdsegError(
            f"File '{path}' cannot be read: {error.strerror}; copy it again."
        ) from None


def _what_it_is(start: bytes) -> str:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<script")):
        return "is a web page, not an image; download the image itself."
    if text.startswith(b"version https://git-lfs"):
        return "is a pointer of Git LFS, not an image; fetch it with 'git lfs pull'."
    return (
        "is not a TIFF, PNG, JPEG, BMP or GIF; open it in Fiji with File > Import > Bio-Formats "
        "and save it as TIFF, if it is an image."
    )


def _reason(error: Exception, said: Sequence[str]) -> str:
    """Return why a decoder failed, and the way out, in one line."""
    text = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
    if isinstance(error, DelayedImportError | NotImplementedError) or "imagecodecs" in text:
        return (
            f"the installed package imagecodecs does not decode it ({text}); update it with 'pip "
            "install -U imagecodecs', or save the image uncompressed where it was made."
        )
    if isinstance(error, OSError) and error.errno is not None:
        return f"{error.strerror}; check the disk, or copy the file again."
    first = f"{said[0].rstrip('.')}; " if said and said[0] not in text else ""
    return f"it is damaged ({first}{text}); copy it again, or save it again where it was made."


@contextmanager
def _heard(name: str, said: list[str]) -> Iterator[None]:
    """Collect what a library logs on this thread, instead of letting it print."""
    log, thread = logging.getLogger(name), threading.get_ident()

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = " ".join(record.getMessage().split())[:200]
            if threading.get_ident() == thread and text not in said:
                said.append(text)

    ear = Ear(logging.WARNING)
    log.addHandler(ear)
    try:
        yield
    finally:
        log.removeHandler(ear)


def write_labels(
    path: Path,
    labels: npt.NDArray[np.unsignedinteger],
    image: Image,
    info: Mapping[str, Any] | None = None,
    *,
    existing: str = "error",
) -> bool:
    """Write a label image as TIFF, each value in the colour of its ROI group.

    Parameters
    ----------
    path
        The file; it appears only when complete.
    labels
        (T, Z, Y, X), uint8 or uint16; 0 is unlabelled.
    image
        What was segmented: gives the calibration and, where all of it was, its slice labels.
    info
        Goes to the image's info, a line ``key: value`` each.
    existing
        "error", "overwrite" or "skip", if the file is there.

    Returns
    -------
    bool
        Whether it was written; False if it was there and kept.

    Raises
    ------
    TdsegError
        If the file is there under "error", or cannot be written.
    """
    names = slice_labels(image) if labels.shape[:2] == image.shape[:2] else []
    if labels.dtype not in (np.uint8, np.uint16):
        labels = labels.astype(np.uint8 if labels.max(initial=0) <= 255 else np.uint16)
    planes = labels[:, :, np.newaxis]
    return write_file(
        Path(path),
        lambda part: write_stack(
            part,
            planes,
            image.calibration,
            info=info,
            names=names,
            colours=glasbey(),
            ranges=[(0, 255)],
        ),
        existing,
    )


def write_probabilities(
    path: Path,
    probabilities: npt.NDArray[np.float32],
    image: Image,
    class_names: Sequence[str],
    info: Mapping[str, Any] | None = None,
    *,
    existing: str = "error",
) -> bool:
    """Write probabilities as a 32-bit hyperstack, one channel per class, shown from 0 to 1.

    Parameters
    ----------
    path, image, info, existing
        As for `write_labels`.
    probabilities
        (T, Z, C, Y, X), float32.
    class_names
        C names, for the slice labels.

    Returns
    -------
    bool
        Whether it was written.

    Raises
    ------
    TdsegError
        As for `write_labels`.
    """
    planes = probabilities.astype(np.float32, copy=False)
    ranges = [(0.0, 1.0)] * planes.shape[2]
    return write_file(
        Path(path),
        lambda part: write_stack(
            part, planes, image.calibration, info=info, names=class_names, ranges=ranges
        ),
        existing,
    )


def write_uncertainty(
    path: Path,
    uncertainty: npt.NDArray[np.float32],
    image: Image,
    info: Mapping[str, Any] | None = None,
    *,
    existing: str = "error",
) -> bool:
    """Write the uncertainty as a 32-bit image of one channel, shown from 0 to 1.

    Parameters
    ----------
    path, image, info, existing
        As for `write_labels`.
    uncertainty
        (T, Z, Y, X), float32.

    Returns
    -------
    bool
        Whether it was written.

    Raises
    ------
    TdsegError
        As for `write_labels`.
    """
    planes = uncertainty[:, :, np.newaxis]
    return write_probabilities(path, planes, image, ["uncertainty"], info, existing=existing)


def write_features(
    path: Path,
    array: npt.NDArray[np.float32],
    image: Image,
    names: Sequence[str],
    info: Mapping[str, Any] | None = None,
    *,
    existing: str = "error",
) -> bool:
    """Write features as a 32-bit stack, one slice per feature.

    Of an image with several slices or frames: a hyperstack, one channel per feature.

    Parameters
    ----------
    path, image, info, existing
        As for `write_labels`.
    array
        (T, Z, F, Y, X) or, of one plane, (F, Y, X), float32.
    names
        F names, for the slice labels.

    Returns
    -------
    bool
        Whether it was written.

    Raises
    ------
    TdsegError
        As for `write_labels`.
    """
    planes = array.astype(np.float32, copy=False)
    if planes.ndim == 3:
        planes = planes[np.newaxis, np.newaxis]
    ranges = [(float(f.min()), float(f.max())) for f in planes[0, 0]]
    if planes.shape[:2] == (1, 1):
        planes, ranges = planes.swapaxes(1, 2), ranges[:1]
    return write_file(
        Path(path),
        lambda part: write_stack(
            part, planes, image.calibration, info=info, names=names, ranges=ranges
        ),
        existing,
    )
