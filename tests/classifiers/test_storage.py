from __future__ import annotations

import io
import json
import os
import pickle
import tracemalloc
import zipfile

import numpy as np
import pytest

from tdseg.classifiers.storage import FORMAT_VERSION, read_archive, write_archive
from tdseg.errors import TdsegError

HEADER = {"classifier": {"kind": "random_forest"}, "classes": ["nucleus", "zytoplasma µ"]}
ARRAYS = {
    "a": np.arange(12, dtype=np.int16).reshape(3, 4),
    "b": np.array([0.5, -np.inf], np.float32),
    "empty": np.empty((0, 3), np.float64),
    "scalar": np.array(7),
    "text": np.array(["x", "yz"]),
    "order": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "big_endian": np.arange(3, dtype=">i4"),
    "flags": np.array([True, False]),
}


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "cells.tdseg"
    write_archive(path, HEADER, ARRAYS)
    return path


def test_what_was_written_is_read(saved):
    header, arrays = read_archive(saved)
    assert header == HEADER | {"format": "tdseg", "format_version": FORMAT_VERSION}
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype.newbyteorder("=")
        assert arrays[name].flags.writeable


def test_file_is_a_plain_zip_that_numpy_reads(saved):
    with zipfile.ZipFile(saved) as archive:
        assert archive.namelist() == ["header.json", "arrays.npz"]
        assert json.loads(archive.read("header.json"))["format"] == "tdseg"
        loaded = np.load(io.BytesIO(archive.read("arrays.npz")), allow_pickle=False)
        np.testing.assert_array_equal(loaded["a"], ARRAYS["a"])


def test_same_content_gives_the_same_bytes(saved, tmp_path):
    other = tmp_path / "other.tdseg"
    write_archive(other, dict(reversed(HEADER.items())), dict(reversed(ARRAYS.items())))
    assert other.read_bytes() == saved.read_bytes()


def test_overwriting_is_a_choice(saved):
    before = saved.read_bytes()
    with pytest.raises(TdsegError, match=r"cells\.tdseg' exists.*existing=overwrite"):
        write_archive(saved, {}, {}, existing="error")
    assert saved.read_bytes() == before
    write_archive(saved, {"new": 1}, {})
    assert read_archive(saved)[0]["new"] == 1
    with pytest.raises(TdsegError, match="'existing' is 'maybe'"):
        write_archive(saved, {}, {}, existing="maybe")


def test_failed_write_leaves_the_old_file_and_nothing_else(saved, monkeypatch):
    before = saved.read_bytes()

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(TdsegError, match=r"cells\.tdseg.*No space left"):
        write_archive(saved, {"new": 1}, ARRAYS)
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == ["cells.tdseg"]


def test_objects_are_not_written(tmp_path):
    with pytest.raises(TypeError, match="cannot be stored"):
        write_archive(tmp_path / "x.tdseg", {}, {"a": np.array([None])})
    assert os.listdir(tmp_path) == []


def test_missing_folder_folder_and_protected_file(saved, tmp_path, monkeypatch):
    with pytest.raises(TdsegError, match=r"older .*nowhere' does not exist.*create it"):
        write_archive(tmp_path / "nowhere" / "x.tdseg", {}, {})
    with pytest.raises(TdsegError, match="is a folder"):
        write_archive(tmp_path, {}, {})
    with pytest.raises(TdsegError, match="is a folder"):
        read_archive(tmp_path)
    with pytest.raises(TdsegError, match=r"no classifier file .*none\.tdseg'"):
        read_archive(tmp_path / "none.tdseg")
    # Access is simulated, since a superuser may write anywhere.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(TdsegError, match="write-protected"):
        write_archive(saved, {}, {})


def test_unwritable_folder(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(TdsegError, match=r"x\.tdseg' cannot be written: Permission denied"):
        write_archive(tmp_path / "x.tdseg", {}, {})


def zip_of(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def npz_of(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def header_of(**more):
    return json.dumps({"format": "tdseg", "format_version": 1} | more)


def npy_claiming(shape):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        buffer, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    return buffer.getvalue() + b"12345678"


FOREIGN = {
    "empty": (b"", "is empty"),
    "text": (b"weights = 1", "not a .tdseg file"),
    "one byte": (b"P", "not a .tdseg file"),
    "weka": (b"\xac\xed\x00\x05sr\x00", r"Java object.*\.model.*train again"),
    "pickle": (pickle.dumps({"a": 1}), "pickle.*run code"),
    "zip": (zip_of({"data.pkl": b"x"}), "zip file but holds no tdseg classifier"),
    "other header": (zip_of({"header.json": "{}"}), "holds no tdseg classifier"),
    "list header": (zip_of({"header.json": "[1]"}), "holds no tdseg classifier"),
    "no json": (zip_of({"header.json": "{'a'"}), "damaged.*not JSON"),
    "no text": (zip_of({"header.json": b"\xff\xfe\xfa"}), "damaged.*not JSON"),
    "nested json": (zip_of({"header.json": "[" * 200_000}), "damaged.*not JSON"),
    "newer": (zip_of({"header.json": header_of(format_version=2)}), "newer tdseg.*update tdseg"),
    "no version": (zip_of({"header.json": header_of(format_version="1")}), "format_version"),
    "no arrays": (zip_of({"header.json": header_of()}), "no arrays.npz"),
    "arrays no zip": (zip_of({"header.json": header_of(), "arrays.npz": b"abc"}), "damaged"),
    "objects": (
        zip_of({"header.json": header_of(), "arrays.npz": npz_of(a=np.array([{}, None]))}),
        "'a' of object.*run code",
    ),
    "no npy": (
        zip_of({"header.json": header_of(), "arrays.npz": zip_of({"a.npy": b"abc"})}),
        "array 'a' has no valid header",
    ),
    "huge claim": (
        zip_of(
            {"header.json": header_of(), "arrays.npz": zip_of({"a.npy": npy_claiming((1 << 50,))})}
        ),
        "array 'a' has the wrong size",
    ),
    "negative claim": (
        zip_of(
            {"header.json": header_of(), "arrays.npz": zip_of({"a.npy": npy_claiming((-1, -1))})}
        ),
        "array 'a' has the wrong size",
    ),
    "shape that NumPy cannot hold": (
        zip_of(
            {
                "header.json": header_of(),
                "arrays.npz": zip_of({"a.npy": npy_claiming((0, 1 << 62, 1 << 62))[:-8]}),
            }
        ),
        "array 'a' has an impossible shape",
    ),
    "NaN": (zip_of({"header.json": '{"format": "tdseg", "x": NaN}'}), "damaged.*not JSON"),
    "infinity": (zip_of({"header.json": '{"format": "tdseg", "x": 1e999}'}), "not JSON"),
    "5,000 digits": (zip_of({"header.json": '{"x": ' + "9" * 5000 + "}"}), "not JSON"),
    "more members": (
        zip_of({"header.json": header_of(), "arrays.npz": npz_of(), "run.py": "x"}),
        "more than a header and arrays",
    ),
    "bomb": (zip_of({"header.json": b" " * (17 << 20)}), "more than 16 MiB"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_and_damaged_files_are_named_with_a_remedy(name, tmp_path):
    content, message = FOREIGN[name]
    path = tmp_path / "given.tdseg"
    path.write_bytes(content)
    with pytest.raises(TdsegError, match=message) as caught:
        read_archive(path)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    assert text.endswith(".")


def test_a_pickle_inside_is_not_executed(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    path = tmp_path / "evil.tdseg"
    hidden = np.array([Evil()], dtype=object)
    path.write_bytes(zip_of({"header.json": header_of(), "arrays.npz": npz_of(a=hidden)}))
    with pytest.raises(TdsegError, match="run code"):
        read_archive(path)
    assert not (tmp_path / "ran").exists()


def test_truncated_anywhere_is_refused(saved):
    content = saved.read_bytes()
    for length in (3, 30, len(content) // 2, len(content) - 30, len(content) - 1):
        saved.write_bytes(content[:length])
        with pytest.raises(TdsegError, match=r"cells\.tdseg"):
            read_archive(saved)


def test_changed_bytes_never_give_wrong_arrays(saved):
    content = saved.read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        changed = bytearray(content)
        changed[rng.integers(len(content))] ^= int(rng.integers(1, 256))
        saved.write_bytes(changed)
        try:
            header, arrays = read_archive(saved)
        except TdsegError:
            refused += 1
            continue
        # The byte was one that carries nothing, such as a date.
        assert header["classes"] == HEADER["classes"]
        for name in ARRAYS.keys() & arrays.keys():
            np.testing.assert_array_equal(arrays[name], ARRAYS[name])
    assert refused > 150


def nested_bomb(lie: bool) -> bytes:
    """A gigabyte of zeros in a few kilobytes: deflated, and deflated again."""
    array = io.BytesIO()
    with zipfile.ZipFile(array, "w", zipfile.ZIP_DEFLATED) as inner, inner.open("a.npy", "w") as f:
        for _ in range(256):
            f.write(bytes(1 << 22))
    content = bytearray(zip_of({"header.json": header_of(), "arrays.npz": array.getvalue()}))
    if lie:  # in the central directory and before the data
        packed = bytearray(array.getvalue())
        size = (256 << 22).to_bytes(4, "little")
        packed = packed.replace(size, (64).to_bytes(4, "little"))
        content = bytearray(zip_of({"header.json": header_of(), "arrays.npz": bytes(packed)}))
    return bytes(content)


@pytest.mark.parametrize("lie", [False, True])
def test_a_bomb_takes_no_memory(lie, tmp_path):
    path = tmp_path / "bomb.tdseg"
    path.write_bytes(nested_bomb(lie))
    assert path.stat().st_size < 10_000
    tracemalloc.start()
    with pytest.raises(TdsegError, match="damaged"):
        read_archive(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 << 20


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_packings_are_refused(packing, tmp_path):
    with zipfile.ZipFile(tmp_path / "x.tdseg", "w", packing) as archive:
        archive.writestr("header.json", header_of())
        archive.writestr("arrays.npz", npz_of())
    with pytest.raises(TdsegError, match="packed in a way"):
        read_archive(tmp_path / "x.tdseg")
