"""The ``.tdseg`` file: a zip of ``header.json`` and ``arrays.npz``.

Reading runs no code: JSON and plain arrays only, no pickle. The same content gives the same bytes.
What header and arrays mean is the business of those who write them; this file adds ``format`` and
``format_version`` to the header.
"""

from __future__ import annotations

import io
import json
import math
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tdseg.errors import TdsegError
from tdseg.runtime.files import check_source, write_file

FORMAT = "tdseg"
FORMAT_VERSION = 1
"""Raised only when older versions of tdseg can no longer read the file."""

HEADER_NAME = "header.json"
ARRAYS_NAME = "arrays.npz"

MAX_HEADER_BYTES = 16 << 20
MAX_ARRAYS_BYTES = 2 << 30
"""Limits on unpacked sizes: far above any classifier."""
MAX_RATIO, ALWAYS_ALLOWED = 100, 64 << 20
"""No classifier packs better than a hundredfold, but small ones may hold little but zeros."""
MAX_ARRAYS = 1000
_PIECE = 1 << 20
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

_PLAIN_KINDS = "biufcU"
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)


def write_archive(
    path: str | os.PathLike[str],
    header: Mapping[str, Any],
    arrays: Mapping[str, npt.NDArray[Any]],
    existing: str = "overwrite",
) -> None:
    """Write a ``.tdseg`` file; it appears complete or not at all.

    Parameters
    ----------
    path : path
        Its folder must exist.
    header : mapping
        What JSON can hold, without NaN.
    arrays : mapping
        Arrays of numbers, booleans or strings.
    existing : {"overwrite", "error", "skip"}
        What to do when the file exists.

    Raises
    ------
    TdsegError
        When the folder is missing, the file cannot be written, or it exists and must not be
        replaced.
    """
    full = dict(header) | {"format": FORMAT, "format_version": FORMAT_VERSION}
    text = json.dumps(full, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    content = _zip({HEADER_NAME: text.encode(errors="replace"), ARRAYS_NAME: _pack(arrays)})
    write_file(Path(path), lambda part: part.write_bytes(content), existing)


def read_archive(
    path: str | os.PathLike[str],
) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Read a ``.tdseg`` file.

    Returns
    -------
    header : dict
        With ``format`` and ``format_version``.
    arrays : dict of ndarray
        Writable copies.

    Raises
    ------
    TdsegError
        When the file is missing, is not a ``.tdseg`` file, is damaged, or was written by a newer
        version.
    """
    path = Path(path)
    _check_source(path)
    try:
        size = os.path.getsize(path)
        budget = min(MAX_ARRAYS_BYTES, max(ALWAYS_ALLOWED, MAX_RATIO * size))
        with zipfile.ZipFile(path) as archive:
            header = _read_header(path, archive)
            names = archive.namelist()
            if ARRAYS_NAME not in names:
                raise _damaged(path, f"it has no {ARRAYS_NAME}")
            if sorted(names) != sorted((HEADER_NAME, ARRAYS_NAME)):
                raise _damaged(path, "it holds more than a header and arrays")
            packed = _read_member(path, archive, ARRAYS_NAME, budget)
        with zipfile.ZipFile(io.BytesIO(packed)) as inner:
            return header, _unpack(path, inner, budget)
    except (TdsegError, MemoryError):
        raise
    except OSError as error:
        raise TdsegError(
            f"{path} cannot be read ({error.strerror or error}); check the file and your rights."
        ) from error
    except Exception as error:
        # The zip module answers changed bytes with errors of many kinds.
        raise _damaged(path, "it is incomplete or was changed") from error


def _check_source(path: Path) -> None:
    """Tell by their first bytes files that are not ``.tdseg``, and say what they are."""
    check_source(path, "classifier file")
    try:
        with open(path, "rb") as file:
            start = file.read(4)
    except OSError as error:
        raise TdsegError(
            f"{path} cannot be read ({error.strerror or error}); check your rights to it."
        ) from error
    if start == b"":
        raise _damaged(path, "it is empty")
    if start[:2] == b"\xac\xed":
        raise TdsegError(
            f"{path} is a Java object, as Trainable Weka Segmentation saves its models (.model); "
            "tdseg cannot use it: train again from the same labels and save a .tdseg file."
        )
    if start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise TdsegError(
            f"{path} is a Python pickle, which could run code when it is opened; "
            "tdseg does not open it: train again and save a .tdseg file."
        )
    if start[:2] != b"PK":
        raise TdsegError(
            f"{path} is not a .tdseg file; choose a file that tdseg saved as a classifier."
        )


def _read_header(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    foreign = TdsegError(
        f"{path} is a zip file but holds no tdseg classifier; "
        "choose a file that tdseg saved as a classifier."
    )
    if HEADER_NAME not in archive.namelist():
        raise foreign
    try:
        header = json.loads(
            _read_member(path, archive, HEADER_NAME, MAX_HEADER_BYTES),
            parse_constant=_finite,
            parse_float=_finite,
            parse_int=_whole,
        )
    except TdsegError:
        raise
    except (ValueError, RecursionError) as error:
        raise _damaged(path, f"{HEADER_NAME} is not JSON") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise foreign
    version = header.get("format_version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise _damaged(path, f"format_version is {version!r:.80}")
    if version > FORMAT_VERSION:
        raise TdsegError(
            f"{path} was written by a newer tdseg (file format {version}, this one reads up to "
            f"{FORMAT_VERSION}); update tdseg."
        )
    return header


def _finite(text: str) -> float:
    """Return a number of the header; Python would also read NaN, Infinity and 1e999."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text:.20} is not finite")
    return value


def _whole(text: str) -> int:
    """Return a whole number of the header, if 64 bits hold it."""
    if len(text) > 20 or abs(value := int(text)) >= 1 << 63:
        raise ValueError(f"{text:.20} is too large")
    return value


def _read_member(path: Path, archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """Unpack one member piece by piece: its declared size may be a lie."""
    member = archive.getinfo(name)
    too_large = _damaged(path, f"{name} unpacks to more than {limit >> 20} MiB")
    if member.file_size > limit:
        raise too_large
    if member.compress_type not in _PACKINGS or member.flag_bits & 1:
        raise _damaged(path, f"{name} is encrypted or packed in a way that tdseg does not use")
    pieces, total = [], 0
    try:
        with archive.open(member) as file:
            while piece := file.read(_PIECE):
                total += len(piece)
                if total > limit:
                    raise too_large
                pieces.append(piece)
    except Exception as error:
        if isinstance(error, TdsegError | OSError | MemoryError):
            raise
        # A changed byte in compressed data raises errors of several modules.
        raise _damaged(path, f"{name} cannot be unpacked") from error
    return b"".join(pieces)


def _damaged(path: Path, how: str) -> TdsegError:
    return TdsegError(
        f"The classifier file {path} is damaged ({how}); copy it again or train and save again."
    )


def _zip(members: Mapping[str, bytes]) -> bytes:
    """Return a zip with fixed dates and rights, members in the given order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, _FIXED_DATE)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            # Arrays are compressed once, inside the inner archive.
            stored = name == ARRAYS_NAME
            info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()


def _pack(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Return the bytes of an npz file that `numpy.load` reads."""
    members: dict[str, bytes] = {}
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        if array.dtype.kind not in _PLAIN_KINDS:
            raise TypeError(f"array '{name}' of {array.dtype} cannot be stored")
        # Little-endian on every machine.
        plain = array.astype(array.dtype.newbyteorder("<"), copy=False)
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, plain, version=(1, 0), allow_pickle=False)
        members[f"{name}.npy"] = buffer.getvalue()
    return _zip(members)


def _unpack(path: Path, inner: zipfile.ZipFile, budget: int) -> dict[str, npt.NDArray[Any]]:
    members = inner.infolist()
    if len(members) > MAX_ARRAYS:
        raise _damaged(path, f"it has {len(members)} arrays")
    arrays: dict[str, npt.NDArray[Any]] = {}
    for member in members:
        name = member.filename.removesuffix(".npy")
        if name == member.filename or not name.isidentifier() or name in arrays:
            raise _damaged(path, f"{member.filename!r:.80} is no name of an array, or comes twice")
        content = _read_member(path, inner, member.filename, budget)
        budget -= len(content)
        arrays[name] = _read_array(path, name, content)
    return arrays


def _read_array(path: Path, name: str, content: bytes) -> npt.NDArray[Any]:
    """Read one npy file with NumPy, after a look at what its header claims."""
    try:
        buffer = io.BytesIO(content)
        version = np.lib.format.read_magic(buffer)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = read(buffer)
    except Exception as error:  # of several kinds, from the parsing of Python literals
        raise _damaged(path, f"array '{name}' has no valid header") from error
    if dtype.kind not in _PLAIN_KINDS:
        raise TdsegError(
            f"{path} holds an array '{name}' of {dtype!s:.80}, which could run code when it is "
            "read; tdseg does not open it: ask for a file that tdseg has saved."
        )
    # NumPy takes memory for what is claimed before it reads.
    left = len(content) - buffer.tell()
    if any(n < 0 for n in shape) or math.prod(shape) * dtype.itemsize != left:
        raise _damaged(path, f"array '{name}' has the wrong size")
    try:
        array: npt.NDArray[Any] = np.load(io.BytesIO(content), allow_pickle=False)
        return array.astype(dtype.newbyteorder("="))
    except Exception as error:  # such as a shape of zero elements that NumPy cannot hold
        raise _damaged(path, f"array '{name}' has an impossible shape") from error
