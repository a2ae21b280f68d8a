"""PNG and GIF of every kind have the pixels that ImageJ opens."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from tdseg import TdsegError, imagej
from tdseg.images.image_files import read_image

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6
SAMPLES = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGB_ALPHA: 4}


@pytest.fixture(scope="module")
def opened() -> Any:
    """A function that returns the Image that ImageJ opens."""
    imagej.start()
    from tdseg.imagej.images import from_imageplus
    from tdseg.imagej.java import jc

    return lambda path: from_imageplus(jc.IJ.openImage(str(path)))


def png(array: np.ndarray, depth: int, colour: int, more: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """Encode (Y, X, samples) by the PNG specification, unfiltered."""
    height, width = array.shape[:2]
    lines = []
    for line in array.reshape(height, -1):
        if depth == 16:
            lines.append(line.astype(">u2").tobytes())
        else:
            bits = line[:, None] >> np.arange(depth - 1, -1, -1) & 1
            lines.append(np.packbits(bits.astype(np.uint8).ravel()).tobytes())
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + line for line in lines))
    out = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", header), *more, (b"IDAT", pixels), (b"IEND", b"")):
        out += struct.pack(">I", len(data)) + kind + data
        out += struct.pack(">I", zlib.crc32(kind + data))
    return out


RAMP = np.arange(768).astype(np.uint8).tobytes()
KINDS: list[tuple[int, int, tuple[tuple[bytes, bytes], ...]]] = [
    *((depth, GREY, ()) for depth in (1, 2, 4, 8, 16)),
    *((depth, colour, ()) for depth in (8, 16) for colour in (RGB, GREY_ALPHA, RGB_ALPHA)),
    *((depth, PALETTE, ((b"PLTE", RAMP[: 3 << depth]),)) for depth in (1, 2, 4, 8)),
    (8, PALETTE, ((b"PLTE", RAMP), (b"tRNS", b"\0\x80"))),
    *((depth, GREY, ((b"tRNS", b"\0\7"),)) for depth in (4, 8, 16)),
    *((depth, GREY, ((b"tRNS", b"\0\1"),)) for depth in (1, 2, 4)),
    *((depth, GREY, ((b"tRNS", b"\0\0"),)) for depth in (1, 2, 4)),
    *((depth, RGB, ((b"tRNS", b"\0\1\0\2\0\3"),)) for depth in (8, 16)),
]


@pytest.mark.parametrize(("depth", "colour", "more"), KINDS)
@pytest.mark.parametrize("opaque", [False, True])
def test_png(depth: int, colour: int, more: Any, opaque: bool, tmp_path: Path, opened: Any) -> None:
    array = np.random.default_rng(depth).integers(0, 2**depth, (9, 11, SAMPLES[colour]))
    if opaque and colour in (GREY_ALPHA, RGB_ALPHA):
        array[:, :, -1] = 2**depth - 1
    path = tmp_path / "kind.png"
    path.write_bytes(png(array, depth, colour, more))
    found, expected = read_image(path), opened(path)
    assert found.dtype == expected.dtype
    assert found.rgb == expected.rgb
    np.testing.assert_array_equal(found.array, expected.array)


@pytest.mark.parametrize("coloured", [False, True])
@pytest.mark.parametrize("count", [1, 4])
def test_all_frames_of_a_gif(coloured: bool, count: int, tmp_path: Path, opened: Any) -> None:
    rng = np.random.default_rng(count)
    frames = []
    for k in range(count):
        frame = Picture.fromarray(np.full((9, 11), k, np.uint8) + rng.integers(0, 2, (9, 11), "u1"))
        if coloured:
            frame = frame.convert("P")
            frame.putpalette(rng.integers(0, 256, 24).tolist())
        frames.append(frame)
    path = tmp_path / "moving.gif"
    frames[0].save(path, save_all=count > 1, append_images=frames[1:], disposal=2)
    found, expected = read_image(path), opened(path)
    assert found.shape == expected.shape
    assert found.shape[1] == count
    np.testing.assert_array_equal(found.array, expected.array)


def test_transparent_pixels_of_a_gif_show_the_frame_before(tmp_path: Path) -> None:
    """As the format says; ImageJ 1.54p paints them black."""
    frames = [np.random.default_rng(k).integers(0, 2, (9, 11), np.uint8) * 200 for k in range(3)]
    pictures = [Picture.fromarray(frame) for frame in frames]
    path = tmp_path / "moving.gif"
    pictures[0].save(path, save_all=True, append_images=pictures[1:])
    assert b"\x21\xf9\x04\x01" in path.read_bytes()  # a transparent colour is in use
    np.testing.assert_array_equal(read_image(path).array[0, :, 0], frames)


def test_a_gif_that_starts_black_is_grey_as_in_imagej(tmp_path: Path, opened: Any) -> None:
    black = Picture.new("RGB", (6, 5))
    frames = [Picture.new("RGB", (6, 5), c) for c in ((250, 10, 31), (3, 90, 200))]
    path = tmp_path / "fade.gif"
    black.save(path, save_all=True, append_images=frames)
    np.testing.assert_array_equal(read_image(path).array, opened(path).array)


@pytest.mark.parametrize(("kind", "ending"), [("PNG", "png"), ("WEBP", "webp")])
def test_the_first_frame_of_other_animations_is_read_and_said(
    kind: str, ending: str, tmp_path: Path
) -> None:
    frames = [np.full((9, 11, 3), 40 * k, np.uint8) for k in range(1, 4)]
    pictures = [Picture.fromarray(frame) for frame in frames]
    path = tmp_path / f"moving.{ending}"
    pictures[0].save(path, kind, save_all=True, append_images=pictures[1:], lossless=True)
    found = read_image(path)
    np.testing.assert_array_equal(found.array[0, 0], np.moveaxis(frames[0], -1, 0))
    assert "3 frames; the first is read" in found.notes[0]


NUMBERS = np.arange(24).reshape(4, 6) * 37


def plain(kind: int, maximum: int, numbers: np.ndarray) -> bytes:
    width = numbers.shape[1] // (3 if kind == 3 else 1)
    head = f"P{kind}\n# made by a microscope\n{width} {len(numbers)}\n"
    head += "" if kind == 1 else f"{maximum}\n"
    lines = "\n".join(" ".join(map(str, line)) for line in numbers % (maximum + 1))
    return (head + lines + "\n").encode()


def raw(kind: int, maximum: int, numbers: np.ndarray) -> bytes:
    width = numbers.shape[1] // (3 if kind == 6 else 1)
    pixels = (numbers % (maximum + 1)).astype(">u2" if maximum > 255 else "u1")
    return f"P{kind} {width} {len(numbers)}\n{maximum}\n".encode() + pixels.tobytes()


@pytest.mark.parametrize("maximum", [1, 7, 100, 255, 256, 1023, 65535])
@pytest.mark.parametrize(("write", "kind"), [(plain, 2), (plain, 3), (raw, 5), (raw, 6)])
def test_pnm(write: Any, kind: int, maximum: int, tmp_path: Path, opened: Any) -> None:
    path = tmp_path / "kind.pnm"
    path.write_bytes(write(kind, maximum, NUMBERS))
    found, expected = read_image(path), opened(path)
    assert found.rgb == expected.rgb
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found.array, expected.array)


def test_bits_of_a_pnm_are_black_where_they_are_set(tmp_path: Path, opened: Any) -> None:
    bits = np.random.default_rng(0).integers(0, 2, (5, 11))
    path = tmp_path / "bits.pbm"
    path.write_bytes(plain(1, 1, bits))
    np.testing.assert_array_equal(read_image(path).array, opened(path).array)
    np.testing.assert_array_equal(read_image(path).array[0, 0, 0], 255 - 255 * bits)
    # ImageJ 1.54p misreads packed bits, and those without blanks between them.
    path.write_bytes(b"P4 11 5\n" + np.packbits(bits.astype(np.uint8), axis=1).tobytes())
    np.testing.assert_array_equal(read_image(path).array[0, 0, 0], 255 - 255 * bits)
    path.write_bytes(b"P1 11 5\n" + "".join(map(str, bits.ravel())).encode())
    np.testing.assert_array_equal(read_image(path).array[0, 0, 0], 255 - 255 * bits)


def test_a_pnm_that_is_cut_or_lies_is_refused_and_of_several_the_first_is_read(
    tmp_path: Path,
) -> None:
    path = tmp_path / "cells.pgm"
    whole = raw(5, 255, NUMBERS)
    for data in (
        whole[:-1],
        b"P5 6",
        b"P5 6 4\n0\n" + bytes(24),
        b"P5 6 4\n70000\n" + bytes(96),
        b"P5 6 0\n255\n",
        plain(2, 255, NUMBERS)[:-9],
        raw(5, 255, NUMBERS).replace(b"255", b"100"),
    ):
        path.write_bytes(data)
        with pytest.raises(TdsegError, match=r"cells\.pgm"):
            read_image(path)
    path.write_bytes(whole)
    one = read_image(path)
    assert one.notes == ()
    path.write_bytes(whole * 2)
    found = read_image(path)
    np.testing.assert_array_equal(found.array, one.array)
    assert "several images" in found.notes[0]
