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

from tdseg.errors import TdsegError
from tdseg.runtime.files import check_source, write_file

FORMAT = "tdseg"
FORMAT_VERSION = 1
"""Raised only when older versions of tdseg can no longer read the file."""

HEADER_NAME = "header.json"
ARRAYS_NAME = "arrays.npz"

MAX_HEADER_BYTES = 16 << 20
MAX_ARRAYS_BYTES = 2 << 30
"""Limits on unpacked sizes: far above any classifier, far below what hurts."""
MAX_ARRAYS = 1000

_PLAIN_KINDS = "biufcU"
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)


def write_archive(
    path: str | os.PathLike[str],
    header: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
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
    content = _zip({HEADER_NAME: text.encode(), ARRAYS_NAME: _pack(arrays)})
    write_file(Path(path), lambda part: part.write_bytes(content), existing)


def read_archive(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
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
        with zipfile.ZipFile(path) as archive:
            header = _read_header(path, archive)
            if ARRAYS_NAME not in archive.namelist():
                raise _damaged(path, f"it has no {ARRAYS_NAME}")
            packed = _read_member(path, archive, ARRAYS_NAME, MAX_ARRAYS_BYTES)
        with zipfile.ZipFile(io.BytesIO(packed)) as inner:
            return header, _unpack(path, inner)
    except (zipfile.BadZipFile, EOFError) as error:
        raise _damaged(path, "it is incomplete or was changed") from error
    except (NotImplementedError, RuntimeError) as error:  # other compression, or encrypted
        raise _damaged(path, f"zip: {error}") from error
    except OSError as error:
        raise TdsegError(
            f"{path} cannot be read ({error.strerror or error}); check the file and your rights."
        ) from error


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
            f"{path} is not a .tdseg file; choose a file that TDS Save Classifier... has written."
        )


def _read_header(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    foreign = TdsegError(
        f"{path} is a zip file but holds no tdseg classifier; "
        "choose a file that TDS Save Classifier... has written."
    )
    if HEADER_NAME not in archive.namelist():
        raise foreign
    try:
        header = json.loads(_read_member(path, archive, HEADER_NAME, MAX_HEADER_BYTES))
    except (ValueError, RecursionError) as error:
        if isinstance(error, TdsegError):
            raise
        raise _damaged(path, f"{HEADER_NAME} is not JSON") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise foreign
    version = header.get("format_version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise _damaged(path, f"format_version is {version!r}")
    if version > FORMAT_VERSION:
        raise TdsegError(
            f"{path} was written by a newer tdseg (file format {version}, this one reads up to "
            f"{FORMAT_VERSION}); update tdseg."
        )
    return header


def _read_member(path: Path, archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    # The zip module never unpacks more than the size that is declared, so checking it is enough.
    if archive.getinfo(name).file_size > limit:
        raise _damaged(path, f"{name} claims to be larger than {limit >> 20} MiB")
    try:
        return archive.read(name)
    except Exception as error:
        if isinstance(error, OSError | MemoryError):
            raise
        # A changed byte in compressed data raises errors of several modules.
        raise _damaged(path, f"{name} cannot be unpacked") from error


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


def _pack(arrays: Mapping[str, np.ndarray]) -> bytes:
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


def _unpack(path: Path, inner: zipfile.ZipFile) -> dict[str, np.ndarray]:
    members = inner.infolist()
    if len(members) > MAX_ARRAYS or sum(m.file_size for m in members) > MAX_ARRAYS_BYTES:
        raise _damaged(path, f"its arrays claim to be larger than {MAX_ARRAYS_BYTES >> 20} MiB")
    arrays = {}
    for member in members:
        name = member.filename.removesuffix(".npy")
        content = _read_member(path, inner, member.filename, MAX_ARRAYS_BYTES)
        arrays[name] = _read_array(path, name, content)
    return arrays


def _read_array(path: Path, name: str, content: bytes) -> np.ndarray:
    """Read one npy file; its size is checked before memory is taken, and objects are refused."""
    buffer = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(buffer)
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, fortran, dtype = read(buffer)
    except (ValueError, KeyError, TypeError, SyntaxError) as error:
        raise _damaged(path, f"array '{name}' has no valid header") from error
    if dtype.kind not in _PLAIN_KINDS:
        raise TdsegError(
            f"{path} holds an array '{name}' of {dtype}, which could run code when it is read; "
            "tdseg does not open it: ask for a file that TDS Save Classifier... has written."
        )
    data = content[buffer.tell() :]
    if any(n < 0 for n in shape) or math.prod(shape) * dtype.itemsize != len(data):
        raise _damaged(path, f"array '{name}' has the wrong size")
    flat = np.frombuffer(data, dtype=dtype) if data else np.empty(0, dtype)
    array = flat.reshape(shape, order="F" if fortran else "C")
    return array.astype(dtype.newbyteorder("="))
