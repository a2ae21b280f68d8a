"""Read PNM (PBM, PGM, PPM; plain or raw) with the values that ImageJ gives them."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tdseg.images.image import Image
from tdseg.images.pixel_values import check_memory
from tdseg.runtime.files import name_of

_SAMPLES = {b"1": 1, b"2": 1, b"3": 3, b"4": 1, b"5": 1, b"6": 3}
_GAP = rb"(?:\s|#[^\n]*\n)+"
_HEADER = re.compile(rb"P([1-6])" + _GAP + rb"(\d{1,9})" + _GAP + rb"(\d{1,9})")
_MAXIMUM = re.compile(_GAP + rb"(\d{1,9})")


def is_pnm(start: bytes) -> bool:
    """Tell by its first bytes whether a file is a PNM."""
    return re.match(rb"P[1-6][\s#]", start) is not None


def read_pnm(path: Path) -> Image:
    """Read the first image of a PNM file (netpbm's formats ``P1`` to ``P6``).

    Numbers up to a maximum of 255 are stretched to 255, larger ones are themselves; a bit that is
    1 is black, which is 0, and white is 255.

    Raises
    ------
    TdsegError
        If it needs more memory than is free.
    ValueError
        If it is damaged or cut short.
    """
    data = path.read_bytes()
    header = _HEADER.match(data)
    if header is None:
        raise ValueError("the header of the PNM is damaged")
    kind, end = header[1], header.end()
    width, height, maximum = int(header[2]), int(header[3]), 1
    if kind not in b"14":
        limit = _MAXIMUM.match(data, end)
        maximum, end = (0, end) if limit is None else (int(limit[1]), limit.end())
    if not 1 <= maximum <= 65535 or width * height == 0:
        raise ValueError("the header of the PNM is damaged")
    samples = _SAMPLES[kind]
    check_memory(path, width * height * samples * 8)
    if kind in b"123":
        numbers = _plain(data[end:], width * height * samples, kind == b"1")
    elif kind == b"4":
        numbers = _bits(data, end + 1, width, height)
    else:
        numbers = _raw(data, end + 1, width * height * samples, maximum)
    if numbers.max() > maximum:
        raise ValueError(f"the PNM has numbers above its maximum of {maximum}")
    image = _image(numbers.reshape(height, width, samples), maximum, kind in b"14", name_of(path))
    if kind in b"456" and is_pnm(data[_end_of_raw(kind, end, width, height, maximum) :][:3]):
        note = f"File '{path.name}' has several images; the first is read, as ImageJ does."
        image = replace(image, metadata={"notes": (note,)})
    return image


def _image(numbers: npt.NDArray[np.int64], maximum: int, bits: bool, name: str) -> Image:
    if bits:
        numbers = 1 - numbers
    if maximum < 256:
        # As ij.plugin.PNM_Reader, which cuts what is behind the point.
        pixels = (numbers * 255 // maximum).astype(np.uint8)
    else:
        pixels = numbers.astype(np.uint16)
    if pixels.shape[2] == 1:
        return Image.from_array(pixels[:, :, 0], "YX", name=name)
    if pixels.dtype == np.uint8:
        return Image.from_array(pixels, "YXC", name=name)
    return Image.from_array(np.moveaxis(pixels, 2, 0), "CYX", name=name)


def _plain(text: bytes, count: int, bits: bool) -> npt.NDArray[np.int64]:
    """Return numbers that are written as text; bits need no blanks between them."""
    text = re.sub(rb"#[^\n]*", b" ", text)
    words = [bytes([b]) for b in text if b in b"01"] if bits else text.split()
    if len(words) < count:
        raise ValueError("the PNM is cut short")
    return np.array([int(word) for word in words[:count]], np.int64)


def _raw(data: bytes, start: int, count: int, maximum: int) -> npt.NDArray[np.int64]:
    dtype = np.dtype(">u2" if maximum > 255 else "u1")
    if len(data) < start + count * dtype.itemsize:
        raise ValueError("the PNM is cut short")
    return np.frombuffer(data, dtype, count, start).astype(np.int64)


def _bits(data: bytes, start: int, width: int, height: int) -> npt.NDArray[np.int64]:
    line = -(-width // 8)
    packed = _raw(data, start, line * height, 255).astype(np.uint8).reshape(height, line)
    return np.unpackbits(packed, axis=1)[:, :width].astype(np.int64)


def _end_of_raw(kind: bytes, start: int, width: int, height: int, maximum: int) -> int:
    line = -(-width // 8) if kind == b"4" else width * _SAMPLES[kind] * (2 if maximum > 255 else 1)
    return start + 1 + line * height
