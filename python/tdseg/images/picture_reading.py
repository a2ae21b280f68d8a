"""Read PNG, GIF, JPEG, BMP and WebP with the values that ImageJ gives them."""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import Image as Picture
from PIL import ImageSequence

from tdseg.errors import TdsegError
from tdseg.images.image import Image
from tdseg.images.pixel_values import check_memory
from tdseg.runtime.files import name_of

PNG_START = b"\x89PNG\r\n\x1a\n"
_FORMATS = ("JPEG", "BMP", "GIF", "WEBP", "PNG")
_PALETTE, _GREY = 3, 0  # colour types of a PNG
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PILLOW = threading.Lock()


def read_picture(path: Path) -> Image:
    """Read a picture; ``docs/images.md`` has the rules.

    Raises
    ------
    TdsegError
        If it needs more memory than is free.
    OSError, ValueError
        If it is damaged or no picture.
    """
    with path.open("rb") as stream:
        start = stream.read(33)
    if start.startswith(b"GIF8"):
        _check_gif_end(path.read_bytes())
    if not start.startswith(PNG_START):
        return _read_with_pillow(path)
    if len(start) < 33 or start[12:16] != b"IHDR":
        raise ValueError("the header of the PNG is missing")
    width, height = (int.from_bytes(start[i : i + 4], "big") for i in (16, 20))
    depth, colour = start[24], start[25]
    check_memory(path, width * height * _SAMPLES.get(colour, 4) * max(1, depth // 8))
    data = path.read_bytes()
    chunks = _png_chunks(data)
    transparent = chunks.get(b"tRNS")
    depth = depth if colour == _GREY else 8
    if transparent is None and (colour == _PALETTE or depth < 8):
        image = _read_with_pillow(path, depth)
    else:
        image = _decoded_png(path, data, depth, transparent)
    return _first_of(image, path, int.from_bytes(chunks.get(b"acTL", b"")[:4], "big"))


def _decoded_png(path: Path, data: bytes, depth: int, transparent: bytes | None) -> Image:
    pixels = imagecodecs.png_decode(data)
    if pixels.ndim == 2:
        return Image.from_array(pixels, "YX", name=name_of(path))
    if depth < 8 and transparent is not None and any(transparent):
        # Java compares the transparent grey with values that it has stretched to 8 bits.
        pixels[:, :, -1] = 255
    if pixels.shape[2] in (2, 4):
        return Image.from_array(_on_white(pixels), "YXC", name=name_of(path))
    if pixels.dtype == np.uint8:
        return Image.from_array(pixels, "YXC", name=name_of(path))
    return Image.from_array(np.moveaxis(pixels, 2, 0), "CYX", name=name_of(path))


def _png_chunks(data: bytes) -> dict[bytes, bytes]:
    """Return the first chunk of each kind; a PNG cut between two decodes without an error."""
    found: dict[bytes, bytes] = {}
    at = len(PNG_START)
    while at + 12 <= len(data):
        kind, length = data[at + 4 : at + 8], int.from_bytes(data[at : at + 4], "big")
        if kind == b"IEND":
            return found
        if kind != b"IDAT":
            found.setdefault(kind, data[at + 8 : at + 8 + length])
        at += 12 + length
    raise ValueError("the PNG is cut short")


def _first_of(image: Image, path: Path, frames: int) -> Image:
    """Say that the picture has more frames than the one that is read."""
    if frames < 2:
        return image
    note = f"File '{path.name}' has {frames} frames; the first is read. Save them as a TIFF stack."
    return replace(image, metadata={**image.metadata, "notes": (note,)})


def _check_gif_end(data: bytes) -> None:
    """Walk over the blocks (GIF89a, W3C): of a GIF cut short, Pillow reads fewer frames."""
    try:
        at = 13 + _gif_table(data[10])
        while data[at] != 0x3B:  # the trailer
            if data[at] == 0x2C:  # an image: its size and flags, its palette, the code size
                at += 11 + _gif_table(data[at + 9])
            elif data[at] == 0x21:  # an extension and its label
                at += 2
            else:
                raise ValueError("the GIF has an unknown block")
            while data[at]:
                at += 1 + data[at]
            at += 1
    except IndexError:
        raise ValueError("the GIF is cut short") from None


def _gif_table(flags: int) -> int:
    """Return the length of the palette that these flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _on_white(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Return grey or colours with alpha, (Y, X, 2 or 4), as 24-bit RGB on white.

    As Java paints them: 16 bits are rounded to 8; grey counts as linear light and gets the curve
    of sRGB (IEC 61966-2-1); then the pixel and white are weighted by alpha, each rounded.
    """
    top = np.iinfo(pixels.dtype).max
    colours, alpha = pixels[:, :, :-1], pixels[:, :, -1:]
    if colours.shape[2] == 1:
        light = np.arange(top + 1) / top
        curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
        values = np.floor(curve * 255 + 0.5).astype(np.int64)[colours]
    else:
        values = (colours.astype(np.int64) * 255 + top // 2) // top
    weight = (alpha.astype(np.int64) * 255 + top // 2) // top
    painted = (values * weight * 2 + 255) // 510 + (255 - weight)
    return np.repeat(painted, 3 // painted.shape[2], axis=2).astype(np.uint8)


@contextmanager
def _opened(path: Path) -> Iterator[Picture.Image]:
    """Open a picture with Pillow; not its limit of pixels counts, but the free memory.

    The limit is a guard of web servers; slides and mosaics are larger.
    """
    data = io.BytesIO(path.read_bytes())
    with _PILLOW:
        before, Picture.MAX_IMAGE_PIXELS = Picture.MAX_IMAGE_PIXELS, None
        try:
            picture = Picture.open(data, formats=_FORMATS)
        finally:
            Picture.MAX_IMAGE_PIXELS = before
    with picture:
        check_memory(path, math.prod(picture.size) * 4)
        yield picture


def _read_with_pillow(path: Path, depth: int = 8) -> Image:
    """Read with Pillow; grey PNGs of 2 or 4 bits keep their numbers."""
    with _opened(path) as picture:
        frames = getattr(picture, "n_frames", 1)
        if picture.format == "GIF" and frames > 1:
            return _animation(path, picture)
        if picture.mode == "P":
            return _indexed(path, picture)
        if picture.mode in ("1", "L", "I;16", "I;16B", "I", "F"):
            return _grey(path, picture, depth)
        if picture.mode == "CMYK":
            raise TdsegError(f"File '{path}' has CMYK colours; convert it to RGB.")
        colours = _colours(picture)
        if picture.format == "JPEG" and _is_grey(colours):
            return Image.from_array(colours[:, :, 0], "YX", name=name_of(path))
        image = Image.from_array(colours, "YXC", name=name_of(path))
        return _first_of(image, path, frames) if picture.format == "WEBP" else image


def _colours(picture: Picture.Image) -> npt.NDArray[np.uint8]:
    if picture.mode in ("RGBA", "LA", "PA"):
        return _on_white(np.array(picture.convert("RGBA")))
    return np.array(picture.convert("RGB"))


def _grey(path: Path, picture: Picture.Image, depth: int) -> Image:
    array = np.array(picture)
    if picture.mode == "1":
        # ImageJ opens bits as 0 and 255 from a BMP, as 0 and 1 (shown black and white) else.
        array = array.astype(np.uint8) * np.uint8(255 if picture.format == "BMP" else 1)
    elif depth < 8:
        array //= np.uint8(255 // (2**depth - 1))
    if picture.mode == "I" and array.min() >= 0 and array.max() <= 65535:
        array = array.astype(np.uint16)
    return Image.from_array(array, "YX", name=name_of(path))


def _is_grey(colours: npt.NDArray[np.uint8]) -> bool:
    return bool((colours == colours[..., :1]).all())


def _animation(path: Path, picture: Picture.Image) -> Image:
    """Return the frames of a GIF as slices: grey if the first one is, else RGB."""
    frames = getattr(picture, "n_frames", 1)
    check_memory(path, math.prod(picture.size) * 3 * frames)
    pages = np.stack([np.array(f.convert("RGB")) for f in ImageSequence.Iterator(picture)])
    if not _is_grey(pages[0]):
        return Image.from_array(pages, "ZYXC", name=name_of(path))
    # As ij.plugin.GIF_Reader: the first frame decides, colours become their mean.
    grey = np.floor(pages.astype(np.float64).sum(axis=3) / 3 + 0.5).astype(np.uint8)
    return Image.from_array(grey, "ZYX", name=name_of(path))


def _indexed(path: Path, picture: Picture.Image) -> Image:
    """Return a picture with a palette: 8-bit colour if the palette is short or grey otherwise."""
    flat = np.array(picture.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    colours = np.zeros((256, 3), np.uint8)
    colours[: len(flat)] = flat[:256]
    image = Image.from_array(np.array(picture), "YX", name=name_of(path))
    coloured = bool((colours != colours[:, :1]).any())
    if len(flat) < 256 and coloured:
        return replace(image, palette=colours)
    return replace(image, metadata={"luts": [colours]})
