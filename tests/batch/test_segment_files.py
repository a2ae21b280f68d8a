"""Segmenting files together: the same as in memory, one image at a time, nothing overwritten."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import tifffile

import tdseg
from tdseg.batch import segment_files as room
from tdseg.batch.segment_files import refine_file, segment_files
from tdseg.errors import TdsegError
from tdseg.options.settings import Settings

SETTINGS = Settings(features="classical", classical="gaussian,variance")


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    for k in range(5):
        pixels = np.full((24, 30), 40) + rng.integers(0, 20, (24, 30))
        pixels[4 + k : 14 + k, 5:20] += 120
        tifffile.imwrite(tmp_path / f"{k}.tif", (100 * pixels).astype(np.uint16), imagej=True)
    return sorted(tmp_path.glob("*.tif"))


def test_files_give_what_images_give_with_one_in_memory_at_a_time(files, tmp_path, monkeypatch):
    expected = tdseg.segment_without_labels(
        [tdseg.read_image(file) for file in files], clusters=2, settings=SETTINGS
    )
    alive: list[weakref.ref] = []
    most = 0

    def read(path, **options):
        nonlocal most
        image = tdseg.read_image(path, **options)
        alive.append(weakref.ref(image))
        gc.collect()
        most = max(most, sum(ref() is not None for ref in alive))
        return image

    monkeypatch.setattr(room, "read_image", read)
    out = tmp_path / "out"
    written, model = segment_files(files, out, SETTINGS, clusters=2)
    assert [path.name for path in written] == [f"{k}-labels.tif" for k in range(5)]
    for path, result in zip(written, expected, strict=True):
        np.testing.assert_array_equal(tifffile.imread(path), result.labels[0, 0])
    assert model is not None
    assert most <= 2  # one in use while the next is read


def test_what_is_there_stays_or_stops_the_work_before_it_begins(files, tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    (out / "3-labels.tif").write_bytes(b"mine")
    with pytest.raises(TdsegError, match=r"3-labels\.tif' exists"):
        segment_files(files, out, SETTINGS, clusters=2)
    assert len(list(out.iterdir())) == 1
    written, _ = segment_files(files, out, SETTINGS, clusters=2, existing="skip")
    assert len(written) == 4
    assert (out / "3-labels.tif").read_bytes() == b"mine"

    def refuse(path):
        raise AssertionError("nothing is left to do")

    monkeypatch.setattr(room, "read_image", refuse)
    assert segment_files(files, out, SETTINGS, clusters=2, existing="skip") == ([], None)
    with pytest.raises(TdsegError, match=r"nofolder' does not exist"):
        refine_file(files[0], files[0], tmp_path / "nofolder" / "x.tif", SETTINGS)


def test_ten_thousand_names_are_checked_at_once(tmp_path):
    many = [tmp_path / f"{k}.tif" for k in range(10_000)]
    with pytest.raises(TdsegError, match=r"no image file .*0\.tif"):
        segment_files(many, tmp_path / "out", SETTINGS, clusters=2)
    with pytest.raises(TdsegError, match=r"7\.tif' and '.*7\.png' would both write"):
        segment_files([*many, tmp_path / "7.png"], tmp_path / "out", SETTINGS, clusters=2)
