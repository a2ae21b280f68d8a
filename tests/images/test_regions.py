"""Parts of planes, of TIFFs and OME-Zarrs of many kinds, equal those of whole planes."""

from __future__ import annotations

import json
import shutil
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

import tdseg
from tdseg.errors import TdsegError
from tdseg.images.image_files import read_image

PIXELS = np.random.default_rng(0).integers(0, 2**16, (2, 3, 4, 61, 83)).astype(np.uint16)


@pytest.fixture
def by_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tdseg.images.tiff_reading.COPY_LIMIT", 0)
    monkeypatch.setattr("tdseg.images.zarr_reading.COPY_LIMIT", 0)


def assert_regions(image: tdseg.Image, expected: np.ndarray) -> None:
    """Compare whole planes and parts with (T, Z, C, Y, X)."""
    assert image.shape == expected.shape
    source = image.by_region
    assert source is not None
    height, width = image.size
    for t, z, c in product(*map(range, expected.shape[:3])):
        plane = expected[t, z, c]
        np.testing.assert_array_equal(source.read(t, z, c), plane)
        for rows, cols in (
            ((0, 1), (0, 1)),
            ((7, 40), (20, 61)),
            ((height - 3, height), (0, width)),
        ):
            part = source.read_region(t, z, c, slice(*rows), slice(*cols))
            np.testing.assert_array_equal(part, plane[slice(*rows), slice(*cols)])
            assert part.dtype == expected.dtype


TIFFS = {
    "tiles": {"tile": (16, 32), "compression": "deflate", "predictor": True},
    "LZW strips": {"rowsperstrip": 7, "compression": "lzw"},
    "plain tiles": {"tile": (32, 16)},
    "big": {"tile": (16, 16), "compression": "zstd", "bigtiff": True},
    "other order": {"tile": (16, 16), "byteorder": ">", "compression": "deflate"},
    "uncompressed": {"rowsperstrip": 61},
}


@pytest.mark.parametrize("kind", TIFFS)
@pytest.mark.parametrize("ome", [True, False])
def test_regions_of_tiffs(tmp_path: Path, by_parts: None, kind: str, ome: bool) -> None:
    path = tmp_path / ("a.ome.tif" if ome else "a.tif")
    options = dict(TIFFS[kind])
    heads = {key: options.pop(key) for key in ("bigtiff", "byteorder") if key in options}
    pixels = PIXELS if ome else PIXELS[:1, :, :1]
    with tifffile.TiffWriter(path, ome=ome, **heads) as writer:
        # OME's order of axes is TCZYX in tifffile's default
        array = pixels.transpose(0, 2, 1, 3, 4) if ome else pixels[0, :, 0]
        writer.write(
            array,
            photometric="minisblack",
            metadata={"axes": "TCZYX"} if ome else None,
            **options,
        )
    image = read_image(path)
    expected = pixels if ome else pixels.transpose(0, 1, 2, 3, 4)
    assert_regions(image, expected)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("pyramid", [False, True])
def test_regions_of_colour_tiffs(
    tmp_path: Path, by_parts: None, planar: str, pyramid: bool
) -> None:
    rgb = (PIXELS[0, 0, :3] % 256).astype(np.uint8)
    path = tmp_path / "slide.tif"
    with tifffile.TiffWriter(path) as writer:
        options = {"tile": (16, 16), "photometric": "rgb", "compression": "deflate"}
        array = rgb.transpose(1, 2, 0) if planar == "contig" else rgb
        writer.write(array, planarconfig=planar, subifds=int(pyramid), **options)
        if pyramid:
            small = array[::2, ::2] if planar == "contig" else array[:, ::2, ::2]
            writer.write(small, planarconfig=planar, subfiletype=1, **options)
    image = read_image(path)
    assert image.rgb
    assert_regions(image, rgb[None, None])
    np.testing.assert_array_equal(
        image.region(0, slice(3, 20), slice(5, 9)), rgb.transpose(1, 2, 0)[3:20, 5:9]
    )


def test_jpeg_tiles_decode_as_the_whole_does(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "slide.tif"
    smooth = np.add.outer(np.arange(80), np.arange(96))[..., None] + np.array([0, 30, 60])
    tifffile.imwrite(
        path, smooth.astype(np.uint8), photometric="rgb", tile=(16, 32), compression="jpeg"
    )
    whole = read_image(path)
    monkeypatch.setattr("tdseg.images.tiff_reading.COPY_LIMIT", 0)
    lazy = read_image(path)
    np.testing.assert_array_equal(
        lazy.region(0, slice(5, 50), slice(20, 90)), whole.plane(0)[5:50, 20:90]
    )


def test_a_tile_that_is_damaged_is_named(tmp_path: Path, by_parts: None) -> None:
    path = tmp_path / "bad.tif"
    tifffile.imwrite(path, PIXELS[0, 0, 0], tile=(16, 16), compression="deflate")
    with tifffile.TiffFile(path) as tif:
        offset, count = tif.pages[0].dataoffsets[5], tif.pages[0].databytecounts[5]
    data = bytearray(path.read_bytes())
    data[offset : offset + count] = bytes(count)
    path.write_bytes(data)
    image = read_image(path)
    with pytest.raises(TdsegError, match=r"bad\.tif.*tile 6 is damaged"):
        image.plane(0)


def write_zarr(
    folder: Path,
    array: np.ndarray,
    axes: str,
    version: str,
    scale=None,
    units=None,
    omero=None,
    level: str = "0",
    **options,
) -> Path:
    """Write an OME-Zarr by zarr itself."""
    units = units or {}
    kinds = {"t": "time", "c": "channel"}
    described = {
        "axes": [
            {"name": a, "type": kinds.get(a, "space")} | ({"unit": units[a]} if a in units else {})
            for a in axes
        ],
        "datasets": [
            {
                "path": level,
                "coordinateTransformations": [
                    {"type": "scale", "scale": list(scale or [1.0] * len(axes))}
                ],
            }
        ],
    }
    attributes: dict = {"multiscales": [described]} | ({"omero": omero} if omero else {})
    if version == "0.5":
        attributes = {"ome": {"version": "0.5", **attributes}}
    else:
        described["version"] = version
    form = 3 if version == "0.5" else 2
    group = zarr.create_group(str(folder), zarr_format=form, attributes=attributes)
    made = group.create_array(level, shape=array.shape, dtype=array.dtype, **options)
    made[...] = array
    return folder


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("axes", ["tczyx", "czyx", "zyx", "yx", "cyx", "tyx"])
def test_regions_of_zarrs(tmp_path: Path, by_parts: None, version: str, axes: str) -> None:
    # (T, C, Z, Y, X), with only the axes that are there
    full = PIXELS.transpose(0, 2, 1, 3, 4)
    array = full[tuple(slice(None) if a in axes else 0 for a in "tczyx")]
    chunk = tuple({"y": 16, "x": 32}.get(a, 1) for a in axes)
    options = {"chunks": chunk}
    if version == "0.5":
        options["shards"] = tuple({"y": 32, "x": 96}.get(a, 1) for a in axes)
    sizes = {"t": 2.5, "c": 1.0, "z": 3.0, "y": 0.5, "x": 0.25}
    units = {"t": "second", "z": "micrometer", "y": "micrometer", "x": "micrometer"}
    folder = write_zarr(
        tmp_path / "a.ome.zarr",
        array,
        axes,
        version,
        [sizes[a] for a in axes],
        {a: units[a] for a in axes if a in units},
        **options,
    )
    image = read_image(folder)
    expected = PIXELS[tuple(slice(None) if a in axes else slice(0, 1) for a in "tzcyx")]
    assert_regions(image, expected)
    size = image.calibration
    assert (size.pixel_width, size.pixel_height, size.unit) == (0.25, 0.5, "\u00b5m")
    assert size.pixel_depth == (3.0 if "z" in axes else 1.0)
    assert (size.frame_interval, size.time_unit) == ((2.5, "sec") if "t" in axes else (0.0, "sec"))
    assert image.name == "a.ome.zarr"


def test_small_zarrs_are_held_and_colours_told_from_channels(tmp_path: Path) -> None:
    rgb = (PIXELS[0, 0, :3] % 256).astype(np.uint8)
    colours = [
        {"color": c, "label": n} for c, n in zip(("FF0000", "00FF00", "0000FF"), "rgb", strict=True)
    ]
    folder = write_zarr(tmp_path / "he.zarr", rgb, "cyx", "0.5", omero={"channels": colours})
    image = read_image(folder)
    assert image.rgb
    assert image.by_region is None
    np.testing.assert_array_equal(image.plane(0), rgb.transpose(1, 2, 0))
    for channel, name in zip(colours, ("DAPI", "GFP", "Cy5"), strict=True):
        channel["label"] = name
    folder = write_zarr(tmp_path / "fluo.zarr", rgb, "cyx", "0.4", omero={"channels": colours})
    image = read_image(folder)
    assert not image.rgb
    assert image.channel_names == ("DAPI", "GFP", "Cy5")


def test_bioformats2raw_and_transformations_of_the_whole(tmp_path: Path) -> None:
    outer = tmp_path / "raw.zarr"
    zarr.create_group(str(outer), zarr_format=2, attributes={"bioformats2raw.layout": 3})
    for name in ("0", "1"):
        write_zarr(outer / name, PIXELS[0, 0, 0], "yx", "0.4", [2.0, 2.0])
    described = json.loads((outer / "0" / ".zattrs").read_text())
    described["multiscales"][0]["coordinateTransformations"] = [
        {"type": "scale", "scale": [0.5, 0.25]},
        {"type": "translation", "translation": [-4.0, -2.0]},
    ]
    (outer / "0" / ".zattrs").write_text(json.dumps(described))
    said: list[str] = []
    image = read_image(outer, note=said.append)
    assert len(said) == 1
    assert "several images" in said[0]
    size = image.calibration
    assert (size.pixel_height, size.pixel_width) == (1.0, 0.5)
    assert (size.y_origin, size.x_origin) == (4.0, 4.0)


def _changed(folder: Path, how, array: bool = False) -> None:
    path = folder / ("0" if array else "") / "zarr.json"
    described = json.loads(path.read_text())
    how(described if array else described["attributes"]["ome"])
    path.write_text(json.dumps(described))


def _set(described, key, value):
    described[key] = value


REFUSED = {
    "multiscales": lambda d: d.pop("multiscales"),
    "is a plate": lambda d: _set(d, "plate", {}),
    "OME-Zarr 0.3": lambda d: _set(d, "version", "0.3"),
    "level at '../0'": lambda d: _set(d["multiscales"][0]["datasets"][0], "path", "../0"),
    "level at '/etc": lambda d: _set(d["multiscales"][0]["datasets"][0], "path", "/etc"),
    "axes y, q": lambda d: _set(d["multiscales"][0]["axes"][1], "name", "q"),
    "not understood": lambda d: _set(d["multiscales"][0], "datasets", [7]),
    "lacks its level": lambda d: _set(d["multiscales"][0]["datasets"][0], "path", "9"),
    "does not fit axes": lambda d: d["multiscales"][0].update(
        axes=[{"name": a} for a in "zyx"],
        datasets=[{"path": "0", "coordinateTransformations": []}],
    ),
}
REFUSED_ARRAYS = {
    "codec 'pickle'": lambda d: d["codecs"].append({"name": "pickle"}),
    "stored in chunks": lambda d: _set(
        d["chunk_grid"]["configuration"], "chunk_shape", [10**6, 10**6]
    ),
    "too many": lambda d: _set(d, "shape", [10**12, 10**12]),
    "of level '0'": lambda d: d.pop("shape"),
}


@pytest.mark.parametrize("sentence", [*REFUSED, *REFUSED_ARRAYS])
def test_what_is_not_understood_is_refused(tmp_path: Path, sentence: str) -> None:
    folder = write_zarr(tmp_path / "odd.zarr", PIXELS[0, 0, 0], "yx", "0.5")
    array = sentence in REFUSED_ARRAYS
    _changed(folder, (REFUSED_ARRAYS if array else REFUSED)[sentence], array)
    with pytest.raises(TdsegError) as refused:
        read_image(folder)
    assert sentence in str(refused.value)
    assert "odd.zarr" in str(refused.value)


def test_a_level_and_a_damaged_chunk_are_refused(tmp_path: Path, by_parts: None) -> None:
    folder = write_zarr(tmp_path / "a.zarr", PIXELS[0, 0, 0], "yx", "0.5", chunks=(16, 16))
    with pytest.raises(TdsegError, match="name the folder above it"):
        read_image(folder / "0")
    image = read_image(folder)
    (folder / "0" / "c" / "1" / "1").write_bytes(b"nonsense")
    with pytest.raises(TdsegError, match=r"a\.zarr.*row 17, column 17"):
        image.region(0, slice(16, 20), slice(16, 20))
    (folder / "zarr.json").write_text("{")
    with pytest.raises(TdsegError, match=r"zarr\.json.*as JSON"):
        read_image(folder)
    shutil.rmtree(folder)
    folder.mkdir()
    with pytest.raises(TdsegError, match="neither"):
        read_image(folder)
