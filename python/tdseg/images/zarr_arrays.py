"""The only place that imports ``zarr``: arrays of an OME-Zarr, opened and made."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tdseg.errors import TdsegError


def _zarr(what: str) -> Any:
    try:
        import zarr
    except ImportError:
        raise TdsegError(
            f"{what} needs the package zarr, which is not installed; install it with pip install "
            "'tdseg[zarr]'."
        ) from None
    return zarr


def open_array(folder: Path, what: str) -> Any:
    """Open an array for reading.

    Parameters
    ----------
    folder
        Of the array; its description was checked.
    what
        Who needs it, for the message.

    Returns
    -------
    Any
        A ``zarr.Array``.

    Raises
    ------
    TdsegError
        If zarr is not installed, or does not understand the array.
    """
    zarr = _zarr(what)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of unstable extensions; codecs were checked
            return zarr.open_array(str(folder), mode="r")
    except Exception as error:  # whatever a damaged description provokes
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise TdsegError(f"'{folder}' cannot be read: {reason}; copy it again.") from error


def make_array(
    folder: Path,
    shape: Sequence[int],
    dtype: np.dtype[Any],
    block: Sequence[int],
    chunk: Sequence[int],
    axes: str,
    version: str,
) -> None:
    """Make an empty array on disk, replacing none.

    Parameters
    ----------
    folder
        Of the array.
    shape, block, chunk
        A number an axis. A block is a whole number of chunks; in version 0.5 it is a shard, one
        file; in 0.4 each of its chunks is a file.
    dtype
        Of the pixels.
    axes
        Their letters.
    version
        Of OME-Zarr.

    Raises
    ------
    TdsegError
        If zarr is not installed.
    """
    zarr = _zarr("OME-Zarr")
    known: dict[str, Any]
    if version == "0.5":
        known = {"zarr_format": 3, "shards": tuple(block), "dimension_names": list(axes)}
        known["compressors"] = zarr.codecs.ZstdCodec(level=3)
    else:
        import numcodecs

        known = {"zarr_format": 2, "chunk_key_encoding": {"name": "v2", "separator": "/"}}
        known["compressors"] = numcodecs.Zstd(level=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zarr.create_array(
            str(folder),
            shape=tuple(shape),
            dtype=dtype,
            chunks=tuple(chunk),
            fill_value=0,
            overwrite=False,
            **known,
        )


def open_to_write(folder: Path) -> Any:
    """Open an array that `make_array` made, for writing blocks."""
    zarr = _zarr("OME-Zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return zarr.open_array(str(folder), mode="r+")


def write_group(folder: Path, attributes: Mapping[str, Any], version: str) -> None:
    """Make a group with these attributes."""
    zarr = _zarr("OME-Zarr")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        zarr.create_group(
            str(folder),
            zarr_format=3 if version == "0.5" else 2,
            attributes=dict(attributes),
            overwrite=False,
        )
