from __future__ import annotations

import threading

import numpy as np
import pytest

import tdseg
from tdseg.errors import TdsegError
from tdseg.features.token_cache import TokenCache, open_cache, token_key
from tdseg.upsampling.shifts import EncodedPlane, Encoder
from tdseg.upsampling.token_field import Axis, TokenGrid
from tdseg.workflow.session import Session


def plane(seed: int, size: int = 8, grids: int = 2) -> EncodedPlane:
    rng = np.random.default_rng(seed)
    axis = Axis.linear(np.arange(size) * 4.0, 4 * size)
    level = tuple(
        TokenGrid(rng.normal(size=(size, size, 5)).astype(np.float16), axis, axis)
        for _ in range(grids)
    )
    return EncodedPlane((level, level[:1]), (4 * size, 4 * size))


def equal(a: EncodedPlane, b: EncodedPlane) -> bool:
    return a.shape == b.shape and all(
        np.array_equal(x.values, y.values)
        and x.values.dtype == y.values.dtype
        and np.array_equal(x.rows.weight, y.rows.weight)
        and np.array_equal(x.cols.positions, y.cols.positions)
        for p, q in zip(a.levels, b.levels, strict=True)
        for x, y in zip(p, q, strict=True)
    )


def test_keys_tell_everything_apart() -> None:
    image = np.random.default_rng(0).integers(0, 255, (20, 30, 1), np.uint8)
    ranges = np.array([[0.0, 255.0]])
    settings = {"weights": "a1", "shifts": ((0, 0),), "dtype": "torch.float32"}
    key = token_key(image, ranges, settings)
    assert token_key(image.copy(), ranges.copy(), dict(reversed(settings.items()))) == key
    assert token_key(np.asfortranarray(image), ranges, settings) == key
    changed = image.copy()
    changed[7, 3] ^= 1
    others = [
        token_key(changed, ranges, settings),
        token_key(image.reshape(30, 20, 1), ranges, settings),
        token_key(image.view(np.int8), ranges, settings),
        token_key(image.astype(np.float32), ranges, settings),
        token_key(image, ranges + 1, settings),
        token_key(image, ranges, {**settings, "weights": "a2"}),
        token_key(image, ranges, {**settings, "shifts": ((0, 1),)}),
        token_key(image, ranges, {**settings, "more": None}),
    ]
    assert len({key, *others}) == 1 + len(others)


def test_the_least_recently_used_leaves_first() -> None:
    size = plane(0).nbytes
    cache = TokenCache(3 * size)
    for name in "abc":
        cache.put(name, plane(ord(name)))
    assert cache.get("a") is not None
    cache.put("d", plane(1))
    assert cache.get("b") is None
    assert equal(cache.get("a"), plane(ord("a")))
    assert cache.count == 3
    assert cache.bytes == 3 * size
    cache.put("huge", plane(2, 64))
    assert cache.get("huge") is None
    assert cache.count == 3
    cache.clear()
    assert (cache.count, cache.bytes) == (0, 0)


def test_replacing_a_plane_counts_it_once() -> None:
    cache = TokenCache(10**6)
    cache.put("a", plane(0))
    cache.put("a", plane(1))
    assert cache.bytes == plane(1).nbytes
    assert equal(cache.get("a"), plane(1))


def test_a_folder_outlives_the_session(tmp_path) -> None:
    folder = tmp_path / "tokens"
    TokenCache(10**6, folder).put("a", plane(0))
    later = TokenCache(10**6, folder)
    assert equal(later.get("a"), plane(0))
    assert later.count == 1
    assert later.get("b") is None
    later.clear()
    assert TokenCache(10**6, folder).get("a") is None
    assert list(folder.iterdir()) == []


def test_the_environment_names_a_folder_for_every_route(tmp_path, monkeypatch) -> None:
    image = np.random.default_rng(0).integers(0, 255, (40, 50), np.uint8)
    labels = np.zeros(image.shape, np.uint8)
    labels[:5], labels[20:25] = 1, 2
    settings = tdseg.Settings(features="deep", quality="fast", held_out=False, trees=5)

    def segment() -> np.ndarray:
        example = (tdseg.Image.from_array(image), tdseg.SparseLabels.from_label_image(labels))
        return tdseg.apply(tdseg.train([example], settings), example[0]).labels

    plain = segment()
    folder = tmp_path / "new" / "tokens"
    monkeypatch.setenv("TDSEG_CACHE", str(folder))
    assert np.array_equal(segment(), plain)
    written = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    assert written
    monkeypatch.setattr(Encoder, "encode", lambda *_: pytest.fail("the backbone ran again"))
    assert np.array_equal(segment(), plain)
    assert Session().cache.folder == folder
    assert {file.name for file in folder.iterdir()} == set(written)


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TDSEG_CACHE", str(tmp_path / "file"))
    with pytest.raises(TdsegError, match=r"TDSEG_CACHE names .*file"):
        open_cache(1000)


def test_a_folder_is_bounded_and_damage_is_no_error(tmp_path) -> None:
    cache = TokenCache(0, tmp_path, folder_bytes=30000)
    for name in "abcdefgh":
        cache.put(name, plane(0))
    files = list(tmp_path.iterdir())
    assert 1 <= len(files) < 8
    assert sum(file.stat().st_size for file in files) <= 30000
    for file in files:
        file.write_bytes(file.read_bytes()[:500])
        assert TokenCache(10**6, tmp_path).get(file.stem) is None


def test_making_happens_once() -> None:
    cache, made = TokenCache(10**6), []

    def make() -> EncodedPlane:
        made.append(1)
        return plane(0)

    assert cache.get_or_make("a", make)[1] is False
    assert cache.get_or_make("a", make)[1] is True
    assert len(made) == 1


def test_threads_may_share_it() -> None:
    cache = TokenCache(3 * plane(0).nbytes)
    errors: list[Exception] = []

    def work(offset: int) -> None:
        try:
            for k in range(100):
                name = str((k + offset) % 7)
                found, _ = cache.get_or_make(name, lambda name=name: plane(int(name)))
                assert equal(found, plane(int(name)))
        except Exception as error:
            errors.append(error)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not errors
    assert cache.bytes <= 3 * plane(0).nbytes


@pytest.mark.parametrize("content", [b"", b"not a zip"])
def test_strange_files_are_ignored(tmp_path, content) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    assert TokenCache(10**6, tmp_path).get("a") is None


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch) -> None:
    def fail(file, **arrays):
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", fail)
    cache = TokenCache(10**6, tmp_path)
    cache.put("a", plane(0))
    assert equal(cache.get("a"), plane(0))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("0.0.rows.lower", lambda a: a + 1000),
        ("0.0.rows.upper", lambda a: a - 1000),
        ("0.1.cols.lower", lambda a: a[:-1]),
        ("0.0.cols.upper", lambda a: a.astype(np.int64)),
        ("1.0.rows.weight", lambda a: a.astype(np.float64)),
        ("1.0.rows.weight", lambda a: a * np.float32(np.nan)),
        ("0.0.values", lambda a: a[:3]),
        ("0.1.values", lambda a: a[..., :2]),
        ("0.0.values", lambda a: a.astype(np.int16)),
        ("0.0.values", lambda a: a[0]),
        ("shape", lambda a: a + 1),
        ("grids", lambda a: a * 0),
        ("grids", lambda a: a + 1),
    ],
)
def test_tokens_that_compiled_code_must_not_walk_are_absent(tmp_path, name, change) -> None:
    TokenCache(0, tmp_path).put("a", plane(0))
    (file,) = tmp_path.iterdir()
    with np.load(file) as stored:
        arrays = dict(stored)
    np.savez(file, **{**arrays, name: change(arrays[name])})
    assert TokenCache(10**6, tmp_path).get("a") is None
    np.savez(file, **arrays)
    assert TokenCache(10**6, tmp_path).get("a") is not None
