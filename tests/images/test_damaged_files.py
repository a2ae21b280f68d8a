"""Files that are cut, damaged, changing, or parts of a set: a sentence or the right pixels."""

from __future__ import annotations

import io
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image as Picture

from tdseg import TdsegError
from tdseg.images.image_files import read_image

PIXELS = np.random.default_rng(1).integers(0, 255, (3, 16, 16), np.uint8)


def tiff(**options: Any) -> Callable[[], bytes]:
    def make() -> bytes:
        stream = io.BytesIO()
        chosen = {"photometric": "minisblack", "metadata": None, **options}
        tifffile.imwrite(stream, options.pop("array", PIXELS), **chosen)
        return stream.getvalue()

    return make


def picture(kind: str, array: np.ndarray, **options: Any) -> Callable[[], bytes]:
    def make() -> bytes:
        stream = io.BytesIO()
        frames = [Picture.fromarray(a) for a in array]
        more = {"save_all": True, "append_images": frames[1:]} if len(frames) > 1 else {}
        frames[0].save(stream, kind, **more, **options)
        return stream.getvalue()

    return make


def outcome(path: Path) -> np.ndarray | str:
    """Read a file: its pixels, or the sentence that refuses it."""
    try:
        return read_image(path).array
    except TdsegError as error:
        return str(error)


COLOURS = np.stack([PIXELS] * 3, axis=-1)
WHOLE: dict[str, Callable[[], bytes]] = {
    "plain.tif": tiff(),
    "lzw.tif": tiff(compression="lzw", predictor=True),
    "tiles.tif": tiff(compression="zlib", tile=(16, 16)),
    "packbits.tif": tiff(compression="packbits", byteorder=">"),
    "imagej.tif": tiff(imagej=True, metadata={"axes": "ZYX"}),
    "ome.ome.tif": tiff(ome=True, metadata={"axes": "ZYX"}),
    "grey.png": picture("PNG", PIXELS[:1]),
    "rgb.png": picture("PNG", COLOURS[:1]),
    "moving.gif": picture("GIF", PIXELS),
    "rgb.bmp": picture("BMP", COLOURS[:1]),
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_cut_file_is_refused_or_whole(name: str, tmp_path: Path) -> None:
    data, path = WHOLE[name](), tmp_path / name
    path.write_bytes(data)
    whole = read_image(path).array
    refused = 0
    for length in np.unique(np.linspace(0, len(data) - 1, 60).astype(int)):
        path.write_bytes(data[:length])
        found = outcome(path)
        if isinstance(found, str):
            assert name in found
            assert "\n" not in found
            refused += 1
        else:
            np.testing.assert_array_equal(found, whole)
    assert refused > 40


@pytest.mark.parametrize("name", WHOLE)
def test_a_damaged_file_gives_a_sentence_or_an_image(name: str, tmp_path: Path) -> None:
    data, path, draw = WHOLE[name](), tmp_path / name, random.Random(name)
    for _ in range(60):
        changed = bytearray(data)
        for _ in range(draw.choice((1, 2, 8))):
            changed[draw.randrange(min(len(data), draw.choice((200, len(data)))))] = draw.choice(
                (0, 255, draw.randrange(256))
            )
        path.write_bytes(changed)
        found = outcome(path)
        assert name in found if isinstance(found, str) else found.ndim == 5


def test_a_half_copied_stack_says_how_much_is_there(tmp_path: Path) -> None:
    """ImageJ writes one directory, then all planes: tifffile's truncate does the same."""
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, PIXELS, imagej=True, metadata={"axes": "ZYX"}, truncate=True)
    assert read_image(path).shape == (1, 3, 1, 16, 16)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(TdsegError, match=r"stack\.tif.*2 of 3 planes"):
        read_image(path)


@pytest.mark.parametrize("missing", [False, True])
def test_one_file_of_a_set_is_its_own_plane(missing: bool, tmp_path: Path) -> None:
    xml = (
        '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
        'UUID="urn:uuid:{0}"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" '
        'Type="uint8" SizeX="16" SizeY="16" SizeZ="3" SizeC="1" SizeT="1" PhysicalSizeX="0.5">'
        '<Channel ID="Channel:0:0" SamplesPerPixel="1"/>{1}</Pixels></Image></OME>'
    )
    data = "".join(
        f'<TiffData IFD="0" FirstZ="{z}" PlaneCount="1">'
        f'<UUID FileName="z{z}.ome.tif">urn:uuid:{z}</UUID></TiffData>'
        for z in range(3)
    )
    for z in range(3):
        if not (missing and z == 2):
            tifffile.imwrite(
                tmp_path / f"z{z}.ome.tif",
                PIXELS[z],
                description=xml.format(z, data),
                metadata=None,
            )
    found = read_image(tmp_path / "z1.ome.tif")
    np.testing.assert_array_equal(found.array, PIXELS[1][None, None, None])
    assert "part of an image in several files" in found.notes[0]


def test_of_several_series_the_first_is_named(tmp_path: Path) -> None:
    path = tmp_path / "series.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        for k, name in enumerate(("left", "right")):
            writer.write(PIXELS[k : k + 2], metadata={"axes": "ZYX", "Name": name})
    heard: list[str] = []
    found = read_image(path, note=heard.append)
    np.testing.assert_array_equal(found.array[0, :, 0], PIXELS[:2])
    assert "2 series; the first ('left')" in heard[0]


def test_a_file_that_shrinks_while_it_is_read_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tdseg.images.tiff_reading.COPY_LIMIT", 0)
    path = tmp_path / "shrinks.tif"
    tifffile.imwrite(path, PIXELS, photometric="minisblack", metadata=None)
    image = read_image(path)
    np.testing.assert_array_equal(image.source.read(0, 0, 0), PIXELS[0])
    os.truncate(path, 400)
    with pytest.raises(TdsegError, match=r"shrinks\.tif.*shorter"):
        image.source.read(0, 2, 0)
    path.unlink()
    with pytest.raises(TdsegError, match=r"shrinks\.tif"):
        image.source.read(0, 0, 0)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.tif")
    with pytest.raises(TdsegError, match=r"pipe\.tif"):
        read_image(tmp_path / "pipe.tif")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        (b"x,y\n1,2\n", "Bio-Formats"),
    ],
)
def test_other_things_named_tif_are_called_what_they_are(
    content: bytes, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "cells.tif"
    path.write_bytes(content)
    with pytest.raises(TdsegError, match=says):
        read_image(path)


def test_a_codec_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "zstd.tif"
    tifffile.imwrite(path, PIXELS, photometric="minisblack", compression="zstd")

    def missing(*arguments: Any, **options: Any) -> None:
        raise tifffile.tifffile.imagecodecs.DelayedImportError("zstd_decode")

    monkeypatch.setattr(tifffile.tifffile.imagecodecs, "zstd_decode", missing)
    tifffile.TIFF.DECOMPRESSORS._codecs.clear()
    with pytest.raises(TdsegError, match=r"zstd\.tif.*pip install -U imagecodecs"):
        read_image(path)
    monkeypatch.undo()
    tifffile.TIFF.DECOMPRESSORS._codecs.clear()


def test_an_image_larger_than_pillows_limit_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow refuses above twice its limit; the limit is lowered here to keep the file small."""
    monkeypatch.setattr(Picture, "MAX_IMAGE_PIXELS", 50)
    path = tmp_path / "large.bmp"
    path.write_bytes(WHOLE["rgb.bmp"]())
    np.testing.assert_array_equal(read_image(path).array[0, 0], np.stack([PIXELS[0]] * 3))
    assert Picture.MAX_IMAGE_PIXELS == 50


def test_what_does_not_fit_into_memory_is_refused_before_it_is_read(tmp_path: Path) -> None:
    header = b"BM" + bytes(8) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little")
    side = (2_000_000).to_bytes(4, "little")
    path = tmp_path / "bomb.bmp"
    path.write_bytes(header + side * 2 + bytes([1, 0, 24, 0]) + bytes(2000))
    with pytest.raises(TdsegError, match=r"bomb\.bmp.*GiB"):
        read_image(path)
