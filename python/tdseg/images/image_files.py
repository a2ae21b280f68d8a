"""Images in files, without Java: read TIFF, PNG and JPEG, write TIFF that ImageJ opens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Picture

from tdseg.errors import TdsegError
from tdseg.images.image import Image
from tdseg.images.tiff_reading import read_tiff
from tdseg.images.tiff_writing import write_stack
from tdseg.labels.colours import glasbey
from tdseg.runtime.files import check_source, write_file

_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_image(path: str | Path) -> Image:
    """Read an image file: TIFF of any kind, PNG, JPEG, BMP, GIF.

    ImageJ's calibration, channels, slices and frames are kept.

    Pixels are those that ImageJ opens: a grey JPEG and an indexed PNG have one channel, other
    pictures are RGB, transparent ones on white.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Image
        Named after the file.

    Raises
    ------
    TdsegError
        If the file is missing, a folder, empty, or not an image that can be read.
    """
    path = check_source(path, "image file")
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
        if not start:
            raise TdsegError(f"File '{path}' is empty; save it again.")
        return read_tiff(path) if start in _TIFF_STARTS else _read_picture(path)
    except TdsegError:
        raise
    except PermissionError:
        raise TdsegError(f"File '{path}' may not be read; change its permissions.") from None
    except MemoryError:
        raise TdsegError(f"File '{path}' does not fit into memory; cut it into parts.") from None
    except Exception as error:  # decoders raise whatever a damaged file provokes
        reason = " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__
        raise TdsegError(
            f"File '{path}' cannot be read as an image ({reason}); open it in ImageJ and save it "
            "as TIFF."
        ) from error


def write_labels(
    path: Path,
    labels: np.ndarray,
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
        What was segmented: gives the calibration.
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
    if labels.dtype not in (np.uint8, np.uint16):
        labels = labels.astype(np.uint8 if labels.max(initial=0) <= 255 else np.uint16)
    planes = labels[:, :, np.newaxis]
    return write_file(
        Path(path),
        lambda part: write_stack(
            part, planes, image.calibration, info=info, colours=glasbey(), ranges=[(0, 255)]
        ),
        existing,
    )


def write_probabilities(
    path: Path,
    probabilities: np.ndarray,
    image: Image,
    class_names: Sequence[str],
    info: Mapping[str, Any] | None = None,
    *,
    existing: str = "error",
) -> bool:
    """Write probabilities as a 32-bit hyperstack, a channel a class, shown from 0 to 1.

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


def write_features(
    path: Path,
    array: np.ndarray,
    image: Image,
    names: Sequence[str],
    info: Mapping[str, Any] | None = None,
    *,
    existing: str = "error",
) -> bool:
    """Write features as a 32-bit stack, a slice a feature.

    Of an image with several slices or frames: a hyperstack, a channel a feature.

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


def _read_picture(path: Path) -> Image:
    """Read a picture with the values that ImageJ gives it."""
    with Picture.open(path) as picture:
        mode = picture.mode
        if mode == "P" and "transparency" not in picture.info:
            return _indexed(path, picture)
        if mode in ("1", "L", "I;16", "I;16B", "I", "F"):
            array = np.array(picture)
            if mode == "1" and path.suffix.lower() != ".bmp":
                array = array.astype(np.uint8)  # 0 and 1, shown as black and white
            if mode == "I" and array.min() >= 0 and array.max() <= 65535:
                array = array.astype(np.uint16)
            return Image.from_array(array, "YX", name=path.name)
        if mode in ("RGBA", "LA", "PA", "P"):  # transparent: on white
            rgba = picture.convert("RGBA")
            white = Picture.new("RGBA", rgba.size, "white")
            picture_rgb = Picture.alpha_composite(white, rgba).convert("RGB")
        else:
            picture_rgb = picture.convert("RGB")
        colours = np.array(picture_rgb)
        if picture.format == "JPEG" and (colours == colours[:, :, :1]).all():
            return Image.from_array(colours[:, :, 0], "YX", name=path.name)
        return Image.from_array(colours, "YXC", name=path.name)


def _indexed(path: Path, picture: Picture.Image) -> Image:
    """Return a picture with a palette: 8-bit colour if the palette is short or grey otherwise."""
    flat = np.array(picture.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(flat)] = flat[:256]
    image = Image.from_array(np.array(picture), "YX", name=path.name)
    coloured = bool((colours != colours[:, :1]).any())
    if len(flat) < 256 and coloured:
        return replace(image, palette=colours)
    return replace(image, metadata={"luts": [colours]})
