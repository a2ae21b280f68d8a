"""The bytes of each ROI in a ``.roi`` file, a RoiSet ``.zip`` or a TIFF's overlay.

Both readers, ImageJ's and the one without Java, get their bytes here, so that both take the same
ROIs of a file and refuse the same ones.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import tifffile

from tdseg.errors import TdsegError
from tdseg.labels.roi_format import DamagedRoiError, DecodedRoi, decode_roi
from tdseg.labels.roi_shape import RoiGeometryError, check_finite
from tdseg.runtime.files import check_source

MEMBER_LIMIT = 64 * 2**20
"""A ROI of more bytes is refused: five million points take fewer."""

FILE_LIMIT = 512 * 2**20
"""So is a file whose ROIs are larger together."""

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_METHOD_NAMES = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 93: "Zstandard", 95: "xz"}
_PIECE = 2**20
_LISTED = 5


@dataclass(frozen=True)
class RoiBytes:
    """A ROI of a file.

    Attributes
    ----------
    data
        In ImageJ's format; it was decoded without complaint.
    name
        Its name if there is none in `data`.
    decoded
        What is in it.
    """

    data: bytes
    name: str
    decoded: DecodedRoi


@dataclass(frozen=True)
class RoiSet:
    """The ROIs of a file, and how many channels its image has (1 if it has no image)."""

    rois: tuple[RoiBytes, ...]
    channels: int = 1


class _UnreadableError(ValueError):
    """Why a member of an archive cannot be read, as the end of a sentence with its name."""


def kind_of_file(path: Path) -> str:
    """Return ``roi``, ``zip``, ``tiff`` or, for anything else, ``other``: by content.

    Raises
    ------
    TdsegError
        If it is missing, a folder, not a regular file, empty, or may not be read.
    """
    check_source(path, "label file")
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
    except OSError as error:
        raise _not_read(path, error) from None
    if not start:
        raise TdsegError(f"Label file '{path}' is empty; save it again.")
    if start == b"Iout":
        return "roi"
    if start[:2] == b"PK":
        return "zip"
    return "tiff" if start in TIFF_STARTS else "other"


def read_roi_set(path: Path, note: Callable[[str], None]) -> RoiSet:
    """Read the ROIs of a file; what is damaged beside good ones is left out with a note.

    Parameters
    ----------
    path
        A ``.roi``, a ``.zip`` or a TIFF, told apart by their content.
    note
        Receives a line that names what was left out.

    Returns
    -------
    RoiSet
        The ROIs that could be read.

    Raises
    ------
    TdsegError
        If the file is missing, of another kind, damaged, or holds no ROI.
    """
    kind = kind_of_file(path)
    if kind == "other":
        if path.suffix.lower() in (".roi", ".zip"):
            what = "ImageJ ROI" if path.suffix.lower() == ".roi" else "zip archive"
            raise TdsegError(
                f"Label file '{path}' cannot be read: it is no {what}; save it again from ImageJ."
            )
        raise TdsegError(
            f"Label file '{path}' is not a .roi, .zip or TIFF; save it as one of these."
        )
    try:
        if kind == "roi":
            if path.stat().st_size > MEMBER_LIMIT:
                raise TdsegError(f"Label file '{path}' is too large for a ROI; save it again.")
            return RoiSet(_decoded(path, [(path.name, path.stem, path.read_bytes())], note))
        if kind == "zip":
            return RoiSet(_from_zip(path, note))
        return _from_tiff(path, note)
    except OSError as error:
        raise _not_read(path, error) from None


def read_checked_rois(path: Path, note: Callable[[str], None]) -> tuple[RoiBytes, ...]:
    """Read the ROIs of a file for ImageJ itself, which may loop for ever over mad coordinates.

    Raises
    ------
    TdsegError
        As `read_roi_set`, and if coordinates are not finite; the message names the ROI.
    """
    found = read_roi_set(path, note).rois
    for number, roi in enumerate(found, start=1):
        try:
            check_finite(roi.decoded.shape)
        except RoiGeometryError as error:
            name = roi.decoded.facts.name
            label = f"ROI '{name}'" if name else f"ROI number {number}"
            raise TdsegError(f"Label file '{path}': {label} {error}.") from None
    return found


def describe_error(error: BaseException) -> str:
    """Return an error's text on one line, shortened."""
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__


def _not_read(path: Path, error: OSError) -> TdsegError:
    if isinstance(error, PermissionError):
        return TdsegError(f"File '{path}' may not be read; change its permissions.")
    reason = error.strerror or describe_error(error)
    return TdsegError(f"Label file '{path}' cannot be read ({reason}); check the path.")


def _decoded(
    path: Path,
    members: Sequence[tuple[str, str, bytes | _UnreadableError]],
    note: Callable[[str], None],
) -> tuple[RoiBytes, ...]:
    """Decode members (label, name, bytes); one that is bad beside good ones costs a note."""
    good: list[RoiBytes] = []
    bad: list[str] = []
    for label, name, data in members:
        try:
            if isinstance(data, _UnreadableError):
                raise data
            good.append(RoiBytes(data, name, decode_roi(data, name)))
        except (DamagedRoiError, _UnreadableError) as error:
            bad.append(f"'{label}' {error}")
    if bad and not good:
        if bad[0].startswith(f"'{path.name}' "):
            raise TdsegError(
                f"Label file '{path}'{bad[0].removeprefix(repr(path.name))}; save it again from "
                "ImageJ."
            )
        raise TdsegError(
            f"Label file '{path}' holds no ROI that can be read: {bad[0]}; save it again from "
            "ImageJ, unencrypted."
        )
    if bad:
        listing = ", ".join(bad[:_LISTED]) + (", ..." if len(bad) > _LISTED else "")
        note(
            f"Label file '{path}': {len(bad)} of {len(members)} ROIs were left out ({listing}); "
            f"the other {len(good)} are used."
        )
    return tuple(good)


def _from_zip(path: Path, note: Callable[[str], None]) -> tuple[RoiBytes, ...]:
    try:
        archive = zipfile.ZipFile(path)
    except PermissionError:
        raise
    except Exception as error:  # zipfile raises whatever a damaged directory provokes
        raise TdsegError(
            f"Label file '{path}' cannot be read ({describe_error(error)}); save it again from "
            "ImageJ."
        ) from None
    members: list[tuple[str, str, bytes | _UnreadableError]] = []
    total = 0
    with archive:
        for info in archive.infolist():
            inside = PurePosixPath(info.filename.replace("\\", "/"))
            if inside.suffix.lower() != ".roi" or inside.name.startswith("._") or info.is_dir():
                continue  # a preview, a folder, or what macOS and Explorer put beside
            data: bytes | _UnreadableError
            try:
                data = _member(archive, info, FILE_LIMIT - total)
                total += len(data)
            except _UnreadableError as error:
                data = error
            members.append((info.filename, inside.stem, data))
            if total >= FILE_LIMIT:
                raise TdsegError(
                    f"Label file '{path}' unpacks to more than {FILE_LIMIT >> 20} MiB; split it."
                )
    if not members:
        raise TdsegError(f"Label file '{path}' holds no ROI; save it again from ImageJ.")
    return _decoded(path, members, note)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, left: int) -> bytes:
    """Read a member piece by piece: the size it declares may be a lie."""
    if info.flag_bits & 1:
        raise _UnreadableError("is encrypted")
    if info.compress_type not in _METHODS:
        method = _METHOD_NAMES.get(info.compress_type, f"method {info.compress_type}")
        raise _UnreadableError(f"is packed by {method}, not by Deflate")
    pieces: list[bytes] = []
    size = 0
    try:
        with archive.open(info) as stream:
            while piece := stream.read(_PIECE):
                size += len(piece)
                limit = min(MEMBER_LIMIT, left)
                if size > limit:
                    raise _UnreadableError(f"unpacks to more than {limit >> 20} MiB")
                if not pieces and not piece.startswith(b"Iout"):
                    break  # no ROI, whatever follows
                pieces.append(piece)
    except _UnreadableError:
        raise
    except Exception as error:  # so does unpacking
        raise _UnreadableError(f"is damaged ({describe_error(error)})") from None
    if size and not pieces:
        raise _UnreadableError("is not an ImageJ ROI")
    return b"".join(pieces)


def tiff_has_rois(path: Path) -> bool:
    """Tell whether a TIFF has an overlay or a selection.

    Raises
    ------
    TdsegError
        If it is damaged.
    """
    return bool(_overlay(path)[0])


def _overlay(path: Path) -> tuple[list[bytes], int]:
    """Return the ROIs of a TIFF and its number of channels."""
    try:
        with tifffile.TiffFile(path) as tif:
            metadata = (tif.imagej_metadata or {}) if tif.is_imagej else {}
            overlay = metadata.get("Overlays") or metadata.get("ROI") or []
            channels = max(int(metadata.get("channels", 1)), 1)
    except PermissionError:
        raise
    except Exception as error:  # tifffile raises whatever a damaged file provokes
        raise TdsegError(
            f"Label file '{path}' cannot be read ({describe_error(error)}); save it again from "
            "ImageJ."
        ) from None
    return ([overlay] if isinstance(overlay, bytes) else list(overlay)), channels


def _from_tiff(path: Path, note: Callable[[str], None]) -> RoiSet:
    overlay, channels = _overlay(path)
    if not overlay:
        raise TdsegError(
            f"TIFF '{path}' has no overlay; save it from ImageJ with its overlay, or use "
            "labels=image for a label image."
        )
    members = [(f"ROI number {k}", "", bytes(data)) for k, data in enumerate(overlay, start=1)]
    return RoiSet(_decoded(path, members, note), channels)
